// SPDX-License-Identifier: Apache-2.0
// OpenSSL's present interface as a table: simple rather than quick, a receiver has a few messages a
// second.
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sodium.h>

#include <algorithm>
#include <memory>
#include <span>

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

// Pkey owns a key of 32 octets; null for octets that are none.
using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

int TableX25519(void*, const uint8_t* scalar, const uint8_t* point, uint8_t* out) {
  const Pkey own(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, scalar, 32), EVP_PKEY_free);
  const Pkey peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, point, 32), EVP_PKEY_free);
  KEYMAST_CHECK(own != nullptr && peer != nullptr);
  const PkeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr), EVP_PKEY_CTX_free);
  KEYMAST_CHECK(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
  size_t size = 32;
  // OpenSSL refuses a secret of zeros, RFC 7748 §6.1.
  const bool is_made = EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0) == 1 &&
                       EVP_PKEY_derive(context.get(), out, &size) == 1;
  if (!is_made) OPENSSL_cleanse(out, 32);
  return is_made ? 1 : 0;
}

int TableEd25519Verify(void*, const uint8_t* key, const keymast_octets* parts, size_t count,
                       const uint8_t* signature) {
  std::array<uint8_t, 256> message{};
  size_t size = 0;
  for (const keymast_octets& part : std::span(parts, count)) {
    KEYMAST_CHECK(part.size <= message.size() - size);
    std::copy_n(part.data, part.size, message.begin() + static_cast<ptrdiff_t>(size));
    size += part.size;
  }
  // Of libsodium, which refuses keys of a small order.
  return crypto_sign_verify_detached(signature, message.data(), size, key) == 0 ? 1 : 0;
}

constexpr keymast_crypto kTable = {nullptr,     TableHmac,   TableSha256,       TableAesCtr,
                                   TableRandom, TableX25519, TableEd25519Verify};

}  // namespace
}  // namespace keymast::crypto::tables

extern "C" const keymast_crypto* keymast_crypto_openssl(void) {
  return &keymast::crypto::tables::kTable;
}
