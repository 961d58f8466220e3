// SPDX-License-Identifier: Apache-2.0
// The envelope of RFC 3830 §6.3: RSAES-PKCS1-v1_5 (RFC 8017 §7.2), opened with implicit rejection
// as OpenSSL 3.2 does and draft-irtf-cfrg-rsa-guidance describes.
#include "crypto/pkcs1.h"
#include "crypto/public_suite.h"
#include "crypto/rsa_key.h"

namespace keymast::crypto {
namespace {

Substitute SubstituteFor(const PrivateKey& key, ByteView wrapped) {
  const std::array<ByteView, 1> parts{wrapped};
  const SecretKey<32> root = HmacSha256(key.rejection_secret(), parts);
  auto substitute = Substitute::OfSize(kMaxEnvelope + 4);
  HkdfSha256(root.view(), {}, AsBytes("keymast implicit rejection 1"), substitute.mutable_view());
  return substitute;
}

}  // namespace

Result<size_t> RsaWrap(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out) {
  if (key.size() < kMinEnvelope || key.size() > kMaxEnvelope) return Err(Error::kInvalidArgument);
  const size_t size = public_key.modulus_size();
  if (out.size() < size) return Err(Error::kTooLong);
  SecretBytes block(size);
  PadPkcs1(key, rng, block);
  KEYMAST_CHECK(RawPublic(public_key.native(), block, out.first(size)));
  return size;
}

Envelope RsaUnwrap(const PrivateKey& key, ByteView wrapped) {
  const Substitute substitute = SubstituteFor(key, wrapped);
  // A block of zeros is padded badly: so all that is not below the modulus ends alike.
  SecretBytes block(key.modulus_size());
  if (wrapped.size() != block.size() || !RawPrivate(key.native(), wrapped, block)) {
    std::fill(block.begin(), block.end(), uint8_t{0});
  }
  return OpenPkcs1(block, substitute);
}

}  // namespace keymast::crypto
