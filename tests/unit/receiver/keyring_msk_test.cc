// SPDX-License-Identifier: Apache-2.0
// MSK messages at the receiver (TS 33.246 §6.4.6.1).
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

class MskMessages : public testing::Test {
 protected:
  Result<MskEvent> Give(const Bytes& datagram) { return keyring_.OnMsk(datagram, answer_); }
  // Expects a discard that leaves everything as it was.
  void ExpectDiscard(const Bytes& datagram, Error reason) {
    const auto before = keyring_.StateHash();
    EXPECT_EQ(Give(datagram).error(), reason) << ErrorName(Give(datagram).error());
    EXPECT_EQ(keyring_.StateHash(), before);
  }

  KeyServer server_;
  Keyring keyring_ = server_.MakeKeyring();
  std::array<uint8_t, kMaxAnswer> answer_{};
};

TEST_F(MskMessages, AnMskIsTakenWithAllThatItSays) {
  server_.low = MtkId(3);
  server_.high = MtkId(900);
  server_.roc = Roc(7);
  const auto event = Give(server_.MskMessage(Msk(1)));
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->is_new);
  EXPECT_EQ(event->id, Msk(1));
  const MskSlot* msk = keyring_.msks().Find(Msk(1));
  ASSERT_NE(msk, nullptr);
  EXPECT_EQ(msk->low, MtkId(3));
  EXPECT_EQ(msk->high, MtkId(900));
  EXPECT_EQ(msk->key, KeyServer::MskKey(Msk(1)));
  EXPECT_EQ(msk->profile, SrtpProfile::kAesCm128HmacSha1_80);
  EXPECT_EQ(keyring_.RocHint(kVideo), Roc(7));
  EXPECT_EQ(keyring_.RocHint(Ssrc(9)), std::nullopt);
}

TEST_F(MskMessages, TheAnswerVerifiesAtTheServer) {
  const Bytes message = server_.MskMessage(Msk(1));
  const auto event = Give(message);
  ASSERT_TRUE(event);
  ASSERT_GT(event->answer_size, 0u);
  const auto answer = mikey::Inspect(ByteView(answer_).first(event->answer_size));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, mikey::MessageKind::kVerification);
  EXPECT_EQ(answer->counter, 1u);
  const Bytes rand = KeyServer::RandOf(Msk(1));
  EXPECT_TRUE(mikey::CheckVerification(crypto::DefaultSuite(), server_.profile, *answer,
                                       AsBytes(server_.idi), rand, server_.user_key.view()));
}

TEST_F(MskMessages, NoAnswerUnlessTheVFlagAsksForIt) {
  server_.profile.want_verification = false;
  const auto event = Give(server_.MskMessage(Msk(1)));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->answer_size, 0u);
}

TEST_F(MskMessages, EveryProfileComesOutOfTheSpPayload) {
  for (const srtp::ProfileInfo& info : srtp::Profiles()) {
    server_.srtp = info.profile;
    const MskId msk = Msk(static_cast<uint16_t>(server_.msk_counter + 1));
    ASSERT_TRUE(Give(server_.MskMessage(msk)));
    EXPECT_EQ(keyring_.msks().Find(msk)->profile, info.profile);
  }
}

TEST_F(MskMessages, ARepetitionHasANewCounterAndIsAnsweredAgain) {
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  const auto again = Give(server_.MskMessage(Msk(1)));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_GT(again->answer_size, 0u);
  EXPECT_EQ(keyring_.msk_changes(), 0u);
}

TEST_F(MskMessages, ARepetitionForgetsNothing) {
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  const Bytes mtk = server_.MtkMessage(Msk(1), 4);
  ASSERT_TRUE(keyring_.OnMtk(mtk, At(0)));
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  EXPECT_EQ(keyring_.OnMtk(mtk, At(0)).error(), Error::kReplayed);
  EXPECT_EQ(keyring_.mtks().held(), 1u);
}

TEST_F(MskMessages, ACounterNeverCountsTwice) {
  const Bytes first = server_.MskMessage(Msk(1));
  const Bytes second = server_.MskMessage(Msk(2));
  ASSERT_TRUE(Give(second));
  ExpectDiscard(second, Error::kReplayed);
  ExpectDiscard(first, Error::kReplayed);
}

TEST_F(MskMessages, CountersOfEarlierRunsAreObeyed) {
  const Bytes old = server_.MskMessage(Msk(1));
  const SenderCounter kept{Octets<255>(AsBytes(kServer)), 1};
  Keyring restarted = server_.MakeKeyring({&kept, 1});
  EXPECT_EQ(restarted.OnMsk(old, answer_).error(), Error::kReplayed);
  EXPECT_TRUE(restarted.OnMsk(server_.MskMessage(Msk(1)), answer_));
}

TEST_F(MskMessages, CountersAreKeptBySender) {
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  KeyServer other = server_;
  other.idi = "other.example.org";
  other.msk_counter = 0;
  EXPECT_TRUE(Give(other.MskMessage(Msk(2))));
  EXPECT_EQ(keyring_.counters().size(), 2u);
  EXPECT_EQ(keyring_.counters()[0].highest, 2u);
  EXPECT_EQ(keyring_.counters()[1].highest, 1u);
}

TEST_F(MskMessages, AtMostFourSenders) {
  for (size_t i = 0; i < kMaxSenders; ++i) {
    server_.idi = "server" + std::to_string(i);
    ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  }
  server_.idi = "one more";
  ExpectDiscard(server_.MskMessage(Msk(1)), Error::kUnknownIdentity);
}

TEST_F(MskMessages, ForeignOnesAreNotLookedAt) {
  KeyServer foreign = server_;
  foreign.domain = {{1, 2, 3}};
  ExpectDiscard(foreign.MskMessage(Msk(1)), Error::kUnknownChannel);
  ExpectDiscard(server_.MskMessage({KeyGroup(2), KeyNumber(1)}), Error::kUnknownChannel);
  foreign = server_;
  foreign.idr = "two@example.org";
  ExpectDiscard(foreign.MskMessage(Msk(1)), Error::kUnknownIdentity);
  ExpectDiscard(server_.MskMessage(Msk(0)), Error::kMalformed);
  ExpectDiscard(server_.MtkMessage(Msk(1), 1), Error::kUnexpected);
  ExpectDiscard({}, Error::kTruncated);
}

TEST_F(MskMessages, AnotherUserKeyFails) {
  KeyServer forger = server_;
  forger.user_key = KeyOf(0x12);
  ExpectDiscard(forger.MskMessage(Msk(1)), Error::kAuthenticationFailed);
}

TEST_F(MskMessages, EveryFlippedBitIsRefused) {
  const Bytes message = server_.MskMessage(Msk(1));
  const auto before = keyring_.StateHash();
  for (size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes flipped = message;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(Give(flipped)) << "bit " << bit;
  }
  EXPECT_EQ(keyring_.StateHash(), before);
  EXPECT_TRUE(Give(message));
  EXPECT_NE(keyring_.StateHash(), before);
}

TEST_F(MskMessages, AtMostTwoAreHeldAndTheOlderGoes) {
  for (const uint16_t number : {uint16_t{1}, uint16_t{2}, uint16_t{3}}) {
    ASSERT_TRUE(Give(server_.MskMessage(Msk(number))));
  }
  EXPECT_EQ(keyring_.msks().Find(Msk(1)), nullptr);
  EXPECT_NE(keyring_.msks().Find(Msk(2)), nullptr);
  EXPECT_NE(keyring_.msks().Find(Msk(3)), nullptr);
  EXPECT_EQ(keyring_.msks().Newest()->id, Msk(3));
  EXPECT_EQ(keyring_.msk_changes(), 2u);
}

TEST_F(MskMessages, AnEmptyIntervalGivesTheMskUp) {
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  ASSERT_TRUE(keyring_.OnMtk(server_.MtkMessage(Msk(1), 1), At(0)));
  server_.low = MtkId(2);
  server_.high = MtkId(1);
  const auto event = Give(server_.MskMessage(Msk(1)));
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->deleted);
  EXPECT_EQ(keyring_.msks().Newest(), nullptr);
  EXPECT_EQ(keyring_.OnMtk(server_.MtkMessage(Msk(1), 2), At(0)).error(), Error::kUnknownKey);
  EXPECT_EQ(keyring_.mtks().held(), 1u) << "the key on air is still good";
}

TEST_F(MskMessages, AnotherKeyUnderAHeldIdDropsItsMtks) {
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  ASSERT_TRUE(keyring_.OnMtk(server_.MtkMessage(Msk(1), 1), At(0)));
  mikey::MskMessage message;
  message.ids = {kDomain, Msk(1), std::nullopt};
  message.counter = ++server_.msk_counter;
  const Bytes rand(16, 1);
  message.rand = rand;
  message.idi = AsBytes(server_.idi);
  message.idr = AsBytes(server_.idr);
  message.msk = rand;
  message.low = MtkId(1);
  message.high = MtkId(9);
  Bytes out(1024);
  const auto size = mikey::WriteMskMessage(crypto::DefaultSuite(), server_.profile, message,
                                           server_.user_key.view(), out);
  ASSERT_TRUE(size);
  out.resize(*size);
  ASSERT_TRUE(Give(out));
  EXPECT_EQ(keyring_.mtks().held(), 0u);
}

TEST_F(MskMessages, TheNewestMskSaysTheRoc) {
  server_.roc = Roc(4);
  ASSERT_TRUE(Give(server_.MskMessage(Msk(1))));
  server_.roc = Roc(5);
  ASSERT_TRUE(Give(server_.MskMessage(Msk(2))));
  EXPECT_EQ(keyring_.RocHint(kAudio), Roc(5));
}

}  // namespace
}  // namespace keymast::receiver
