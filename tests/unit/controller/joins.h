// SPDX-License-Identifier: Apache-2.0
// A world whose server speaks MIKEYv2 in all modes, with members that may join.
#pragma once

#include "tests/unit/controller/joiner.h"
#include "tests/unit/mikey/v2_credentials.h"

namespace keymast::controller {

using State = mikey::v2::Offerer::State;

inline constexpr Mode kEveryMode[] = {Mode::kEarlyDh, Mode::kDh,  Mode::kEarlyDhhmac,
                                      Mode::kDhhmac,  Mode::kPsk, Mode::kRsa};

inline KeyingConfig WithModes(std::initializer_list<Mode> modes) {
  KeyingConfig config = KeyingWith();
  config.policy.modes.clear();
  for (const Mode mode : modes) config.policy.modes.Add(static_cast<uint8_t>(mode));
  return config;
}

// CertificateOf a member, under the authority of the tests.
inline crypto::CertificateRecipe CertificateOf(int member) {
  auto recipe = mikey::v2::MemberRecipe(crypto::KeyKind::kEd25519);
  recipe.alt_names = "email:" + IdentityOf(member);
  recipe.serial = 100 + member;
  return recipe;
}

inline mikey::v2::Credentials CredentialsOf(const crypto::CertificateRecipe& recipe) {
  mikey::v2::Credentials credentials;
  credentials.own.push_back(mikey::v2::CredentialOf(recipe));
  mikey::v2::TrustAuthority(credentials.trust);
  return credentials;
}

// ServerCredentials believe the authority, but for whom its list revokes.
inline std::shared_ptr<JoinCredentials> ServerCredentials(std::vector<long> revoked = {},
                                                          long list_end = 10 * 86400) {
  auto all = std::make_shared<JoinCredentials>();
  all->all = CredentialsOf(mikey::v2::PeerRecipe(crypto::KeyKind::kEd25519));
  crypto::ListRecipe list;
  list.signer = testdata::kAuthorityKey;
  list.revoked = std::move(revoked);
  list.until = list_end;
  const Bytes der = crypto::MakeRevocationList(list);
  KEYMAST_CHECK(all->all.trust.store().AddRevocationList(der).has_value());
  all->trust = all->all.trust.Digest();
  return all;
}

struct Joins : testing::Test {
  explicit Joins(KeyingConfig keying = KeyingWith()) : world(1, {}, {}, std::move(keying)) {
    groups::KeyPolicy policy;
    policy.mtk_period = seconds(10);
    world.MakeChannel(policy);
    world.AddMembers(1, 3, false);
    world.members.clear();  // receivers of the test do what they do
  }
  void Use(std::shared_ptr<JoinCredentials> credentials) {
    world.core->UseCredentials(std::move(credentials));
  }
  uint64_t Discarded(Error reason) const {
    return world.core->counters().keying.discards[static_cast<size_t>(reason)];
  }
  const KeyingCounters& counters() const { return world.core->counters().keying; }
  World world;
};

}  // namespace keymast::controller
