// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/decoy_keys.h"

#include "crypto/decoy_key.h"

namespace keymast::mikey::v2 {
namespace {

std::optional<crypto::KeyKind> KindOf(SignatureType type) {
  for (const auto kind :
       {crypto::KeyKind::kRsa, crypto::KeyKind::kP256, crypto::KeyKind::kEd25519}) {
    if (TypeOf(kind) == type) return kind;
  }
  return std::nullopt;
}

bool IsSizeOf(crypto::KeyKind kind, size_t size) {
  if (kind != crypto::KeyKind::kRsa) return size == crypto::kEcSignature;
  return size >= crypto::kMinModulusBits / 8 && size <= crypto::kMaxModulusSize;
}

}  // namespace

ByteView DecoyKeys::For(const SignPayload& sign) const {
  const auto kind = KindOf(sign.s_type);
  const size_t size = sign.signature.size();
  if (!kind || !IsSizeOf(*kind, size)) return {};
  const std::pair name{*kind, size};
  const auto found = made_.find(name);
  if (found != made_.end()) return found->second;
  crypto::SeededRng rng(0);  // nothing that a decoy verifies is believed
  return made_.emplace(name, crypto::DecoyKey(*kind, size, rng).ToSpki()).first->second;
}

}  // namespace keymast::mikey::v2
