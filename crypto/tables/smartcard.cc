// SPDX-License-Identifier: Apache-2.0
// A table that allocates nothing. OpenSSL's EVP does for each context; the functions under it,
// which it calls deprecated, do not.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>
#include <span>

#include "crypto/tables/hmac.h"
#include "include/keymast/receiver_crypto.h"

namespace keymast::crypto::tables {
namespace {

class Sha1 {
 public:
  static constexpr size_t kSize = 20;
  Sha1() { SHA1_Init(&context_); }
  ~Sha1() { OPENSSL_cleanse(&context_, sizeof context_); }
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;
  void Add(const uint8_t* octets, size_t size) { SHA1_Update(&context_, octets, size); }
  void Finish(uint8_t* out) { SHA1_Final(out, &context_); }

 private:
  SHA_CTX context_;
};

class Sha256 {
 public:
  static constexpr size_t kSize = 32;
  Sha256() { SHA256_Init(&context_); }
  ~Sha256() { OPENSSL_cleanse(&context_, sizeof context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void Add(const uint8_t* octets, size_t size) { SHA256_Update(&context_, octets, size); }
  void Finish(uint8_t* out) { SHA256_Final(out, &context_); }

 private:
  SHA256_CTX context_;
};

void TableHmac(void*, keymast_hash hash, keymast_octets key, const keymast_octets* parts,
               size_t count, uint8_t* out) {
  hash == KEYMAST_SHA1 ? Hmac<Sha1>(key, parts, count, out) : Hmac<Sha256>(key, parts, count, out);
}

void TableSha256(void*, const keymast_octets* parts, size_t count, uint8_t* out) {
  Sha256 hash;
  HashParts(hash, parts, count, out);
}

// RFC 3711 §4.1.1: the whole counter block counts up.
void TableAesCtr(void*, keymast_octets key, const uint8_t* iv, uint8_t* data, size_t size) {
  AES_KEY schedule;
  KEYMAST_CHECK(AES_set_encrypt_key(key.data, static_cast<int>(8 * key.size), &schedule) == 0);
  std::array<uint8_t, AES_BLOCK_SIZE> counter{};
  std::copy_n(iv, counter.size(), counter.begin());
  std::array<uint8_t, AES_BLOCK_SIZE> stream{};
  const std::span octets(data, size);
  for (size_t done = 0; done < size; done += stream.size()) {
    AES_encrypt(counter.data(), stream.data(), &schedule);
    const size_t count = std::min(stream.size(), size - done);
    for (size_t i = 0; i < count; ++i) octets[done + i] ^= stream[i];
    for (size_t i = counter.size(); i-- > 0 && ++counter[i] == 0;) continue;
  }
  OPENSSL_cleanse(&schedule, sizeof schedule);
  OPENSSL_cleanse(stream.data(), stream.size());
}

void TableRandom(void*, uint8_t* out, size_t size) { randombytes_buf(out, size); }

constexpr keymast_crypto kTable = {nullptr,     TableHmac, TableSha256, TableAesCtr,
                                   TableRandom, nullptr,   nullptr};

}  // namespace
}  // namespace keymast::crypto::tables

extern "C" const keymast_crypto* keymast_crypto_smartcard(void) {
  return &keymast::crypto::tables::kTable;
}
