// SPDX-License-Identifier: Apache-2.0
// MSK messages of 3GPP through the C interface (TS 33.246 §6.4), and what survives a loss of power.
#include "tests/unit/receiver/library_world.h"

namespace keymast::receiver::library {
namespace {

const std::string kTv = "mikey://example.org/tv";
const std::string kSender = "bmsc.example.org";

class ByMessage : public testing::Test {
 protected:
  void SetUp() override { Follow(); }
  void Follow() {
    ASSERT_EQ(world.Join(1, kTv, true, tv.domain, tv.msk.group.value), KEYMAST_OK);
    EXPECT_TRUE(world.Take().kinds.empty());  // nothing is asked for
  }
  Bytes MskMessage(const std::string& from = kSender) {
    return tv.MskMessage(++user_counter, from, low, high);
  }

  LibraryWorld world;
  Group& tv = world.server_.Add(kTv);
  uint32_t user_counter = 10;
  MtkId low{1};
  MtkId high{0xffff};
};

TEST_F(ByMessage, KeepsTheCounterBeforeItAnswers) {
  const Bytes message = MskMessage();
  ASSERT_EQ(world.Receive(message), KEYMAST_OK);
  const Done done = world.Take();
  const std::vector<keymast_action_kind> order = {KEYMAST_PERSIST, KEYMAST_SEND, KEYMAST_JOINED};
  EXPECT_EQ(done.kinds, order);
  const auto answer = mikey::Inspect(done.sent[0]);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, mikey::MessageKind::kVerification);
  EXPECT_TRUE(mikey::CheckVerification(crypto::DefaultSuite(), {}, *answer, AsBytes(kSender),
                                       tv.Rand(), kUserKey));
  EXPECT_EQ(world.Receive(message), KEYMAST_REPLAYED);
  ASSERT_EQ(world.Receive(tv.MtkMessage(5, {})), KEYMAST_OK);
  const Done keys = world.Take();
  EXPECT_EQ(keys.installed, std::vector<Bytes>{tv.Mki(5)});
  EXPECT_EQ(keys.kinds.front(), KEYMAST_PERSIST);
  const keymast_key* key = world.Key(1, tv.Mki(5));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(Bytes(key->key, key->key + 16), tv.Mtk(5));
  size_t count = 0;
  EXPECT_EQ(keymast_receiver_streams(world.context_.get(), 1, &count)[0].roc, 2u);
  EXPECT_EQ(count, 1u);
}

// MIKEYv2 §2: nobody makes a member fall back to version 1 by keeping its CAP away.
TEST(ByJoin, NoMskMessageIsTakenBeforeTheJoin) {
  LibraryWorld world;
  Group& tv = world.server_.Add(kTv);
  ASSERT_EQ(world.Join(1, kTv, false, tv.domain, tv.msk.group.value), KEYMAST_OK);
  const std::vector<keymast_action_kind> cap_alone = {KEYMAST_SEND};
  EXPECT_EQ(world.Take().kinds, cap_alone);
  EXPECT_EQ(world.Receive(tv.MskMessage(1, kSender)), KEYMAST_UNEXPECTED);
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Receive(tv.MtkMessage(5, {})), KEYMAST_UNKNOWN_KEY);
}

TEST_F(ByMessage, NothingRecordedIsTakenAfterALossOfPower) {
  const Bytes msk = MskMessage();
  const Bytes first = tv.MtkMessage(5, {});
  const Bytes second = tv.MtkMessage(6, {});
  for (const Bytes& message : {msk, first, second}) {
    ASSERT_EQ(world.Receive(message), KEYMAST_OK);
    world.Take();
  }
  EXPECT_LE(world.saved_.size(), size_t{KEYMAST_SAVED_SIZE});
  keymast_receiver_wipe(world.context_.get());
  ASSERT_EQ(world.Start(), KEYMAST_OK);
  Follow();
  EXPECT_EQ(world.Receive(msk), KEYMAST_REPLAYED);
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);  // the server brings the MSK again
  world.Take();
  EXPECT_EQ(world.Receive(first), KEYMAST_OUTSIDE_INTERVAL);
  EXPECT_EQ(world.Receive(second), KEYMAST_REPLAYED);
  EXPECT_EQ(world.Receive(tv.MtkMessage(6, {})), KEYMAST_OK);  // its repetition now
  EXPECT_EQ(world.Take().installed, std::vector<Bytes>{tv.Mki(6)});
}

// Each of two MSKs has a COUNTER and an MTK ID of its own.
TEST_F(ByMessage, NothingRecordedIsTakenUnderTheOldMskBesideTheNextOne) {
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  std::vector<Bytes> recorded;
  for (uint16_t id = 1; id <= 5; ++id) {
    recorded.push_back(tv.MtkMessage(id, {}));
    ASSERT_EQ(world.Receive(recorded.back()), KEYMAST_OK);
    world.Take();
  }
  Group next = tv.Next();
  ASSERT_EQ(world.Receive(next.MskMessage(++user_counter, kSender)), KEYMAST_OK);
  world.Take();
  recorded.push_back(next.MtkMessage(1, {}));
  ASSERT_EQ(world.Receive(recorded.back()), KEYMAST_OK);
  world.Take();
  EXPECT_LE(world.saved_.size(), size_t{KEYMAST_SAVED_SIZE});
  keymast_receiver_wipe(world.context_.get());
  ASSERT_EQ(world.Start(), KEYMAST_OK);
  Follow();
  for (const Group& group : {tv, next}) {
    ASSERT_EQ(world.Receive(group.MskMessage(++user_counter, kSender)), KEYMAST_OK);
    world.Take();
  }
  for (const Bytes& message : recorded) EXPECT_NE(world.Receive(message), KEYMAST_OK);
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Receive(tv.MtkMessage(5, {})), KEYMAST_OK);
  world.Take();
  EXPECT_EQ(world.Receive(next.MtkMessage(1, {})), KEYMAST_OK);
}

// COUNTERs are those of a user key (TS 33.246 §6.4.3): with a new one the server begins anew.
TEST_F(ByMessage, CountersEndWithTheUserKey) {
  user_counter = 1000;
  for (const char* sender : {"a", "b", "c", "d"}) {
    ASSERT_EQ(world.Receive(MskMessage(sender)), KEYMAST_OK);
    world.Take();
  }
  keymast_receiver_wipe(world.context_.get());
  const Bytes other(16, 0xa5);
  world.member_.user_key = COctets(other);
  ASSERT_EQ(world.Start(), KEYMAST_OK);
  Follow();
  const Bytes first = tv.MskMessage(1, "e", low, high, other);
  ASSERT_EQ(world.Receive(first), KEYMAST_OK);
  world.Take();
  ASSERT_EQ(world.Receive(tv.MskMessage(2, "a", low, high, other)), KEYMAST_OK);
  world.Take();
  keymast_receiver_wipe(world.context_.get());
  ASSERT_EQ(world.Start(), KEYMAST_OK);
  Follow();
  EXPECT_EQ(world.Receive(first), KEYMAST_REPLAYED);
}

TEST_F(ByMessage, IsJoinedByItsFirstKeysAlone) {
  std::swap(low, high);
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);  // gives up what it never had
  EXPECT_TRUE(world.Take().joined.empty());
  std::swap(low, high);
  for (const size_t joined : {1u, 0u}) {
    ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
    EXPECT_EQ(world.Take().joined.size(), joined);
    ++tv.msk.number.value;
  }
}

TEST_F(ByMessage, WhatWasSavedIsWholeOrRefused) {
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  const Bytes good = world.saved_;
  for (size_t i = 0; i < good.size(); ++i) {
    world.saved_ = good;
    world.saved_[i] ^= 1;
    EXPECT_EQ(world.Start(), KEYMAST_CORRUPT) << i;
    world.saved_ = Bytes(good.begin(), good.begin() + static_cast<long>(i));
    EXPECT_EQ(world.Start(), i == 0 ? KEYMAST_OK : KEYMAST_CORRUPT) << i;
  }
  world.saved_ = {9, 1, 2};
  EXPECT_EQ(world.Start(), KEYMAST_NEWER_FORMAT);
  world.saved_ = good;
  EXPECT_EQ(world.Start(), KEYMAST_OK);
}

TEST_F(ByMessage, RefusesWhatIsNotForIt) {
  Bytes damaged = MskMessage();
  damaged.back() ^= 1;
  EXPECT_EQ(world.Receive(damaged), KEYMAST_AUTHENTICATION_FAILED);
  tv.msk.number = KeyNumber(0);
  EXPECT_EQ(world.Receive(MskMessage()), KEYMAST_MALFORMED);
  tv.msk = {KeyGroup(50), KeyNumber(1)};
  EXPECT_EQ(world.Receive(MskMessage()), KEYMAST_UNKNOWN_CHANNEL);
  EXPECT_TRUE(world.Take().kinds.empty());
}

TEST_F(ByMessage, RemembersFourSenders) {
  for (const char* sender : {"a", "b", "c", "d"}) {
    EXPECT_EQ(world.Receive(MskMessage(sender)), KEYMAST_OK);
    world.Take();
  }
  EXPECT_EQ(world.Receive(MskMessage("e")), KEYMAST_UNKNOWN_IDENTITY);
  EXPECT_EQ(world.Receive(MskMessage("a")), KEYMAST_OK);
}

TEST_F(ByMessage, AnEmptyIntervalTakesTheMskAway) {
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  low = MtkId(2);
  high = MtkId(1);
  EXPECT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  EXPECT_EQ(world.Receive(tv.MtkMessage(5, {})), KEYMAST_UNKNOWN_KEY);
}

TEST_F(ByMessage, TwoMsksAreHeldAndTheFirstUseOfTheNewOneEndsTheOther) {
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  ASSERT_EQ(world.Receive(tv.MtkMessage(5, {})), KEYMAST_OK);
  world.Take();
  const Group old = tv;
  tv.msk.number = KeyNumber(2);
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  ASSERT_EQ(world.Receive(tv.MtkMessage(1, {})), KEYMAST_OK);
  EXPECT_EQ(world.Take().installed, std::vector<Bytes>{tv.Mki(1)});
  EXPECT_NE(world.Key(1, old.Mki(5)), nullptr);
  world.Used(1, tv.Mki(1));
  world.now_ += 2000;
  world.Tick();
  EXPECT_EQ(world.Take().retired, std::vector<Bytes>{old.Mki(5)});
}

TEST_F(ByMessage, MoreMtksThanFitLetTheOldestGo) {
  ASSERT_EQ(world.Receive(MskMessage()), KEYMAST_OK);
  world.Take();
  for (uint16_t id = 1; id <= 8; ++id) {
    ASSERT_EQ(world.Receive(tv.MtkMessage(id, {})), KEYMAST_OK);
    const Done done = world.Take();
    EXPECT_EQ(done.installed, std::vector<Bytes>{tv.Mki(id)});
    if (id == 1) world.Used(1, tv.Mki(1));  // in use: it stays
    EXPECT_EQ(done.retired.size(), id > 6 ? 1u : 0u);
  }
  EXPECT_NE(world.Key(1, tv.Mki(1)), nullptr);
  EXPECT_EQ(world.Key(1, tv.Mki(2)), nullptr);
}

}  // namespace
}  // namespace keymast::receiver::library
