// SPDX-License-Identifier: Apache-2.0
// The crypto of one unicast MSK message and nothing else, with re-armed OpenSSL objects: the floor.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <span>

namespace keymast::bench {

// FloorCrypto does three MIKEY-1 derivations (RFC 3830 §4.1.2, two HMAC-SHA-1 each) from a 16-octet
// key, AES-CM over 36 octets and HMAC-SHA-1 over 200, as the fastest well-kept primitives allow.
class FloorCrypto {
 public:
  FloorCrypto();
  ~FloorCrypto();
  FloorCrypto(const FloorCrypto&) = delete;
  FloorCrypto& operator=(const FloorCrypto&) = delete;
  void OneMessage(std::span<const uint8_t, 16> user_key, std::span<uint8_t, 200> message);

 private:
  void Hmac(EVP_MAC_CTX* keyed, std::span<const uint8_t> first, std::span<const uint8_t> second,
            uint8_t* out);
  EVP_MAC* mac_ = nullptr;
  EVP_MAC_CTX* psk_ = nullptr;
  EVP_MAC_CTX* auth_ = nullptr;
  EVP_CIPHER* aes_ = nullptr;
  EVP_CIPHER_CTX* cipher_ = nullptr;
};

}  // namespace keymast::bench
