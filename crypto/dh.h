// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman: the groups, how long their values are, and one side's pair of values.
#pragma once

#include "base/octets.h"
#include "base/small.h"
#include "crypto/primitives.h"

namespace keymast::crypto {

// RFC 3830 §6.4: Oakley groups 1 and 2 (RFC 2409 §6) and 5 (RFC 3526 §2), generator 2. Of
// docs/mikeyv2.md §5: secp256r1 (SEC 2 §2.4.2), points as 04 || x || y, the secret is x; X25519
// (RFC 7748 §5).
enum class DhGroup : uint8_t { kModp768, kModp1024, kModp1536, kSecp256r1, kX25519 };

// Private values have 32 octets in each group. Exponents of 256 bits are twice the strength of any
// of the groups modulo a prime, and a fifth of the cost of exponents as long as the prime.
inline constexpr size_t kDhPrivateSize = 32;

// DhSharedSize is the length of a shared secret, DhPublicSize that of a public value, in octets.
inline constexpr size_t DhSharedSize(DhGroup group) {
  switch (group) {
    case DhGroup::kModp768:
      return 96;
    case DhGroup::kModp1024:
      return 128;
    case DhGroup::kModp1536:
      return 192;
    case DhGroup::kSecp256r1:
    case DhGroup::kX25519:
      break;
  }
  return 32;
}
inline constexpr size_t DhPublicSize(DhGroup group) {
  return group == DhGroup::kSecp256r1 ? 65 : DhSharedSize(group);
}
inline constexpr size_t kMaxDhValue = kSmall ? 65 : 192;  // small: no group modulo a prime
using DhSecret = SecretKey<kMaxDhValue>;

// DhKey is one side's pair of values in a group. It may be made ahead of the exchange that it is
// for, and serves one (docs/mikeyv2.md §5).
class DhKey {
 public:
  DhKey() = default;  // none: both values are empty
  DhKey(const PublicSuite& pk, DhGroup group, Rng& rng);

  DhGroup group() const { return group_; }
  bool empty() const { return private_value_.empty(); }
  ByteView public_value() const { return public_value_.view(); }
  // Agree fills `shared`, DhSharedSize octets; false, leaving it empty, as PublicSuite::dh_agree.
  bool Agree(const PublicSuite& pk, ByteView peer_public, DhSecret& shared) const;

 private:
  DhGroup group_ = DhGroup::kX25519;
  SecretKey<kDhPrivateSize> private_value_;
  Octets<kMaxDhValue> public_value_;
};

}  // namespace keymast::crypto
