// SPDX-License-Identifier: Apache-2.0
// Joins by MIKEYv2 through the C interface, and the MTK messages behind them (MIKEYv2 §7, §10).
#include <random>
#include <set>

#include "mikey/v2/messages.h"
#include "tests/unit/receiver/library_world.h"

namespace keymast::receiver::library {
namespace {

const std::string kTv = "mikey://example.org/tv";

class Joined : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
    const Done done = world.Settle();
    ASSERT_EQ(done.joined, std::vector<uint8_t>{0});
    ASSERT_EQ(done.installed, std::vector<Bytes>{tv.Mki(1)});
  }
  Bytes Message(uint16_t id) { return tv.MtkMessage(id, JoinedProfile()); }

  LibraryWorld world;
  Group& tv = world.server_.Add(kTv);
};

TEST_F(Joined, HasKeysAndStreams) {
  const keymast_key* key = world.Key(0, tv.Mki(1));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(Bytes(key->key, key->key + key->key_size), tv.Mtk(1));
  EXPECT_EQ(Bytes(key->salt, key->salt + key->salt_size), tv.Salt(1));
  size_t count = 0;
  const keymast_stream* streams = keymast_receiver_streams(world.context_.get(), 0, &count);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(streams[0].ssrc, 0xfeedf00d);
  EXPECT_EQ(streams[0].roc, 7u);
  EXPECT_EQ(streams[0].seq, 65000);
  EXPECT_EQ(streams[0].profile, 7);
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
  EXPECT_EQ(world.Key(0, tv.Mki(2)), nullptr);
  EXPECT_EQ(world.Key(1, tv.Mki(1)), nullptr);
}

TEST_F(Joined, TakesTheNextMtkAndLetsTheLastOneGo) {
  ASSERT_EQ(world.Receive(Message(2)), KEYMAST_OK);
  EXPECT_EQ(world.Take().installed, std::vector<Bytes>{tv.Mki(2)});
  EXPECT_EQ(world.Receive(Message(2)), KEYMAST_OK);  // the repetition for who comes late
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);  // the key in use stays, however long
  EXPECT_EQ(world.Used(0, tv.Mki(2)), KEYMAST_OK);
  world.now_ += 1000;
  world.Used(0, tv.Mki(1));  // a late packet
  EXPECT_EQ(world.deadline(), world.now_ + 5000);
  world.now_ += 5000;
  EXPECT_EQ(world.Tick(), KEYMAST_OK);
  EXPECT_EQ(world.Take().retired, std::vector<Bytes>{tv.Mki(1)});
  EXPECT_EQ(world.Key(0, tv.Mki(1)), nullptr);
  EXPECT_EQ(world.Receive(Message(1)), KEYMAST_OUTSIDE_INTERVAL);  // what is past stays past
}

TEST_F(Joined, RefusesWhatIsNotTheNextMessage) {
  const Bytes first = Message(2);
  const Bytes second = Message(3);
  ASSERT_EQ(world.Receive(second), KEYMAST_OK);
  world.Take();
  EXPECT_EQ(world.Receive(second), KEYMAST_REPLAYED);
  EXPECT_EQ(world.Receive(first), KEYMAST_REPLAYED);
  EXPECT_EQ(world.Receive(Message(0)), KEYMAST_OUTSIDE_INTERVAL);
  const Bytes other = tv.MtkMessageOf(3, ++tv.counter, JoinedProfile(), Bytes(16, 1));
  EXPECT_EQ(world.Receive(other), KEYMAST_ALREADY_HELD);  // an MTK ID has one key for ever
  EXPECT_EQ(world.Receive(tv.MtkMessage(4, {})), KEYMAST_UNSUPPORTED_ALGORITHM);
  Group elsewhere = tv;
  elsewhere.msk.group = KeyGroup(99);
  EXPECT_EQ(world.Receive(elsewhere.MtkMessage(4, JoinedProfile())), KEYMAST_UNKNOWN_CHANNEL);
  elsewhere = tv;
  elsewhere.csb = CsbId(5);
  EXPECT_EQ(world.Receive(elsewhere.MtkMessage(4, JoinedProfile())), KEYMAST_WRONG_CSB);
  const Bytes good = Message(4);
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes flipped = good;
    flipped[i] ^= 1;
    EXPECT_NE(world.Receive(flipped), KEYMAST_OK) << i;
    EXPECT_NE(world.Receive(Bytes(good.begin(), good.begin() + static_cast<long>(i))), KEYMAST_OK);
  }
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Receive(good), KEYMAST_OK);
}

TEST_F(Joined, AsksForAnMskThatItMissesAtARandomMoment) {
  tv.msk.number = KeyNumber(2);
  tv.counter = 0;
  EXPECT_EQ(world.Receive(Message(1)), KEYMAST_UNKNOWN_KEY);
  EXPECT_TRUE(world.Take().kinds.empty());
  world.now_ += 2999;
  EXPECT_EQ(world.Receive(Message(1)), KEYMAST_UNKNOWN_KEY);
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);  // for longer than the window: it may come by itself
  world.now_ += 1;
  EXPECT_EQ(world.Receive(Message(1)), KEYMAST_UNKNOWN_KEY);
  const uint64_t due = world.deadline();
  EXPECT_GE(due, world.now_);
  EXPECT_LE(due, world.now_ + 3000);
  world.now_ = std::min(world.now_ + 500, due);
  EXPECT_EQ(world.Receive(Message(1)), KEYMAST_UNKNOWN_KEY);
  EXPECT_EQ(world.deadline(), due);
  world.now_ = due;
  world.Tick();
  const Done done = world.Settle();
  EXPECT_EQ(done.joined, std::vector<uint8_t>{0});
  EXPECT_EQ(done.installed, std::vector<Bytes>{tv.Mki(1)});
  // The old MSK retires with the first use of the new one, its MTKs 2 s later (MIKEYv2 §10).
  EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
  Group old = tv;
  old.msk.number = KeyNumber(1);
  old.counter = 100;
  EXPECT_EQ(world.Receive(old.MtkMessage(9, JoinedProfile())), KEYMAST_UNKNOWN_KEY);
  const uint64_t switched = world.now_;
  world.now_ = switched + 2000;
  world.Tick();
  EXPECT_EQ(world.Take().retired, std::vector<Bytes>{old.Mki(1)});
}

TEST_F(Joined, WaitsTwiceAsLongEachTimeThatAskingDoesNotHelp) {
  const Bytes unknown = {0, 7, 0, 9, 0, 1};
  uint64_t least = 3000;
  for (int i = 0; i < 3; ++i) {
    world.MissFor(0, unknown);
    EXPECT_LE(world.deadline() - world.now_, least);
    least *= 2;
    world.now_ = world.deadline();
    world.Tick();
    EXPECT_EQ(world.Take().sent.size(), 1u);
    for (int sending = 0; sending < 4; ++sending) {  // and nobody answers
      world.now_ = world.deadline();
      world.Tick();
      if (sending == 3) break;
      EXPECT_EQ(world.Take().sent.size(), 1u);
    }
    EXPECT_EQ(world.Take().failed.size(), 1u);
    EXPECT_NE(world.Key(0, tv.Mki(1)), nullptr);  // the keys that it has stay
  }
}

TEST_F(Joined, OneStrayPacketCallsForNothing) {
  EXPECT_EQ(world.Missing(0, {0, 7, 0, 9, 0, 1}), KEYMAST_OK);
  for (int i = 0; i < 400; ++i) {
    world.now_ += 20;
    EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
  }
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
  EXPECT_EQ(world.Tick(), KEYMAST_OK);
  EXPECT_TRUE(world.Take().kinds.empty());
}

TEST_F(Joined, APacketThatOpensPutsOffWhatPacketsTold) {
  world.MissFor(0, {0, 7, 0, 9, 0, 1});
  EXPECT_NE(world.deadline(), KEYMAST_NEVER);
  EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

// MIKEYv2 §10: what opens may be played again, so it puts off no longer than the longest window.
TEST_F(Joined, PacketsUnderAnOlderMskPutItOffForTheLongestWindowAtMost) {
  const Bytes missed = {0, 7, 0, 9, 0, 1};
  const uint64_t longest = 16 * 3000;
  for (uint64_t passed = 0; passed < longest; passed += 500) {
    EXPECT_EQ(world.Missing(0, missed), KEYMAST_OK);
    EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
    EXPECT_EQ(world.deadline(), KEYMAST_NEVER) << passed;
    world.now_ += 500;
  }
  EXPECT_EQ(world.Missing(0, missed), KEYMAST_OK);
  const uint64_t due = world.deadline();
  EXPECT_LE(due, world.now_ + 3000);
  EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
  EXPECT_EQ(world.deadline(), due);
}

TEST_F(Joined, APacketOfAnotherKeyGroupTellsOfNothing) {
  world.MissFor(0, {0, 8, 0, 9, 0, 1});
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

TEST_F(Joined, AnMskThatComesByMessageIsMissedNoLonger) {
  tv.msk.number = KeyNumber(2);
  tv.counter = 0;
  world.MissFor(0, tv.Mki(1));
  EXPECT_NE(world.deadline(), KEYMAST_NEVER);
  EXPECT_EQ(world.Receive(tv.MskMessage(5, "server")), KEYMAST_OK);
  world.Take();
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

// MIKEYv2 §10: the next MSK is announced beside the one that is in use.
TEST_F(Joined, JoinsAgainWhileTheNextMskIsAnnounced) {
  tv.announces = true;
  for (int i = 0; i < 3; ++i) {
    world.now_ += 20'000;
    ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
    const Done done = world.Settle();
    EXPECT_EQ(done.joined.size(), 1u) << i;
    EXPECT_TRUE(done.failed.empty()) << i;
  }
  Group next = tv.Next();
  EXPECT_EQ(world.Receive(next.MtkMessage(1, JoinedProfile())), KEYMAST_OK);
  EXPECT_EQ(world.Take().installed, std::vector<Bytes>{next.Mki(1)});
}

// MIKEYv2 §10: with the first use of the next MSK no MTK message under the old one is taken, it is
// wiped, and its MTKs after 2 s.
TEST_F(Joined, AnMskThatRetiredComesNotBack) {
  tv.announces = true;
  ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
  ASSERT_EQ(world.Settle().joined.size(), 1u);
  Group next = tv.Next();
  ASSERT_EQ(world.Receive(next.MtkMessage(1, JoinedProfile())), KEYMAST_OK);
  world.Take();
  ASSERT_EQ(world.Used(0, next.Mki(1)), KEYMAST_OK);
  EXPECT_FALSE(world.Has(tv.Msk()));
  EXPECT_EQ(world.Receive(Message(2)), KEYMAST_UNKNOWN_KEY);
  world.now_ += 2000;
  ASSERT_EQ(world.Tick(), KEYMAST_OK);
  EXPECT_EQ(world.Take().retired, std::vector<Bytes>{tv.Mki(1)});
  // The server still gives both.
  ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
  EXPECT_EQ(world.Settle().joined.size(), 1u);
  EXPECT_EQ(world.Key(0, tv.Mki(1)), nullptr);
  EXPECT_FALSE(world.Has(tv.Msk()));
  EXPECT_EQ(world.Receive(Message(3)), KEYMAST_UNKNOWN_KEY);
  EXPECT_EQ(world.Receive(tv.MskMessage(9, "server")), KEYMAST_REPLAYED);
  world.MissFor(0, tv.Mki(1));  // nor is it asked for
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

TEST_F(Joined, AKeyThatRetiredIsNowhere) {
  ASSERT_EQ(world.Receive(Message(2)), KEYMAST_OK);
  world.Take();
  world.Used(0, tv.Mki(2));
  world.now_ += 5000;
  world.Tick();
  ASSERT_EQ(world.Take().retired, std::vector<Bytes>{tv.Mki(1)});
  EXPECT_TRUE(world.Has(tv.Mtk(2)));
  EXPECT_FALSE(world.Has(tv.Mtk(1)));
}

TEST_F(Joined, LeavingWipes) {
  EXPECT_EQ(keymast_receiver_leave(world.context_.get(), 0, world.now_), KEYMAST_OK);
  EXPECT_EQ(world.Key(0, tv.Mki(1)), nullptr);
  EXPECT_EQ(world.Receive(Message(2)), KEYMAST_UNKNOWN_CHANNEL);
  EXPECT_FALSE(world.Has(tv.Msk()));
  EXPECT_FALSE(world.Has(tv.Mtk(1)));
  const auto* octets = reinterpret_cast<const uint8_t*>(world.context_.get());
  const ByteView all(octets, sizeof(keymast_receiver));
  keymast_receiver_wipe(world.context_.get());
  EXPECT_TRUE(std::ranges::all_of(all, [](uint8_t octet) { return octet == 0; }));
  world.Start();
}

TEST(LibraryJoin, FollowsACookie) {
  LibraryWorld world;
  world.server_.Add(kTv);
  world.answerer_.set_under_load(true);
  ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
  EXPECT_EQ(world.Settle().joined.size(), 1u);
}

// MIKEYv2 §7: its keys are good, but who gave them may not know that it has joined.
TEST(LibraryJoin, WhoseFinishNobodyAnswersAsks) {
  LibraryWorld world;
  Group& tv = world.server_.Add(kTv);
  ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
  ASSERT_EQ(world.Receive(world.ToServer(world.Take().sent.at(0))), KEYMAST_OK);
  size_t finishes = 0;
  for (int i = 0; i < 5; ++i) {
    finishes += world.Take().sent.size();
    world.now_ = world.deadline();
    if (i < 4) world.Tick();
  }
  EXPECT_EQ(finishes, 4u);
  ASSERT_NE(world.now_, KEYMAST_NEVER);
  EXPECT_EQ(world.Used(0, tv.Mki(1)), KEYMAST_OK);
  EXPECT_EQ(world.deadline(), world.now_) << "a packet tells the server nothing";
  world.Tick();
  EXPECT_EQ(world.Settle().joined, std::vector<uint8_t>{0});
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
}

TEST(LibraryJoin, SaysWhyItFailed) {
  LibraryWorld world;
  world.server_.Add(kTv).is_entitled = false;
  ASSERT_EQ(world.Join(2, kTv), KEYMAST_OK);
  const Done refused = world.Settle();
  ASSERT_EQ(refused.failed.size(), 1u);
  EXPECT_EQ(refused.failed[0].first, 2);
  EXPECT_EQ(refused.failed[0].second, KEYMAST_NOT_ENTITLED);
  ASSERT_EQ(world.Join(2, "mikey://example.org/none"), KEYMAST_OK);
  std::vector<Bytes> sent;
  Done last;
  while (last.failed.empty()) {
    last = world.Take();
    sent.insert(sent.end(), last.sent.begin(), last.sent.end());
    if (world.deadline() == KEYMAST_NEVER) break;
    world.now_ = world.deadline();
    world.Tick();
  }
  EXPECT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent.front(), sent.back());  // a repetition has the same octets
  ASSERT_EQ(last.failed.size(), 1u);
  EXPECT_EQ(last.failed[0].second, KEYMAST_UNAVAILABLE);
}

// MIKEYv2 §2: an ERROR without proof is a hint, and anybody's.
TEST(LibraryJoin, BelievesNoRefusalWithoutProof) {
  LibraryWorld world;
  ASSERT_EQ(world.Join(2, "mikey://example.org/none"), KEYMAST_OK);
  mikey::Message cap;
  const Done first = world.Take();
  ASSERT_TRUE(mikey::ParseMessage(first.sent.at(0), cap));
  mikey::v2::Exchange asked;
  asked.csb_id = CsbId(cap.header.csb_id);
  asked.rand_i = Octets<mikey::v2::kMaxRand>(cap.Get<mikey::RandrPayload>()->rand);
  Bytes hint(mikey::v2::kMaxOneDatagram);
  hint.resize(*mikey::v2::WriteHint(asked, mikey::ErrorNumber::kInvalidId, hint));
  EXPECT_EQ(world.Receive(hint), KEYMAST_AUTHENTICATION_FAILED);
  Done last;
  while (last.failed.empty() && world.deadline() != KEYMAST_NEVER) {
    world.now_ = world.deadline();
    world.Tick();
    last = world.Take();
  }
  ASSERT_EQ(last.failed.size(), 1u);
  EXPECT_EQ(last.failed[0].second, KEYMAST_UNAVAILABLE);
}

TEST(LibraryJoin, TheClockMayBeginAnywhere) {
  LibraryWorld world;
  world.now_ = uint64_t{1} << 62;
  ASSERT_EQ(world.Join(0, kTv), KEYMAST_OK);
  size_t sent = world.Take().sent.size();
  for (int i = 0; i < 4; ++i) {
    ASSERT_GE(world.deadline(), world.now_ + 500);
    ASSERT_LE(world.deadline(), world.now_ + 5000);
    world.now_ = world.deadline();
    world.Tick();
    if (i < 3) sent += world.Take().sent.size();
  }
  EXPECT_EQ(sent, 4u);
  EXPECT_EQ(world.Take().failed.size(), 1u);
}

TEST(LibraryJoin, RefusesADamagedAnswerAndStillTakesTheGoodOne) {
  LibraryWorld world;
  world.server_.Add(kTv);
  world.Join(0, kTv);
  const Bytes answer = world.ToServer(world.Take().sent.at(0));
  for (size_t i = 0; i < answer.size(); ++i) {
    Bytes flipped = answer;
    flipped[i] ^= 0x10;
    EXPECT_NE(world.Receive(flipped), KEYMAST_OK) << i;
    EXPECT_NE(world.Receive(Bytes(answer.begin(), answer.begin() + static_cast<long>(i))),
              KEYMAST_OK);
  }
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Receive(answer), KEYMAST_OK);
  const Done done = world.Take();
  const std::vector<keymast_action_kind> order = {KEYMAST_KEY_INSTALLED, KEYMAST_SEND,
                                                  KEYMAST_JOINED};
  EXPECT_EQ(done.kinds, order);
  EXPECT_EQ(world.Receive(answer), KEYMAST_OK);  // a repetition gets the finish again
  EXPECT_EQ(world.Take().sent, done.sent);
}

TEST(LibraryJoin, FromC) {
  LibraryWorld world;
  world.server_.Add(kTv);
  EXPECT_EQ(keymast_test_join_from_c(world.context_.get(), kBegin), KEYMAST_OK);
  EXPECT_EQ(world.Settle().joined.size(), 1u);
}

TEST(LibraryJoin, WrongCallsAreRefused) {
  LibraryWorld world;
  world.server_.Add(kTv);
  EXPECT_EQ(world.Join(4, kTv), KEYMAST_INVALID_ARGUMENT);
  EXPECT_EQ(world.Join(0, ""), KEYMAST_INVALID_ARGUMENT);
  EXPECT_EQ(world.Join(0, std::string(65, 'x')), KEYMAST_INVALID_ARGUMENT);
  EXPECT_EQ(world.Join(0, kTv, true), KEYMAST_INVALID_ARGUMENT);  // of 3GPP, but which
  EXPECT_EQ(world.Join(0, kTv), KEYMAST_OK);
  EXPECT_EQ(world.Join(1, kTv), KEYMAST_FAILED_PRECONDITION);
  EXPECT_EQ(world.Receive({2}), KEYMAST_FAILED_PRECONDITION);
  EXPECT_EQ(world.Tick(), KEYMAST_FAILED_PRECONDITION);
  EXPECT_EQ(world.Used(9, Bytes(6)), KEYMAST_INVALID_ARGUMENT);
  EXPECT_EQ(world.Used(0, Bytes(6)), KEYMAST_UNKNOWN_KEY);
  world.Take();
  EXPECT_EQ(world.Receive({}), KEYMAST_TRUNCATED);
  EXPECT_EQ(world.Receive({3, 1, 1, 1}), KEYMAST_UNKNOWN_VERSION);
  EXPECT_STREQ(keymast_reason_name(KEYMAST_AUTHENTICATION_FAILED), "authentication_failed");
  EXPECT_STREQ(keymast_reason_name(KEYMAST_OK), "ok");
  for (int number = KEYMAST_TRUNCATED; number <= KEYMAST_INTERNAL; ++number) {
    Error error{};
    EXPECT_TRUE(ErrorFromName(keymast_reason_name(static_cast<keymast_reason>(number)), error));
  }
  EXPECT_STREQ(keymast_reason_name(KEYMAST_INTERNAL), "internal");
  EXPECT_STREQ(keymast_reason_name(KEYMAST_REPLAYED), "replayed");
  EXPECT_STREQ(keymast_test_name_of_no_reason(), "unknown");
  keymast_member nobody = world.member_;
  nobody.user_key.size = 15;
  keymast_receiver other;
  EXPECT_EQ(keymast_receiver_init(&other, &world.table_, &nobody, {}), KEYMAST_INVALID_ARGUMENT);
}

// Air carries datagrams late, twice, in another order, or not at all.
class Air {
 public:
  explicit Air(uint64_t seed) : random_(seed) {}
  void Send(const Bytes& datagram, uint64_t now, bool to_server) {
    if (datagram.empty() || random_() % 5 == 0) return;
    const int copies = random_() % 10 == 0 ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      under_way_.emplace(now + 5 + random_() % 60, std::pair(to_server, datagram));
    }
  }
  uint64_t next() const { return under_way_.empty() ? KEYMAST_NEVER : under_way_.begin()->first; }
  std::pair<bool, Bytes> Take() {
    auto taken = under_way_.begin()->second;
    under_way_.erase(under_way_.begin());
    return taken;
  }

 private:
  std::mt19937_64 random_;
  std::multimap<uint64_t, std::pair<bool, Bytes>> under_way_;
};

class LossyRun {
 public:
  explicit LossyRun(uint64_t seed) : world_(seed), air_(seed) {
    for (uint8_t i = 0; i < 4; ++i) uris_.push_back(kTv + std::to_string(i));
    for (const std::string& uri : uris_) world_.server_.Add(uri);
  }
  void Join(uint8_t channel) {
    EXPECT_EQ(world_.Join(channel, uris_[channel]), KEYMAST_OK);
    Act();
  }
  // Until lets the time pass, with an MTK message a second for each group.
  void Until(uint64_t end) {
    while (world_.now_ < end) {
      const uint64_t next = std::min({end, air_.next(), world_.deadline(), next_messages_});
      world_.now_ = std::max(world_.now_, next);
      if (world_.deadline() <= world_.now_) {
        EXPECT_EQ(world_.Tick(), KEYMAST_OK);
        Act();
      }
      if (next_messages_ <= world_.now_) SendMessages();
      while (air_.next() <= world_.now_) Deliver();
    }
  }
  void Roll() {
    for (const std::string& uri : uris_) ++world_.server_.groups_.at(uri).mtk;
  }
  void ExpectKeys() {
    for (uint8_t i = 0; i < 4; ++i) {
      const Group& group = world_.server_.groups_.at(uris_[i]);
      const keymast_key* key = world_.Key(i, group.Mki(group.mtk));
      ASSERT_NE(key, nullptr) << int{i};
      EXPECT_EQ(Bytes(key->key, key->key + 16), group.Mtk(group.mtk));
    }
  }
  std::set<uint8_t> joined_;
  LibraryWorld world_;

 private:
  void Act() {
    const Done done = world_.Take();
    for (const Bytes& sent : done.sent) air_.Send(sent, world_.now_, true);
    joined_.insert(done.joined.begin(), done.joined.end());
    for (const auto& [channel, reason] : done.failed) Join(channel);
  }
  void Deliver() {
    const auto [to_server, datagram] = air_.Take();
    if (to_server) return air_.Send(world_.ToServer(datagram), world_.now_, false);
    world_.Receive(datagram);
    Act();
  }
  void SendMessages() {
    next_messages_ = world_.now_ + 1000;
    for (const std::string& uri : uris_) {
      Group& group = world_.server_.groups_.at(uri);
      air_.Send(group.MtkMessage(group.mtk, JoinedProfile()), world_.now_, false);
    }
  }
  Air air_;
  std::vector<std::string> uris_;
  uint64_t next_messages_ = kBegin + 1000;
};

TEST(LibraryJoin, FourChannelsJoinAndFollowThroughLossAndRepetition) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    LossyRun run(seed);
    for (uint8_t channel = 0; channel < 4; ++channel) run.Join(channel);
    run.Until(kBegin + 120'000);
    EXPECT_EQ(run.joined_.size(), 4u);
    run.ExpectKeys();
    for (int period = 0; period < 10; ++period) {
      run.Roll();
      run.Until(run.world_.now_ + 20'000);
      run.ExpectKeys();
    }
  }
}

}  // namespace
}  // namespace keymast::receiver::library
