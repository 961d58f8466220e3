// SPDX-License-Identifier: Apache-2.0
// What libkeymast-receiver-full has beside: Diffie-Hellman, tickets, REPORT and KEYS outside of
// exchanges.
#include <set>

#include "tests/unit/receiver/full/full_world.h"

namespace keymast::receiver::library {
namespace {

TEST(FullLibrary, JoinsByDiffieHellman) {
  for (const Mode mode : {Mode::kEarlyDhhmac, Mode::kDhhmac}) {
    FullWorld world({mode}, true);
    const Done done = world.JoinAndSettle();
    ASSERT_EQ(done.joined, std::vector<uint8_t>{0});
    EXPECT_EQ(done.installed, std::vector<Bytes>{world.group_->Mki(1)});
    const keymast_key* key = world.Key(0, world.group_->Mki(1));
    ASSERT_NE(key, nullptr);
    EXPECT_TRUE(Equal({key->key, key->key_size}, world.group_->Mtk(1)));
  }
}

// Scalars are those that the table was given.
TEST(FullLibrary, ScalarsAreNowhereWhenTheyWereUsed) {
  static std::set<Bytes> scalars;
  scalars.clear();
  FullWorld world({Mode::kEarlyDhhmac}, true);
  keymast_receiver_wipe(world.context_.get());
  world.table_.x25519 = [](void*, const uint8_t* scalar, const uint8_t* point, uint8_t* out) {
    scalars.emplace(scalar, scalar + 32);
    return keymast_crypto_openssl()->x25519(nullptr, scalar, point, out);
  };
  ASSERT_EQ(world.Start(), KEYMAST_OK);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_FALSE(scalars.empty());
  for (const Bytes& scalar : scalars) EXPECT_FALSE(world.Has(scalar));
}

TEST(FullLibrary, JoinsByPreSharedKeyWhereAServerHasNoOther) {
  FullWorld world({Mode::kPsk});
  EXPECT_EQ(world.JoinAndSettle().joined, std::vector<uint8_t>{0});
}

TEST(FullLibrary, JoinsNotWithoutForwardSecrecyThatItNeeds) {
  FullWorld world({Mode::kPsk}, true);
  const Done done = world.JoinAndSettle();
  EXPECT_TRUE(done.joined.empty());
  EXPECT_FALSE(done.failed.empty());
}

TEST(FullLibrary, NeedsATableThatHasX25519) {
  FullWorld world;
  keymast_receiver_wipe(world.context_.get());
  world.table_.x25519 = nullptr;
  EXPECT_EQ(world.Start(), KEYMAST_OK);
  keymast_receiver_wipe(world.context_.get());
  world.member_.needs_dh = 1;
  EXPECT_EQ(world.Start(), KEYMAST_INVALID_ARGUMENT);
  world.member_.needs_dh = 0;
  EXPECT_EQ(world.Start(), KEYMAST_OK);
}

TEST(FullLibrary, RefusesCertificatesThatAreNone) {
  FullWorld world;
  keymast_receiver_wipe(world.context_.get());
  const keymast_certificates none{};
  world.member_.certificates = &none;
  EXPECT_EQ(world.Start(), KEYMAST_INVALID_ARGUMENT);
  world.member_.certificates = nullptr;
  world.member_.user_key = {};
  EXPECT_EQ(world.Start(), KEYMAST_INVALID_ARGUMENT);
  world.member_.user_key = COctets(kUserKey);
  EXPECT_EQ(world.Start(), KEYMAST_OK);
}

TEST(FullLibrary, JoinsAgainByTicketOnce) {
  FullWorld world({Mode::kEarlyDhhmac, Mode::kPsk});
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_EQ(world.tickets_.spent_.size(), 0u);
  for (size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(world.JoinAndSettle().joined.size(), 1u);
    EXPECT_EQ(world.tickets_.spent_.size(), i);
  }
}

TEST(FullLibrary, JoinsWithoutATicketThatIsVoid) {
  FullWorld world({Mode::kPsk});
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.tickets_.generation_ = 4;
  Done done = world.JoinAndSettle();
  // It is not answered: one failure looks like another (MIKEYv2 §15).
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(done.joined.empty());
    world.now_ = world.deadline();
    world.Tick();
    done = world.Settle();
    EXPECT_TRUE(done.failed.empty());
  }
  EXPECT_EQ(done.joined.size(), 1u);
  EXPECT_EQ(world.tickets_.spent_.size(), 0u);
}

TEST(FullLibrary, ForgetsTheTicketWithItsChannel) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  keymast_receiver_leave(world.context_.get(), 0, world.now_);
  world.Take();
  EXPECT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_EQ(world.tickets_.spent_.size(), 0u);
}

TEST(FullLibrary, ReportsKeysThatItMissesInTheWindow) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(2);
  world.MissFor(0, world.group_->Mki(1));
  EXPECT_LE(world.deadline(), world.now_ + world.server_.window_ms_);
  const auto taken = world.Read(world.NextReport());
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->report.body.kind, ReportKind::kMissing);
  EXPECT_EQ(taken->report.body.epoch, 1u);
  const Bytes keys = world.KeysTo(taken->binding, true);
  EXPECT_EQ(world.Receive(keys), KEYMAST_OK);
  const Done done = world.Take();
  EXPECT_EQ(done.installed, std::vector<Bytes>{world.group_->Mki(1)});
  ASSERT_EQ(done.sent.size(), 1u);
  const auto told = world.Read(done.sent[0]);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->report.body.kind, ReportKind::kAcknowledge);
  EXPECT_TRUE(Equal(told->report.rand, crypto::Sha256(keys)));
  EXPECT_GT(world.deadline(), world.now_ + 100 * world.server_.window_ms_);
}

TEST(FullLibrary, ReportsAgainWithAGreaterTAndJoinsInTheEnd) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(2);
  world.MissFor(0, world.group_->Mki(1));
  for (uint32_t t = 1; t <= 2; ++t) {  // MIKEYv2 §10: no answer to two
    const auto taken = world.Read(world.NextReport());
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->report.t, t);
  }
  world.now_ = world.deadline();
  world.Tick();
  EXPECT_EQ(world.Settle().joined.size(), 1u);
}

TEST(FullLibrary, ReportsAfterAStartWithATAboveThoseBefore) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(2);
  world.MissFor(0, world.group_->Mki(1));
  ASSERT_TRUE(world.Read(world.NextReport()));
  keymast_receiver_wipe(world.context_.get());
  ASSERT_EQ(world.Start(), KEYMAST_OK);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(3);
  world.MissFor(0, world.group_->Mki(1));
  const auto taken = world.Read(world.NextReport());
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->report.t, 2u);
}

TEST(FullLibrary, TakesNoKeysThatWereChanged) {
  FullWorld world;
  const auto taken = world.JoinAndAsk();
  ASSERT_TRUE(taken);
  const Bytes keys = world.KeysTo(taken->binding, true);
  for (size_t i = 0; i < keys.size(); ++i) {
    Bytes changed = keys;
    changed[i] ^= 1;
    EXPECT_NE(world.Receive(changed), KEYMAST_OK) << i;
    EXPECT_NE(world.Receive(Bytes(keys.begin(), keys.begin() + static_cast<ptrdiff_t>(i))),
              KEYMAST_OK);
  }
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Receive(keys), KEYMAST_OK);
  EXPECT_FALSE(world.Take().installed.empty());
  EXPECT_EQ(world.Receive(keys), KEYMAST_UNEXPECTED);  // its REPORT is answered
}

TEST(FullLibrary, TakesKeysThatNobodyAskedForOnceAndAcknowledges) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(2);
  const Bytes keys = world.UnaskedKeys(5);
  EXPECT_EQ(world.Receive(keys), KEYMAST_OK);
  const Done done = world.Take();
  EXPECT_EQ(done.installed, std::vector<Bytes>{world.group_->Mki(1)});
  ASSERT_EQ(done.sent.size(), 1u);
  EXPECT_EQ(done.kinds[0], KEYMAST_PERSIST);
  EXPECT_EQ(TypeOf(done.sent[0]), kReport);
  const auto taken = world.Read(done.sent[0]);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->report.body.kind, ReportKind::kAcknowledge);
  EXPECT_TRUE(Equal(taken->report.rand, crypto::Sha256(keys)));
  EXPECT_EQ(MskId::FromValue(taken->report.body.msk), world.group_->msk);
  EXPECT_EQ(world.Receive(keys), KEYMAST_REPLAYED);
  world.group_->msk.number = KeyNumber(1);
  EXPECT_EQ(world.Receive(world.UnaskedKeys(6)), KEYMAST_REPLAYED);  // an older MSK
}

// MIKEYv2 §10: who withholds an answer can give it later no more.
TEST(FullLibrary, AwaitsAnAnswerForFourSeconds) {
  FullWorld world;
  const auto taken = world.JoinAndAsk();
  ASSERT_TRUE(taken);
  world.now_ += 4000;
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, true)), KEYMAST_UNEXPECTED);
  world.now_ -= 1;
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, true)), KEYMAST_OK);
}

TEST(FullLibrary, AwaitsNoAnswerToWhatIsCured) {
  FullWorld world;
  const auto taken = world.JoinAndAsk();
  ASSERT_TRUE(taken);
  EXPECT_EQ(world.Receive(world.group_->MskMessage(5, "server")), KEYMAST_OK);
  world.Take();
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, true)), KEYMAST_UNEXPECTED);
}

TEST(FullLibrary, AwaitsAnAnswerForEachChannel) {
  FullWorld world;
  const std::string other = "mikey://bc.example.org/two";
  world.server_.Add(other);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  ASSERT_EQ(world.Join(1, other), KEYMAST_OK);
  ASSERT_EQ(world.Settle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(2);
  world.MissFor(0, world.group_->Mki(1));
  const auto taken = world.Read(world.NextReport());
  ASSERT_TRUE(taken);
  keymast_receiver_leave(world.context_.get(), 1, world.now_);
  EXPECT_EQ(TypeOf(world.Take().sent.at(0)), kReport);
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, true)), KEYMAST_OK);
}

// MIKEYv2 §10: a key that was let go is past, and a recorded message brings it not back.
TEST(FullLibrary, TakesNoMtkThatItLetGo) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  Group& group = *world.group_;
  ASSERT_EQ(world.Receive(group.MtkMessage(2, JoinedProfile())), KEYMAST_OK);
  world.Take();
  world.Used(0, group.Mki(1));
  world.Used(0, group.Mki(2));
  world.now_ += 5000;
  world.Tick();
  ASSERT_EQ(world.Take().retired, std::vector<Bytes>{group.Mki(1)});
  EXPECT_EQ(world.Receive(world.UnaskedKeys(5)), KEYMAST_OK);
  EXPECT_TRUE(world.Take().installed.empty());
  EXPECT_EQ(world.Key(0, group.Mki(1)), nullptr);
}

// MIKEYv2 §10: a new tree may have lower Key Numbers.
TEST(FullLibrary, LetsGoOfTheTreeBefore) {
  FullWorld world;
  Group& group = *world.group_;
  group.msk.number = KeyNumber(11);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  const Bytes before = group.Mki(1);
  const Bytes key_before = group.Msk();
  ASSERT_EQ(world.Used(0, before), KEYMAST_OK);
  world.MissFor(0, group.Next().Mki(1));
  const auto taken = world.Read(world.NextReport());
  ASSERT_TRUE(taken);
  group.tree_id = Bytes(8, 5);
  group.msk.number = KeyNumber(1);
  group.announces = true;
  ASSERT_EQ(world.Receive(world.KeysTo(taken->binding, true)), KEYMAST_OK);
  EXPECT_EQ(world.Take().installed, std::vector<Bytes>{group.Mki(1)});
  EXPECT_FALSE(world.Has(key_before));
  EXPECT_NE(world.Key(0, before), nullptr) << "for late packets";
  world.now_ += 2000;
  world.Tick();
  EXPECT_EQ(world.Take().retired, std::vector<Bytes>{before});
  Group next = group.Next();
  EXPECT_EQ(world.Receive(next.MtkMessage(1, JoinedProfile())), KEYMAST_OK);
}

TEST(FullLibrary, TellsThatItLeaves) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_EQ(keymast_receiver_leave(world.context_.get(), 0, world.now_), KEYMAST_OK);
  EXPECT_EQ(world.Key(0, world.group_->Mki(1)), nullptr);
  const Done done = world.Take();
  ASSERT_EQ(done.sent.size(), 1u);
  const auto taken = world.Read(done.sent[0]);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->report.body.kind, ReportKind::kLeave);
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, false)), KEYMAST_OK);
  EXPECT_EQ(world.Take().left, (std::vector{std::pair{uint8_t{0}, KEYMAST_OK}}));
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

// MIKEYv2 §10: A answers the first that it takes, and drops those after it.
TEST(FullLibrary, HasLeftWhenAnyOfItsLeavesIsAnswered) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  keymast_receiver_leave(world.context_.get(), 0, world.now_);
  const auto taken = world.Read(world.Take().sent.at(0));
  ASSERT_TRUE(taken);
  for (int i = 0; i < 3; ++i) world.NextReport();
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, false)), KEYMAST_OK);
  EXPECT_EQ(world.Take().left, (std::vector{std::pair{uint8_t{0}, KEYMAST_OK}}));
}

TEST(FullLibrary, TakesNoMskOfAChannelThatIsLeft) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  keymast_receiver_leave(world.context_.get(), 0, world.now_);
  world.Take();
  EXPECT_EQ(world.Receive(world.group_->MskMessage(5, "server")), KEYMAST_UNKNOWN_CHANNEL);
  EXPECT_EQ(world.Receive(world.group_->MtkMessage(2, JoinedProfile())), KEYMAST_UNKNOWN_CHANNEL);
  EXPECT_TRUE(world.Take().kinds.empty());
}

TEST(FullLibrary, IsGoneWhenNobodyHearsThatItLeaves) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  keymast_receiver_leave(world.context_.get(), 0, world.now_);
  EXPECT_EQ(world.Take().sent.size(), 1u);
  std::vector<uint64_t> waits;
  for (int i = 0; i < 3; ++i) {
    waits.push_back(world.deadline() - world.now_);
    EXPECT_EQ(TypeOf(world.NextReport()), kReport);
  }
  EXPECT_EQ(waits, (std::vector<uint64_t>{500, 1000, 2000}));
  world.now_ = world.deadline();
  world.Tick();
  EXPECT_EQ(world.Take().left, (std::vector{std::pair{uint8_t{0}, KEYMAST_UNAVAILABLE}}));
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

TEST(FullLibrary, TakesALeaveBackByAJoin) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  keymast_receiver_leave(world.context_.get(), 0, world.now_);
  world.Take();
  EXPECT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_NE(world.Key(0, world.group_->Mki(1)), nullptr);
}

}  // namespace
}  // namespace keymast::receiver::library
