// SPDX-License-Identifier: Apache-2.0
// MTK messages at the receiver (TS 33.246 §6.4.6.2).
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

class MtkMessages : public testing::Test {
 protected:
  void SetUp() override {
    std::array<uint8_t, kMaxAnswer> answer{};
    server_.low = MtkId(2);
    server_.high = MtkId(500);
    ASSERT_TRUE(keyring_.OnMsk(server_.MskMessage(Msk(1)), answer));
  }
  Result<MtkEvent> Give(const Bytes& datagram) { return keyring_.OnMtk(datagram, At(0)); }
  Result<MtkEvent> Give(uint16_t mtk) { return Give(server_.MtkMessage(Msk(1), mtk)); }
  void ExpectDiscard(const Bytes& datagram, Error reason) {
    const auto before = keyring_.StateHash();
    const auto event = Give(datagram);
    ASSERT_FALSE(event);
    EXPECT_EQ(event.error(), reason) << ErrorName(event.error());
    EXPECT_EQ(keyring_.StateHash(), before);
  }

  KeyServer server_;
  Keyring keyring_ = server_.MakeKeyring();
};

TEST_F(MtkMessages, AnMtkIsTakenUnderItsMki) {
  const auto event = Give(7);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->mtk, MtkId(7));
  const Bytes mki = {0, 1, 0, 1, 0, 7};  // MSK ID || MTK ID
  const MtkSlot* slot = keyring_.mtks().FindByMki(mki);
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->key, server_.TrafficKeyOf(Msk(1), 7).master_key);
  EXPECT_EQ(slot->salt, server_.TrafficKeyOf(Msk(1), 7).master_salt);
  EXPECT_EQ(keyring_.mtks().Current(), slot);
}

TEST_F(MtkMessages, TheMkiMayBeginWithTheKeyDomain) {
  server_.profile.mki_with_domain = true;
  Keyring keyring = server_.MakeKeyring();
  std::array<uint8_t, kMaxAnswer> answer{};
  ASSERT_TRUE(keyring.OnMsk(server_.MskMessage(Msk(1)), answer));
  ASSERT_TRUE(keyring.OnMtk(server_.MtkMessage(Msk(1), 7), At(0)));
  EXPECT_EQ(keyring.mki_length(), 9u);
  const Bytes mki = {0x26, 0x2f, 0x01, 0, 1, 0, 1, 0, 7};
  EXPECT_NE(keyring.mtks().FindByMki(mki), nullptr);
}

TEST_F(MtkMessages, RepetitionsForLateJoinersAreHeldAlready) {
  ASSERT_TRUE(Give(7));
  ExpectDiscard(server_.MtkMessage(Msk(1), 7), Error::kAlreadyHeld);
}

TEST_F(MtkMessages, ACounterNeverCountsTwice) {
  const Bytes old = server_.MtkMessage(Msk(1), 6);
  const Bytes taken = server_.MtkMessage(Msk(1), 7);
  ASSERT_TRUE(Give(taken));
  ExpectDiscard(taken, Error::kReplayed);
  ExpectDiscard(old, Error::kReplayed);
}

TEST_F(MtkMessages, ALateJoinerTakesTheCurrentKeyAfterTheNext) {
  ASSERT_TRUE(Give(8));
  EXPECT_TRUE(Give(7));
  EXPECT_EQ(keyring_.mtks().held(), 2u);
}

TEST_F(MtkMessages, StrictSeqsRefuseAnIdBelowTheHighest) {
  server_.profile.strict_seqs = true;
  Keyring keyring = server_.MakeKeyring();
  std::array<uint8_t, kMaxAnswer> answer{};
  ASSERT_TRUE(keyring.OnMsk(server_.MskMessage(Msk(1)), answer));
  ASSERT_TRUE(keyring.OnMtk(server_.MtkMessage(Msk(1), 8), At(0)));
  EXPECT_EQ(keyring.OnMtk(server_.MtkMessage(Msk(1), 7), At(0)).error(), Error::kOutsideInterval);
  EXPECT_TRUE(keyring.OnMtk(server_.MtkMessage(Msk(1), 9), At(0)));
}

TEST_F(MtkMessages, OnlyIdsOfTheIntervalBothEndsIncluded) {
  ExpectDiscard(server_.MtkMessage(Msk(1), 1), Error::kOutsideInterval);
  ExpectDiscard(server_.MtkMessage(Msk(1), 501), Error::kOutsideInterval);
  ExpectDiscard(server_.MtkMessage(Msk(1), 0xffff), Error::kOutsideInterval);
  EXPECT_TRUE(Give(2));
  EXPECT_TRUE(Give(500));
}

TEST_F(MtkMessages, IdZeroIsNeverUsed) {
  std::array<uint8_t, kMaxAnswer> answer{};
  server_.low = MtkId(0);
  ASSERT_TRUE(keyring_.OnMsk(server_.MskMessage(Msk(1)), answer));
  ExpectDiscard(server_.MtkMessage(Msk(1), 0), Error::kOutsideInterval);
}

TEST_F(MtkMessages, UnderAnMskThatIsNotHeld) {
  ExpectDiscard(server_.MtkMessage(Msk(2), 7), Error::kUnknownKey);
}

TEST_F(MtkMessages, ForeignOnesAreNotLookedAt) {
  KeyServer foreign = server_;
  foreign.domain = {{1, 2, 3}};
  ExpectDiscard(foreign.MtkMessage(Msk(1), 7), Error::kUnknownChannel);
  ExpectDiscard(server_.MskMessage(Msk(2)), Error::kUnexpected);
  foreign = server_;
  foreign.profile.csb_id = CsbId(5);
  ExpectDiscard(foreign.MtkMessage(Msk(1), 7), Error::kWrongCsb);
}

TEST_F(MtkMessages, AKeyOfAnotherProfileIsRefused) {
  KeyServer other = server_;
  other.srtp = SrtpProfile::kAeadAes256Gcm;
  ExpectDiscard(other.MtkMessage(Msk(1), 7), Error::kUnsupportedPolicy);
}

TEST_F(MtkMessages, EveryFlippedBitIsRefused) {
  const Bytes message = server_.MtkMessage(Msk(1), 7);
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

TEST_F(MtkMessages, AKeyThatWasLetGoDoesNotComeBack) {
  ASSERT_TRUE(Give(7));
  const Bytes held_back = server_.MtkMessage(Msk(1), 7);  // a repetition somebody recorded
  keyring_.Used(1, At(0));
  KeyServer later = server_;
  later.mtk_counter = 50;
  ASSERT_TRUE(Give(later.MtkMessage(Msk(1), 8)).has_value());
  keyring_.Used(2, At(100));
  keyring_.OnTick(At(100 + 5001));
  EXPECT_EQ(keyring_.mtks().Find(Msk(1), MtkId(7)), nullptr);
  later.mtk_counter = 100;
  ExpectDiscard(later.MtkMessage(Msk(1), 7), Error::kOutsideInterval);
  EXPECT_FALSE(Give(held_back));
}

TEST_F(MtkMessages, StateHashKnowsCountersAndKeys) {
  const auto empty = server_.MakeKeyring().StateHash();
  const auto with_msk = keyring_.StateHash();
  EXPECT_NE(empty, with_msk);
  ASSERT_TRUE(Give(7));
  EXPECT_NE(keyring_.StateHash(), with_msk);
}

}  // namespace
}  // namespace keymast::receiver
