// SPDX-License-Identifier: Apache-2.0
// OpenSSL behind the Suite. Fetching an algorithm for each message costs three times the message,
// so contexts are made once per thread and re-armed with each key.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <array>

#include "crypto/constant_time.h"
#include "crypto/key_wrap.h"
#include "crypto/public_suite.h"

namespace keymast::crypto {
namespace {

// ReusedHmac is RFC 2104 over one digest. EVP_MAC would do the same through two more layers, which
// cost as much as hashing a block.
class ReusedHmac {
 public:
  explicit ReusedHmac(const char* digest) : digest_(EVP_MD_fetch(nullptr, digest, nullptr)) {
    for (EVP_MD_CTX** context : {&inner_, &outer_, &work_}) {
      *context = EVP_MD_CTX_new();
      KEYMAST_CHECK(digest_ != nullptr && *context != nullptr);
    }
  }
  ~ReusedHmac() {
    sodium_memzero(last_key_.data(), last_key_.size());
    sodium_memzero(block_.data(), block_.size());
    for (EVP_MD_CTX* context : {inner_, outer_, work_}) EVP_MD_CTX_free(context);
    EVP_MD_free(digest_);
  }
  ReusedHmac(const ReusedHmac&) = delete;
  ReusedHmac& operator=(const ReusedHmac&) = delete;

  void Compute(ByteView key, std::span<const ByteView> parts, MutableBytes out) {
    Arm(key);
    FinishFrom(inner_, parts, out);
    const std::array<ByteView, 1> inner{out};
    FinishFrom(outer_, inner, out);
  }

  // ComputeOnce leaves the contexts of the last key as they are: two copies less.
  void ComputeOnce(ByteView key, std::span<const ByteView> parts, MutableBytes out) {
    if (key.size() > kBlock) return Compute(key, parts, out);
    Begin(work_, key, 0x36);
    Finish(parts, out);
    const std::array<ByteView, 1> inner{out};
    Begin(work_, key, 0x5c);
    Finish(inner, out);
  }

 private:
  static constexpr size_t kBlock = 64;  // of SHA-1 and SHA-256

  // Arm readies both contexts. They keep the last key's state, so that the same key again needs no
  // new one: a PRF asks for the same key several times in a row.
  void Arm(ByteView key) {
    if (key.size() > kBlock) return ArmWithHashOf(key);
    if (key.size() == last_size_ && IsLast(key)) return;
    Begin(inner_, key, 0x36);
    Begin(outer_, key, 0x5c);
    last_size_ = key.size();
    std::copy(key.begin(), key.end(), last_key_.begin());
  }

  // IsLast: the time taken shows whether the key is the last one as a whole, never how much of it.
  // That is known from the order of messages; and to learn from it by offering keys of one's own,
  // one would have to guess all of a key at once.
  bool IsLast(ByteView key) const {
    return Declassified(CRYPTO_memcmp(last_key_.data(), key.data(), last_size_)) == 0;
  }

  void ArmWithHashOf(ByteView key) {
    auto hash = SecretKey<32>::OfSize(32);
    unsigned length = 0;
    KEYMAST_CHECK(EVP_Digest(key.data(), key.size(), hash.mutable_view().data(), &length, digest_,
                             nullptr) == 1);
    Begin(inner_, hash.view().first(length), 0x36);
    Begin(outer_, hash.view().first(length), 0x5c);
    last_size_ = 0;
  }

  // Begin hashes the first block: the key, padded with zeros, XOR `pad`.
  void Begin(EVP_MD_CTX* context, ByteView key, uint8_t pad) {
    std::fill(std::copy(key.begin(), key.end(), block_.begin()), block_.end(), uint8_t{0});
    for (uint8_t& octet : block_) octet ^= pad;  // of a known length: in one instruction or two
    KEYMAST_CHECK(EVP_DigestInit_ex2(context, digest_, nullptr) == 1 &&
                  EVP_DigestUpdate(context, block_.data(), kBlock) == 1);
  }

  // FinishFrom: `begun` stays as it is.
  void FinishFrom(const EVP_MD_CTX* begun, std::span<const ByteView> parts, MutableBytes out) {
    KEYMAST_CHECK(EVP_MD_CTX_copy_ex(work_, begun) == 1);
    Finish(parts, out);
  }

  // Finish hashes `parts` behind what work_ has taken in.
  void Finish(std::span<const ByteView> parts, MutableBytes out) {
    unsigned length = 0;
    bool ok = true;
    for (const ByteView part : parts) {
      ok = ok && EVP_DigestUpdate(work_, part.data(), part.size()) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(work_, out.data(), &length) == 1;
    KEYMAST_CHECK(ok && length == out.size());
  }

  EVP_MD* digest_;
  EVP_MD_CTX* inner_ = nullptr;
  EVP_MD_CTX* outer_ = nullptr;
  EVP_MD_CTX* work_ = nullptr;
  std::array<uint8_t, kBlock> last_key_{};
  std::array<uint8_t, kBlock> block_{};  // of Begin; no more secret than last_key_
  size_t last_size_ = 0;                 // 0: none remembered
};

// ReusedDigest hashes in one context after the other.
class ReusedDigest {
 public:
  explicit ReusedDigest(const char* name)
      : digest_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    KEYMAST_CHECK(digest_ != nullptr && context_ != nullptr);
  }
  ~ReusedDigest() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(digest_);
  }
  ReusedDigest(const ReusedDigest&) = delete;
  ReusedDigest& operator=(const ReusedDigest&) = delete;

  void Compute(std::span<const ByteView> parts, MutableBytes out) {
    unsigned length = 0;
    bool ok = EVP_DigestInit_ex2(context_, digest_, nullptr) == 1;
    for (const ByteView part : parts) {
      ok = ok && EVP_DigestUpdate(context_, part.data(), part.size()) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context_, out.data(), &length) == 1;
    KEYMAST_CHECK(ok && length == out.size());
  }

 private:
  EVP_MD* digest_;
  EVP_MD_CTX* context_;
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

ReusedHmac& HmacOf(Hash hash) {
  thread_local ReusedHmac sha1("SHA1");
  thread_local ReusedHmac sha256("SHA256");
  return hash == Hash::kSha1 ? sha1 : sha256;
}

void SuiteHmac(const void*, Hash hash, ByteView key, std::span<const ByteView> parts,
               MutableBytes out) {
  KEYMAST_CHECK(!key.empty() && out.size() == HashSize(hash));
  HmacOf(hash).Compute(key, parts, out);
}

void SuiteHmacOnce(const void*, Hash hash, ByteView key, std::span<const ByteView> parts,
                   MutableBytes out) {
  KEYMAST_CHECK(!key.empty() && out.size() == HashSize(hash));
  HmacOf(hash).ComputeOnce(key, parts, out);
}

void SuiteSha256(const void*, std::span<const ByteView> parts, MutableBytes out) {
  thread_local ReusedDigest sha256("SHA256");
  sha256.Compute(parts, out);
}

void SuiteAesCtr(const void*, ByteView key, ByteView iv, MutableBytes data) {
  KEYMAST_CHECK((key.size() == 16 || key.size() == 32) && iv.size() == 16);
  // OpenSSL branches on a carry of the counter. Counter blocks may be known: RFC 3711 §3.2.1 lets
  // even the salts in them be public.
  Declassify(iv.data(), iv.size());
  thread_local ReusedCtr aes128("AES-128-CTR");
  thread_local ReusedCtr aes256("AES-256-CTR");
  (key.size() == 16 ? aes128 : aes256).Xor(key, iv, data);
}

constexpr SuiteFunctions kFunctions = {SuiteHmac,   SuiteHmacOnce, SuiteSha256,
                                       SuiteAesCtr, KeyWrap,       KeyUnwrap};
constexpr Suite kOpenSsl = {&kFunctions, &kOpenSslPublic};

}  // namespace

const Suite& DefaultSuite() { return kOpenSsl; }

SecretKey<32> HmacSha256(ByteView key, std::span<const ByteView> parts) {
  auto out = SecretKey<32>::OfSize(32);
  SuiteHmac(nullptr, Hash::kSha256, key, parts, out.mutable_view());
  return out;
}

}  // namespace keymast::crypto
