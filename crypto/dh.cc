// SPDX-License-Identifier: Apache-2.0
#include "crypto/dh.h"

#include "crypto/modp.h"
#include "crypto/p256.h"
#include "crypto/public_suite.h"

namespace keymast::crypto {
namespace {

void X25519Generate(Rng& rng, MutableBytes private_out, MutableBytes public_out) {
  const KeyPair pair = MakeKeyPair(rng);
  std::copy(pair.private_key.view().begin(), pair.private_key.view().end(), private_out.begin());
  std::copy(pair.public_key.begin(), pair.public_key.end(), public_out.begin());
}

bool X25519Agree(ByteView private_value, ByteView peer_public, MutableBytes shared) {
  SecretKey<32> point;
  if (!X25519(SecretKey<32>(private_value), peer_public, point)) return false;
  std::copy(point.view().begin(), point.view().end(), shared.begin());
  return true;
}

}  // namespace

void DhGenerate(DhGroup group, Rng& rng, MutableBytes private_out, MutableBytes public_out) {
  KEYMAST_CHECK(private_out.size() == kDhPrivateSize && public_out.size() == DhPublicSize(group));
  switch (group) {
    case DhGroup::kSecp256r1:
      P256Draw(rng, private_out);
      KEYMAST_CHECK(P256Public(private_out, public_out));
      return;
    case DhGroup::kX25519:
      return X25519Generate(rng, private_out, public_out);
    default:
      return ModpGenerate(group, rng, private_out, public_out);
  }
}

bool DhAgree(DhGroup group, ByteView private_value, ByteView peer_public, MutableBytes shared) {
  KEYMAST_CHECK(private_value.size() == kDhPrivateSize && shared.size() == DhSharedSize(group));
  std::fill(shared.begin(), shared.end(), uint8_t{0});
  if (peer_public.size() != DhPublicSize(group)) return false;
  switch (group) {
    case DhGroup::kSecp256r1:
      return P256Agree(private_value, peer_public, shared);
    case DhGroup::kX25519:
      return X25519Agree(private_value, peer_public, shared);
    default:
      return ModpAgree(group, private_value, peer_public, shared);
  }
}

}  // namespace keymast::crypto
