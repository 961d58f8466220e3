// SPDX-License-Identifier: Apache-2.0
// Certificates of the member and the peer of version 2's tests, under one authority.
#pragma once

#include <gtest/gtest.h>

#include "mikey/v2/credentials.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"
#include "tests/unit/mikey/v2_directory.h"

namespace keymast::mikey::v2 {

inline constexpr const char* kControllerUsage = "1.3.6.1.4.1.55555.7";

// Keys of the two sides, by kind.
inline std::string_view MemberKey(crypto::KeyKind kind) {
  if (kind == crypto::KeyKind::kRsa) return testdata::kEndKey;
  return kind == crypto::KeyKind::kP256 ? testdata::kP256Key : testdata::kEd25519Key;
}
inline std::string_view PeerKey(crypto::KeyKind kind) {
  if (kind == crypto::KeyKind::kRsa) return testdata::kOtherKey;
  return kind == crypto::KeyKind::kP256 ? testdata::kOtherP256Key : testdata::kOtherEd25519Key;
}

inline crypto::CertificateRecipe MemberRecipe(crypto::KeyKind kind) {
  crypto::CertificateRecipe recipe = crypto::EndRecipe();
  recipe.key = MemberKey(kind);
  recipe.alt_names = "email:member@example.org";
  recipe.key_usage = "critical,digitalSignature,keyEncipherment";
  return recipe;
}
// The peer is the group's controller too.
inline crypto::CertificateRecipe PeerRecipe(crypto::KeyKind kind) {
  crypto::CertificateRecipe recipe = MemberRecipe(kind);
  recipe.key = PeerKey(kind);
  recipe.alt_names = "URI:sip:bob@example.org,DNS:example.org";
  recipe.extended_usage = kControllerUsage;
  recipe.serial = 8;
  return recipe;
}

inline Credential CredentialOf(const crypto::CertificateRecipe& recipe) {
  return {crypto::TestKey(recipe.key), {crypto::MakeCertificate(recipe)}};
}

inline void TrustAuthority(Trust& trust) {
  EXPECT_TRUE(trust.store().AddAnchor(crypto::MakeCertificate(crypto::AuthorityRecipe())));
  trust.set_controller_usage(kControllerUsage);
}

// Pair has the credentials of both sides; each knows the other's certificate.
struct Pair {
  Pair(const crypto::CertificateRecipe& member_recipe,
       const crypto::CertificateRecipe& peer_recipe) {
    member.own.push_back(CredentialOf(member_recipe));
    peer.own.push_back(CredentialOf(peer_recipe));
    peer.self = OwnedIdentity(kPeerId);
    for (Credentials* side : {&member, &peer}) TrustAuthority(side->trust);
  }
  explicit Pair(crypto::KeyKind kind) : Pair(MemberRecipe(kind), PeerRecipe(kind)) {}

  // KnowEachOther lets hash or identity stand for the certificates.
  void KnowEachOther() {
    EXPECT_TRUE(peer.trust.Know(kMemberId, member.own[0].chain));
    EXPECT_TRUE(member.trust.Know(kPeerId, peer.own[0].chain));
    EXPECT_TRUE(member.trust.Know(kGroupId, peer.own[0].chain));
  }

  Credentials member;
  Credentials peer;
};

}  // namespace keymast::mikey::v2
