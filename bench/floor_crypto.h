// SPDX-License-Identifier: Apache-2.0
// The crypto of one unicast MSK message and nothing else, with the fastest primitives of OpenSSL
// that are not deprecated: the floor.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <span>

namespace keymast::bench {

// FloorCrypto does three MIKEY-1 derivations (RFC 3830 §4.1.2, two HMAC-SHA-1 each) from a 16-octet
// key, AES-CM over 36 octets and HMAC-SHA-1 over all before the last 20, as the fastest well-kept
// primitives allow.
class FloorCrypto {
 public:
  FloorCrypto();
  ~FloorCrypto();
  FloorCrypto(const FloorCrypto&) = delete;
  FloorCrypto& operator=(const FloorCrypto&) = delete;
  void OneMessage(std::span<const uint8_t, 16> user_key, std::span<uint8_t> message);

 private:
  // Keyed is an HMAC key taken in: a copy of each digest state spares two blocks a MAC.
  struct Keyed {
    EVP_MD_CTX* inner;
    EVP_MD_CTX* outer;
  };
  void Key(Keyed& keyed, std::span<const uint8_t> key);
  void Hmac(const Keyed& keyed, std::span<const uint8_t> first, std::span<const uint8_t> second,
            uint8_t* out);

  EVP_MD* sha1_;
  Keyed psk_;
  Keyed auth_;
  EVP_MD_CTX* work_;
  EVP_CIPHER* aes_;
  EVP_CIPHER_CTX* cipher_;
};

}  // namespace keymast::bench
