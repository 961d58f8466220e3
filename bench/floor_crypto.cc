// SPDX-License-Identifier: Apache-2.0
#include "bench/floor_crypto.h"

#include <algorithm>
#include <cstdlib>

namespace keymast::bench {
namespace {

constexpr size_t kBlock = 64;

void Check(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

FloorCrypto::FloorCrypto()
    : sha1_(EVP_MD_fetch(nullptr, "SHA1", nullptr)),
      psk_{EVP_MD_CTX_new(), EVP_MD_CTX_new()},
      auth_{EVP_MD_CTX_new(), EVP_MD_CTX_new()},
      work_(EVP_MD_CTX_new()),
      aes_(EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr)),
      cipher_(EVP_CIPHER_CTX_new()) {
  Check(sha1_ != nullptr && EVP_EncryptInit_ex2(cipher_, aes_, nullptr, nullptr, nullptr) == 1);
}

FloorCrypto::~FloorCrypto() {
  EVP_CIPHER_CTX_free(cipher_);
  EVP_CIPHER_free(aes_);
  for (EVP_MD_CTX* context : {psk_.inner, psk_.outer, auth_.inner, auth_.outer, work_}) {
    EVP_MD_CTX_free(context);
  }
  EVP_MD_free(sha1_);
}

void FloorCrypto::Key(Keyed& keyed, std::span<const uint8_t> key) {
  for (const auto& [context, pad] : {std::pair(keyed.inner, 0x36), std::pair(keyed.outer, 0x5c)}) {
    std::array<uint8_t, kBlock> block{};
    block.fill(static_cast<uint8_t>(pad));
    for (size_t i = 0; i < key.size(); ++i) block[i] = static_cast<uint8_t>(block[i] ^ key[i]);
    Check(EVP_DigestInit_ex2(context, sha1_, nullptr) == 1 &&
          EVP_DigestUpdate(context, block.data(), block.size()) == 1);
  }
}

void FloorCrypto::Hmac(const Keyed& keyed, std::span<const uint8_t> first,
                       std::span<const uint8_t> second, uint8_t* out) {
  std::array<uint8_t, 20> hash{};
  Check(EVP_MD_CTX_copy_ex(work_, keyed.inner) == 1 &&
        EVP_DigestUpdate(work_, first.data(), first.size()) == 1 &&
        (second.empty() || EVP_DigestUpdate(work_, second.data(), second.size()) == 1) &&
        EVP_DigestFinal_ex(work_, hash.data(), nullptr) == 1 &&
        EVP_MD_CTX_copy_ex(work_, keyed.outer) == 1 &&
        EVP_DigestUpdate(work_, hash.data(), hash.size()) == 1 &&
        EVP_DigestFinal_ex(work_, out, nullptr) == 1);
}

void FloorCrypto::OneMessage(std::span<const uint8_t, 16> user_key, std::span<uint8_t> message) {
  std::array<uint8_t, 25> label{};
  std::array<std::array<uint8_t, 20>, 3> keys{};
  Key(psk_, user_key);
  for (size_t i = 0; i < keys.size(); ++i) {
    label[0] = static_cast<uint8_t>(i);
    std::array<uint8_t, 20> chain{};
    Hmac(psk_, label, {}, chain.data());
    Hmac(psk_, chain, label, keys[i].data());
  }
  std::array<uint8_t, 16> iv{};
  int length = 0;
  Check(EVP_EncryptInit_ex2(cipher_, nullptr, keys[0].data(), iv.data(), nullptr) == 1 &&
        EVP_EncryptUpdate(cipher_, message.data(), &length, message.data(), 36) == 1);
  Key(auth_, keys[1]);
  const std::span<uint8_t> mac = message.last(20);
  Hmac(auth_, message.first(message.size() - mac.size()), {}, mac.data());
}

}  // namespace keymast::bench
