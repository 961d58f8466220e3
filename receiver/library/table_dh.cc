// SPDX-License-Identifier: Apache-2.0
// Public keys by the caller's table: X25519 alone (MIKEYv2 §14: what is not had is not offered),
// and Ed25519 of a group's controller.
#include "receiver/library/table.h"

namespace keymast::crypto {
namespace {

using receiver::library::TablePk;

constexpr std::array<uint8_t, 32> kBasePoint = {9};  // RFC 7748 §4.1

bool X25519(const PublicSuite& pk, ByteView scalar, ByteView point, MutableBytes out) {
  const keymast_crypto& table = static_cast<const TablePk&>(pk).table;
  KEYMAST_CHECK(scalar.size() == 32 && out.size() == 32);
  return point.size() == 32 &&
         table.x25519(table.user, scalar.data(), point.data(), out.data()) != 0;
}

}  // namespace

DhKey::DhKey(const PublicSuite& pk, DhGroup group, Rng& rng)
    : group_(group), private_value_(SecretKey<kDhPrivateSize>::OfSize(kDhPrivateSize)) {
  KEYMAST_CHECK(group == DhGroup::kX25519);
  rng.Fill(private_value_.mutable_view());
  std::array<uint8_t, 32> value{};
  KEYMAST_CHECK(X25519(pk, private_value_.view(), kBasePoint, value));
  public_value_ = Octets<kMaxDhValue>(value);
}

bool DhKey::Agree(const PublicSuite& pk, ByteView peer_public, DhSecret& shared) const {
  KEYMAST_CHECK(!empty());
  shared = DhSecret::OfSize(DhSharedSize(group_));
  if (X25519(pk, private_value_.view(), peer_public, shared.mutable_view())) return true;
  shared = {};
  return false;
}

}  // namespace keymast::crypto

namespace keymast::receiver::library {

bool Verify(const TablePk& pk, ByteView key, ByteView octets, ByteView signature) {
  KEYMAST_CHECK(key.size() == crypto::kEd25519Key && signature.size() == crypto::kEcSignature);
  const keymast_crypto& table = pk.table;
  const keymast_octets part = OctetsOf(octets);
  return table.ed25519_verify != nullptr &&
         table.ed25519_verify(table.user, key.data(), &part, 1, signature.data()) != 0;
}

}  // namespace keymast::receiver::library
