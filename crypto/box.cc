// SPDX-License-Identifier: Apache-2.0
// Sealed boxes: X25519, HKDF-SHA-256, XChaCha20-Poly1305.
#include <sodium.h>

#include <string>

#include "crypto/primitives.h"

namespace keymast::crypto {
namespace {

constexpr std::string_view kBoxInfo = "keymast box 1";
constexpr size_t kKeySize = 32;

// BoxKey is HKDF of the shared point; false for a small-order public key, whose point is zero.
bool BoxKey(const SecretKey<32>& private_key, ByteView peer, ByteView epk, ByteView pk,
            std::string_view purpose, SecretKey<32>& key) {
  SecretKey<32> shared;
  if (!X25519(private_key, peer, shared)) return false;
  std::array<uint8_t, 2 * kKeySize> salt{};
  std::copy(epk.begin(), epk.end(), salt.begin());
  std::copy(pk.begin(), pk.end(), salt.begin() + kKeySize);
  const std::string info = std::string(kBoxInfo) + std::string(purpose);
  key = SecretKey<32>::OfSize(kKeySize);
  HkdfSha256(shared.view(), salt, AsBytes(info), key.mutable_view());
  return true;
}

// The key of a box seals one text, so its nonce may be constant.
constexpr std::array<uint8_t, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES> kZeroNonce{};

}  // namespace

Result<Bytes> SealBox(ByteView public_key, std::string_view purpose, ByteView aad, ByteView plain,
                      Rng& rng) {
  if (public_key.size() != kKeySize) return Err(Error::kInvalidArgument);
  const KeyPair ephemeral = MakeKeyPair(rng);
  SecretKey<32> key;
  if (!BoxKey(ephemeral.private_key, public_key, ephemeral.public_key, public_key, purpose, key)) {
    return Err(Error::kInvalidArgument);
  }
  Bytes box(kBoxOverhead + plain.size());
  std::copy(ephemeral.public_key.begin(), ephemeral.public_key.end(), box.begin());
  const MutableBytes sealed = MutableBytes(box).subspan(kKeySize);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, plain.data(), plain.size(),
                                             aad.data(), aad.size(), nullptr, kZeroNonce.data(),
                                             key.view().data());
  return box;
}

Result<SecretBytes> OpenBox(const KeyPair& recipient, std::string_view purpose, ByteView aad,
                            ByteView box) {
  if (box.size() < kBoxOverhead) return Err(Error::kTruncated);
  const ByteView epk = box.first(kKeySize);
  const ByteView sealed = box.subspan(kKeySize);
  SecretKey<32> key;
  if (!BoxKey(recipient.private_key, epk, epk, recipient.public_key, purpose, key)) {
    return Err(Error::kDecryptionFailed);
  }
  SecretBytes plain(box.size() - kBoxOverhead);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, sealed.data(),
                                                 sealed.size(), aad.data(), aad.size(),
                                                 kZeroNonce.data(), key.view().data()) != 0) {
    return Err(Error::kDecryptionFailed);
  }
  return plain;
}

}  // namespace keymast::crypto
