// SPDX-License-Identifier: Apache-2.0
// What a server keeps for joins to come: certificates that the next one names by hash (MIKEYv2 §6
// rule 4), and values for Diffie-Hellman that are made ahead.
#include "tests/unit/controller/joins.h"

namespace keymast::controller {
namespace {

using mikey::v2::Shown;

KeyingConfig Keeping(size_t most) {
  KeyingConfig config = WithModes({Mode::kEarlyDh, Mode::kDh, Mode::kRsa});
  config.kept_certificates = most;
  return config;
}

struct Kept : Joins {
  explicit Kept(size_t most = 16) : Joins(Keeping(most)) { Use(ServerCredentials()); }

  // JoinsAs runs a join of a member in mode DH, and returns the length of its CAP; 0: it failed.
  size_t JoinsAs(int member, Shown shown, const crypto::CertificateRecipe& recipe) {
    const auto credentials = CredentialsOf(recipe);
    Receiver receiver(world, member, Mode::kDh, kMskMessages, &credentials);
    receiver.shown = shown;
    Bytes next = receiver.Cap();
    const size_t size = next.size();
    for (int i = 0; i < 4 && !next.empty(); ++i) next = receiver.Take(receiver.Ask(next));
    hint = receiver.offerer.peer_error();
    return receiver.state() == State::kDone ? size : 0;
  }
  size_t JoinsAs(int member, Shown shown) { return JoinsAs(member, shown, CertificateOf(member)); }
  // That it has no such certificate is what who is not believed hears, as anybody does; and then
  // nothing, when it is shown.
  void IsRefused(int member, Shown shown) {
    world.Pass(seconds(1));  // hints are one a second
    EXPECT_EQ(JoinsAs(member, shown), 0U);
    EXPECT_EQ(hint, mikey::ErrorNumber::kInvalidCert);
    EXPECT_EQ(JoinsAs(member, Shown::kCertificates), 0U);
    EXPECT_FALSE(hint.has_value());
  }

  std::optional<mikey::ErrorNumber> hint;
};

TEST_F(Kept, ACertificateOfAJoinIsNamedByHash) {
  EXPECT_EQ(JoinsAs(1, Shown::kHash), 0U);
  EXPECT_EQ(hint, mikey::ErrorNumber::kInvalidCert);
  const size_t whole = JoinsAs(1, Shown::kCertificates);
  ASSERT_NE(whole, 0U);
  EXPECT_EQ(world.core->KeptCertificates(), 1U);
  const size_t by_hash = JoinsAs(1, Shown::kHash);
  EXPECT_NE(by_hash, 0U);
  EXPECT_LT(by_hash, whole);
  EXPECT_NE(JoinsAs(1, Shown::kNothing), 0U) << "its identity stands for it";
  EXPECT_EQ(JoinsAs(2, Shown::kHash), 0U);
  EXPECT_EQ(hint, mikey::ErrorNumber::kInvalidCert);
}

TEST_F(Kept, ItOutlivesARestart) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  world.Restart(seconds(1));
  Use(ServerCredentials());
  EXPECT_EQ(world.core->KeptCertificates(), 1U);
  EXPECT_NE(JoinsAs(1, Shown::kHash), 0U);
}

TEST_F(Kept, NothingIsKeptBeforeTheFinish) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  EXPECT_FALSE(receiver.Take(receiver.Ask(receiver.Cap())).empty());
  EXPECT_EQ(world.core->KeptCertificates(), 0U);
}

// To be kept is not to be believed: it is judged at each use.
TEST_F(Kept, WhoIsRevokedIsRefused) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  Use(ServerCredentials({101}));
  IsRefused(1, Shown::kHash);
  IsRefused(1, Shown::kNothing);
  Use(ServerCredentials());
  EXPECT_NE(JoinsAs(1, Shown::kHash), 0U);
}

TEST_F(Kept, WhatHasEndedIsRefused) {
  crypto::CertificateRecipe recipe = CertificateOf(1);
  recipe.until = 60;
  ASSERT_NE(JoinsAs(1, Shown::kCertificates, recipe), 0U);
  EXPECT_NE(JoinsAs(1, Shown::kHash, recipe), 0U);
  world.Pass(minutes(2));
  EXPECT_EQ(JoinsAs(1, Shown::kHash, recipe), 0U);
  EXPECT_EQ(hint, mikey::ErrorNumber::kInvalidCert);
}

// MIKEYv2 §6 rule 4: whose certificate is kept is told to nobody who has not its key.
TEST_F(Kept, NobodyIsToldWhose) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  ASSERT_NE(JoinsAs(3, Shown::kCertificates), 0U);
  Use(ServerCredentials({103}));
  for (const Shown shown : {Shown::kHash, Shown::kNothing}) {
    std::vector<Bytes> said;
    for (const int member : {1, 2, 3}) {  // one of whom is kept, one of whom is not, one revoked
      world.Pass(seconds(1));
      const auto credentials = CredentialsOf(CertificateOf(member));
      Receiver receiver(world, member, Mode::kDh, kMskMessages, &credentials);
      receiver.shown = shown;
      Bytes cap = receiver.Cap();
      cap.back() ^= 1;  // of SIGN
      said.push_back(receiver.Ask(cap));
      ASSERT_FALSE(said.back().empty()) << member;
      EXPECT_EQ(said.back()[1], static_cast<uint8_t>(mikey::DataType::kError));
      receiver.Take(said.back());
      EXPECT_EQ(receiver.offerer.peer_error(), mikey::ErrorNumber::kInvalidCert) << member;
    }
    EXPECT_EQ(said[0].size(), said[1].size());
    EXPECT_EQ(said[2].size(), said[1].size());
  }
}

TEST_F(Kept, AnotherCertificateTakesItsPlace) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  crypto::CertificateRecipe renewed = CertificateOf(1);
  renewed.serial = 777;
  ASSERT_NE(JoinsAs(1, Shown::kCertificates, renewed), 0U);
  EXPECT_NE(JoinsAs(1, Shown::kHash, renewed), 0U);
  EXPECT_EQ(JoinsAs(1, Shown::kHash), 0U);
  EXPECT_EQ(hint, mikey::ErrorNumber::kInvalidCert);
  EXPECT_EQ(world.core->KeptCertificates(), 1U);
}

TEST_F(Kept, TheSameOneIsWrittenOnce) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  const auto puts = [this] {
    return std::ranges::count_if(world.changes, [](const rekey::Change& change) {
      return std::holds_alternative<rekey::SubscriberPut>(change);
    });
  };
  const auto before = puts();
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  EXPECT_EQ(puts(), before);
}

TEST_F(Kept, ADeletedSubscriberMakesRoom) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  world.Do(Expel{kNews, {IdOf(1)}});
  world.Do(DeleteSubscribers{{IdOf(1)}});
  EXPECT_EQ(world.core->KeptCertificates(), 0U);
}

struct KeptOfOne : Kept {
  KeptOfOne() : Kept(1) {}
};

TEST_F(KeptOfOne, OthersShowTheirsWhole) {
  ASSERT_NE(JoinsAs(1, Shown::kCertificates), 0U);
  ASSERT_NE(JoinsAs(2, Shown::kCertificates), 0U);
  EXPECT_EQ(world.core->KeptCertificates(), 1U);
  EXPECT_NE(JoinsAs(1, Shown::kHash), 0U);
  EXPECT_EQ(JoinsAs(2, Shown::kHash), 0U);
}

// What an operator gave needs no join before it, and is judged alike.
TEST_F(Kept, ACertificateOfTheOperatorsIsNamedByHash) {
  const auto with = [](std::vector<long> revoked) {
    auto known = ServerCredentials(std::move(revoked));
    KEYMAST_CHECK(known->all.trust.Know({}, mikey::v2::CredentialOf(CertificateOf(3)).chain));
    return known;
  };
  Use(with({}));
  EXPECT_NE(JoinsAs(3, Shown::kHash), 0U);
  EXPECT_EQ(JoinsAs(3, Shown::kNothing), 0U) << "it has no name here";
  Use(with({103}));
  IsRefused(3, Shown::kHash);
}

TEST_F(Kept, TheServersOwnIsNamedByHashToWhoHasIt) {
  auto by_hash = ServerCredentials();
  by_hash->all.shown = Shown::kHash;
  const mikey::v2::CertificateChain servers = by_hash->all.own[0].chain;
  Use(by_hash);
  EXPECT_EQ(JoinsAs(1, Shown::kCertificates), 0U) << "it does not have it";
  auto credentials = CredentialsOf(CertificateOf(1));
  ASSERT_TRUE(credentials.trust.Know({}, servers));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  receiver.Run();
  EXPECT_EQ(receiver.state(), State::kDone);
}

struct Ahead : Joins {
  static KeyingConfig With(size_t most) {
    KeyingConfig config = KeyingWith();
    config.made_ahead = most;
    return config;
  }
  Ahead() : Joins(With(3)) {}
  size_t Waiting() const { return world.core->MadeAhead(crypto::DhGroup::kX25519); }
};

struct Other : Joins {
  using Joins::Joins;
  void TestBody() override {}
};

TEST_F(Ahead, ValuesAreMadeUntilThereAreEnoughAndServeOneJoinEach) {
  EXPECT_EQ(Waiting(), 0U);
  EXPECT_TRUE(world.core->HasRoomAhead());
  size_t made = 0;
  while (world.core->MakeAhead()) ++made;
  EXPECT_EQ(made, 3 * world.keying.policy.groups.size());
  EXPECT_EQ(Waiting(), 3U);
  EXPECT_FALSE(world.core->HasRoomAhead());
  std::set<std::string> values;
  for (int i = 1; i <= 4; ++i) {
    Receiver receiver(world, 1 + i % 3, Mode::kEarlyDhhmac);
    const Bytes answer = receiver.Ask(receiver.Cap());
    mikey::Message message;
    ASSERT_TRUE(mikey::ParseMessage(answer, message));
    values.insert(ToHex(message.Get<mikey::DhPayload>()->value));
    EXPECT_EQ(Waiting(), i < 3 ? 3U - static_cast<size_t>(i) : 0U) << "then they are made at once";
    EXPECT_FALSE(receiver.Take(answer).empty());
  }
  EXPECT_EQ(values.size(), 4U);
}

TEST_F(Ahead, ASeedMakesTheSame) {
  const auto answer = [] {
    Other other(With(3));
    while (other.world.core->MakeAhead()) {
    }
    Receiver receiver(other.world, 1, Mode::kEarlyDhhmac);
    return receiver.Ask(receiver.Cap());
  };
  EXPECT_EQ(answer(), answer());
}

TEST_F(Ahead, WhoSpeaksNoDiffieHellmanMakesNone) {
  const Other by_key(WithModes({Mode::kPsk}));
  EXPECT_FALSE(by_key.world.core->HasRoomAhead());
  EXPECT_FALSE(by_key.world.core->MakeAhead());
}

}  // namespace
}  // namespace keymast::controller
