// SPDX-License-Identifier: Apache-2.0
// OpenSSL behind the Suite. Fetching an algorithm for each message costs three times the message,
// so contexts are made once per thread and re-armed with each key.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#include <string>

#include "crypto/primitives.h"

namespace keymast::crypto {
namespace {

// ReusedHmac re-keys one EVP_MAC context.
class ReusedHmac {
 public:
  explicit ReusedHmac(const char* digest) : mac_(EVP_MAC_fetch(nullptr, "HMAC", nullptr)) {
    KEYMAST_CHECK(mac_ != nullptr);
    context_ = EVP_MAC_CTX_new(mac_);
    std::string name(digest);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0), OSSL_PARAM_END};
    KEYMAST_CHECK(context_ != nullptr && EVP_MAC_CTX_set_params(context_, parameters) == 1);
  }
  ~ReusedHmac() {
    sodium_memzero(last_key_.data(), last_key_.size());
    EVP_MAC_CTX_free(context_);
    EVP_MAC_free(mac_);
  }
  ReusedHmac(const ReusedHmac&) = delete;
  ReusedHmac& operator=(const ReusedHmac&) = delete;

  void Compute(ByteView key, std::span<const ByteView> parts, MutableBytes out) {
    size_t length = 0;
    bool ok = Arm(key);
    for (const ByteView part : parts) {
      ok = ok && EVP_MAC_update(context_, part.data(), part.size()) == 1;
    }
    ok = ok && EVP_MAC_final(context_, out.data(), &length, out.size()) == 1;
    KEYMAST_CHECK(ok && length == out.size());
  }

 private:
  // Arm readies the context. It keeps the last key's schedule, so that the same key again needs no
  // new one: a PRF asks for the same key several times in a row.
  bool Arm(ByteView key) {
    if (key.size() == last_size_ && CRYPTO_memcmp(last_key_.data(), key.data(), last_size_) == 0) {
      return EVP_MAC_init(context_, nullptr, 0, nullptr) == 1;
    }
    last_size_ = key.size() <= last_key_.size() ? key.size() : 0;
    std::copy_n(key.begin(), last_size_, last_key_.begin());
    return EVP_MAC_init(context_, key.data(), key.size(), nullptr) == 1;
  }

  EVP_MAC* mac_;
  EVP_MAC_CTX* context_;
  std::array<uint8_t, 64> last_key_{};
  size_t last_size_ = 0;  // 0: none remembered
};

// ReusedCtr re-keys one EVP_CIPHER context per key length.
class ReusedCtr {
 public:
  explicit ReusedCtr(const char* name) : cipher_(EVP_CIPHER_fetch(nullptr, name, nullptr)) {
    context_ = EVP_CIPHER_CTX_new();
    KEYMAST_CHECK(cipher_ != nullptr && context_ != nullptr &&
                  EVP_EncryptInit_ex2(context_, cipher_, nullptr, nullptr, nullptr) == 1);
  }
  ~ReusedCtr() {
    EVP_CIPHER_CTX_free(context_);
    EVP_CIPHER_free(cipher_);
  }
  ReusedCtr(const ReusedCtr&) = delete;
  ReusedCtr& operator=(const ReusedCtr&) = delete;

  void Xor(ByteView key, ByteView iv, MutableBytes data) {
    int length = 0;
    KEYMAST_CHECK(EVP_EncryptInit_ex2(context_, nullptr, key.data(), iv.data(), nullptr) == 1 &&
                  EVP_EncryptUpdate(context_, data.data(), &length, data.data(),
                                    static_cast<int>(data.size())) == 1);
  }

 private:
  EVP_CIPHER* cipher_;
  EVP_CIPHER_CTX* context_;
};

void SuiteHmac(Hash hash, ByteView key, std::span<const ByteView> parts, MutableBytes out) {
  KEYMAST_CHECK(!key.empty() && out.size() == HashSize(hash));
  thread_local ReusedHmac sha1("SHA1");
  thread_local ReusedHmac sha256("SHA256");
  (hash == Hash::kSha1 ? sha1 : sha256).Compute(key, parts, out);
}

void SuiteAesCtr(ByteView key, ByteView iv, MutableBytes data) {
  KEYMAST_CHECK((key.size() == 16 || key.size() == 32) && iv.size() == 16);
  thread_local ReusedCtr aes128("AES-128-CTR");
  thread_local ReusedCtr aes256("AES-256-CTR");
  (key.size() == 16 ? aes128 : aes256).Xor(key, iv, data);
}

constexpr Suite kOpenSsl = {SuiteHmac, SuiteAesCtr};

}  // namespace

const Suite& DefaultSuite() { return kOpenSsl; }

SecretKey<32> HmacSha256(ByteView key, std::span<const ByteView> parts) {
  auto out = SecretKey<32>::OfSize(32);
  SuiteHmac(Hash::kSha256, key, parts, out.mutable_view());
  return out;
}

}  // namespace keymast::crypto
