// SPDX-License-Identifier: Apache-2.0
#include "bench/floor_crypto.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <cstdlib>

namespace keymast::bench {
namespace {

EVP_MAC_CTX* NewHmacSha1(EVP_MAC* mac) {
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  char digest[] = "SHA1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  const uint8_t key[16] = {};
  if (EVP_MAC_init(context, key, sizeof key, parameters) != 1) std::abort();
  return context;
}

}  // namespace

FloorCrypto::FloorCrypto() {
  mac_ = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  psk_ = NewHmacSha1(mac_);
  auth_ = NewHmacSha1(mac_);
  aes_ = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
  cipher_ = EVP_CIPHER_CTX_new();
  if (EVP_EncryptInit_ex2(cipher_, aes_, nullptr, nullptr, nullptr) != 1) std::abort();
}

FloorCrypto::~FloorCrypto() {
  EVP_CIPHER_CTX_free(cipher_);
  EVP_CIPHER_free(aes_);
  EVP_MAC_CTX_free(auth_);
  EVP_MAC_CTX_free(psk_);
  EVP_MAC_free(mac_);
}

void FloorCrypto::Hmac(EVP_MAC_CTX* keyed, std::span<const uint8_t> first,
                       std::span<const uint8_t> second, uint8_t* out) {
  size_t length = 0;
  const bool ok = EVP_MAC_init(keyed, nullptr, 0, nullptr) == 1 &&
                  EVP_MAC_update(keyed, first.data(), first.size()) == 1 &&
                  (second.empty() || EVP_MAC_update(keyed, second.data(), second.size()) == 1) &&
                  EVP_MAC_final(keyed, out, &length, 20) == 1;
  if (!ok) std::abort();
}

void FloorCrypto::OneMessage(std::span<const uint8_t, 16> user_key,
                             std::span<uint8_t, 200> message) {
  std::array<uint8_t, 25> label{};
  std::array<std::array<uint8_t, 20>, 3> keys{};
  if (EVP_MAC_init(psk_, user_key.data(), user_key.size(), nullptr) != 1) std::abort();
  for (size_t i = 0; i < keys.size(); ++i) {
    label[0] = static_cast<uint8_t>(i);
    std::array<uint8_t, 20> chain{};
    Hmac(psk_, label, {}, chain.data());
    Hmac(psk_, chain, label, keys[i].data());
  }
  std::array<uint8_t, 16> iv{};
  int length = 0;
  if (EVP_EncryptInit_ex2(cipher_, nullptr, keys[0].data(), iv.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(cipher_, message.data(), &length, message.data(), 36) != 1 ||
      EVP_MAC_init(auth_, keys[1].data(), keys[1].size(), nullptr) != 1) {
    std::abort();
  }
  Hmac(auth_, std::span<const uint8_t>(message).first(180), {}, message.data() + 180);
}

}  // namespace keymast::bench
