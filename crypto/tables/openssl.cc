// SPDX-License-Identifier: Apache-2.0
// OpenSSL's present interface as a table: simple rather than quick, a receiver has a few messages a
// second.
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "crypto/tables/hmac.h"
#include "include/keymast/receiver_crypto.h"

namespace keymast::crypto::tables {
namespace {

template <size_t kDigest>
class EvpHash {
 public:
  static constexpr size_t kSize = kDigest;
  EvpHash() : context_(EVP_MD_CTX_new()) {
    const EVP_MD* algorithm = kDigest == 20 ? EVP_sha1() : EVP_sha256();
    KEYMAST_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_, algorithm, nullptr) == 1);
  }
  ~EvpHash() { EVP_MD_CTX_free(context_); }
  EvpHash(const EvpHash&) = delete;
  EvpHash& operator=(const EvpHash&) = delete;
  void Add(const uint8_t* octets, size_t size) {
    KEYMAST_CHECK(EVP_DigestUpdate(context_, octets, size) == 1);
  }
  void Finish(uint8_t* out) { KEYMAST_CHECK(EVP_DigestFinal_ex(context_, out, nullptr) == 1); }

 private:
  EVP_MD_CTX* context_;
};

void TableHmac(void*, keymast_hash hash, keymast_octets key, const keymast_octets* parts,
               size_t count, uint8_t* out) {
  hash == KEYMAST_SHA1 ? Hmac<EvpHash<20>>(key, parts, count, out)
                       : Hmac<EvpHash<32>>(key, parts, count, out);
}

void TableSha256(void*, const keymast_octets* parts, size_t count, uint8_t* out) {
  EvpHash<32> hash;
  HashParts(hash, parts, count, out);
}

void TableAesCtr(void*, keymast_octets key, const uint8_t* iv, uint8_t* data, size_t size) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const EVP_CIPHER* cipher = key.size == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr();
  int length = 0;
  KEYMAST_CHECK(context != nullptr &&
                EVP_EncryptInit_ex2(context, cipher, key.data, iv, nullptr) == 1 &&
                EVP_EncryptUpdate(context, data, &length, data, static_cast<int>(size)) == 1);
  EVP_CIPHER_CTX_free(context);
}

void TableRandom(void*, uint8_t* out, size_t size) {
  KEYMAST_CHECK(RAND_bytes(out, static_cast<int>(size)) == 1);
}

constexpr keymast_crypto kTable = {nullptr, TableHmac, TableSha256, TableAesCtr, TableRandom};

}  // namespace
}  // namespace keymast::crypto::tables

extern "C" const keymast_crypto* keymast_crypto_openssl(void) {
  return &keymast::crypto::tables::kTable;
}
