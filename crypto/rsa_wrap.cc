// SPDX-License-Identifier: Apache-2.0
// Keys under RSA: RSAES-PKCS1-v1_5 (RFC 8017 §7.2) as RFC 3830 §6.3 has it, and RSAES-OAEP (§7.1).
// Both are opened with implicit rejection, as OpenSSL 3.2 does for the first and
// draft-irtf-cfrg-rsa-guidance describes.
#include "crypto/constant_time.h"
#include "crypto/oaep.h"
#include "crypto/pkcs1.h"
#include "crypto/public_suite.h"
#include "crypto/rsa_key.h"

namespace keymast::crypto {
namespace {

void FillSubstitute(const PrivateKey& key, ByteView wrapped, std::string_view purpose,
                    MutableBytes out) {
  const std::array<ByteView, 1> parts{wrapped};
  const SecretKey<32> root = HmacSha256(key.rejection_secret(), parts);
  HkdfSha256(root.view(), {}, AsBytes(purpose), out);
}

// Decrypted is the padded block. One of zeros is padded badly either way: so all that is not below
// the modulus ends alike, as does a key that is not RSA.
SecretBytes Decrypted(const PrivateKey& key, ByteView wrapped) {
  SecretBytes block(std::max(key.modulus_size(), kMinModulusBits / 8));
  const bool is_number = key.kind() == KeyKind::kRsa && wrapped.size() == block.size() &&
                         RawPrivate(key.native(), wrapped, block);
  if (!is_number) std::fill(block.begin(), block.end(), uint8_t{0});
  Classify(block.data(), block.size());
  return block;
}

// Encrypt pads the key by `pad` and encrypts it to `out`.
template <class Pad>
Result<size_t> Encrypt(const PublicKey& public_key, MutableBytes out, Pad pad) {
  const size_t size = public_key.modulus_size();
  if (public_key.kind() != KeyKind::kRsa) return Err(Error::kUnsupportedAlgorithm);
  if (out.size() < size) return Err(Error::kTooLong);
  SecretBytes block(size);
  pad(block);
  KEYMAST_CHECK(RawPublic(public_key.native(), block, out.first(size)));
  return size;
}

}  // namespace

Result<size_t> RsaWrap(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out) {
  if (key.size() < kMinEnvelope || key.size() > kMaxEnvelope) return Err(Error::kInvalidArgument);
  return Encrypt(public_key, out, [&](MutableBytes block) { PadPkcs1(key, rng, block); });
}

Envelope RsaUnwrap(const PrivateKey& key, ByteView wrapped) {
  auto substitute = Substitute::OfSize(kMaxEnvelope + 4);
  FillSubstitute(key, wrapped, "keymast implicit rejection 1", substitute.mutable_view());
  return OpenPkcs1(Decrypted(key, wrapped), substitute);
}

Result<size_t> RsaWrapOaep(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out) {
  if (key.size() != kOaepKey) return Err(Error::kInvalidArgument);
  return Encrypt(public_key, out, [&](MutableBytes block) { PadOaep(key, rng, block); });
}

SecretKey<kOaepKey> RsaUnwrapOaep(const PrivateKey& key, ByteView wrapped) {
  auto substitute = SecretKey<kOaepKey>::OfSize(kOaepKey);
  FillSubstitute(key, wrapped, "keymast implicit rejection of OAEP 1", substitute.mutable_view());
  SecretBytes block = Decrypted(key, wrapped);
  return OpenOaepKey(block, substitute);
}

}  // namespace keymast::crypto
