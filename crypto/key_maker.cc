// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_maker.h"

#include <sodium.h>

namespace keymast::crypto {
namespace {

size_t SizeOf(const EVP_PKEY* key) { return static_cast<size_t>(EVP_PKEY_get_size(key)); }

}  // namespace

PublicKey KeyMaker::Public(KeyKind kind, EVP_PKEY* key) {
  return {kind, std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free)};
}

PublicKey KeyMaker::Public(ByteView ed25519) {
  PublicKey key(KeyKind::kEd25519, nullptr);
  std::copy(ed25519.begin(), ed25519.end(), key.ed25519_.begin());
  return key;
}

PrivateKey KeyMaker::Private(KeyKind kind, EVP_PKEY* key, ByteView number) {
  return {kind, key, number};
}

PrivateKey KeyMaker::Private(const SecretKey<kEd25519Key>& seed) {
  KEYMAST_CHECK(seed.size() == kEd25519Key);
  PrivateKey key(KeyKind::kEd25519, nullptr, seed.view());
  key.ed25519_ = SecretKey<2 * kEd25519Key>::OfSize(2 * kEd25519Key);
  std::array<uint8_t, kEd25519Key> public_key{};
  KEYMAST_CHECK(crypto_sign_ed25519_seed_keypair(public_key.data(),
                                                 key.ed25519_.mutable_view().data(),
                                                 seed.view().data()) == 0);
  return key;
}

EVP_PKEY* ImportKey(const char* algorithm, int selection, OSSL_PARAM_BLD* builder) {
  const std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>> params(
      OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  KEYMAST_CHECK(params != nullptr && context != nullptr &&
                EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  return EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) == 1 ? key : nullptr;
}

size_t PublicKey::modulus_size() const { return kind_ == KeyKind::kRsa ? SizeOf(key_.get()) : 0; }

size_t PublicKey::signature_size() const {
  return kind_ == KeyKind::kRsa ? modulus_size() : kEcSignature;
}

ByteView PublicKey::ed25519() const {
  return kind_ == KeyKind::kEd25519 ? ByteView(ed25519_) : ByteView();
}

PrivateKey::PrivateKey(KeyKind kind, evp_pkey_st* key, ByteView number)
    : kind_(kind), key_(key), rejection_secret_(SecretKey<32>::OfSize(32)) {
  unsigned length = 0;
  KEYMAST_CHECK(EVP_Digest(number.data(), number.size(), rejection_secret_.mutable_view().data(),
                           &length, EVP_sha256(), nullptr) == 1);
}

size_t PrivateKey::modulus_size() const { return kind_ == KeyKind::kRsa ? SizeOf(key_.get()) : 0; }

size_t PrivateKey::signature_size() const {
  return kind_ == KeyKind::kRsa ? modulus_size() : kEcSignature;
}

PublicKey PrivateKey::PublicPart() const {
  if (kind_ == KeyKind::kEd25519) return KeyMaker::Public(ed25519_.view().last(kEd25519Key));
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  KEYMAST_CHECK(size > 0);
  Result<PublicKey> key = PublicKey::FromSpki({der, static_cast<size_t>(size)});
  OPENSSL_free(der);
  KEYMAST_CHECK(key.has_value());
  return *std::move(key);
}

void PrivateKey::Release::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

}  // namespace keymast::crypto
