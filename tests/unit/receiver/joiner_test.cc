// SPDX-License-Identifier: Apache-2.0
// When a receiver joins, and when it does so again.
#include "receiver/joiner.h"

#include <set>

#include "tests/unit/receiver/join_world.h"

namespace keymast::receiver {
namespace {

using std::chrono::seconds;

constexpr KeyNumber kMissed{3};

struct Joining : testing::TestWithParam<std::string>, JoinWorld {
  Joining() : JoinWorld(ModesNow()) {}
  static std::string ModesNow() {
    const bool is_modes = testing::UnitTest::GetInstance()->current_test_info()->value_param();
    return is_modes ? GetParam() : "psk";
  }
};

INSTANTIATE_TEST_SUITE_P(Modes, Joining, testing::Values("psk", "dhhmac", "early-dhhmac", "all"));

TEST_P(Joining, KeysComeOnce) {
  EXPECT_LE(joiner->deadline(), now) << "it begins at once";
  EXPECT_EQ(Join(), 1);
  EXPECT_TRUE(joiner->is_joined());
  EXPECT_EQ(joiner->deadline(), kNever);
  // The group of the test has no MSK messages.
  EXPECT_FALSE(joiner->takes_msk_messages());
}

TEST_F(Joining, WithoutAnAnswerItTriesAgainEverMoreSlowly) {
  Duration before{};
  for (int round = 0; round < 3; ++round) {
    int sent = 0;
    while (true) {
      now = std::max(now, joiner->deadline());
      sent += Tick().empty() ? 0 : 1;
      if (step.has_failed) break;
    }
    EXPECT_EQ(sent, 4);
    const Duration pause = joiner->deadline() - now;
    EXPECT_GT(pause, before);
    before = pause;
  }
}

TEST_F(Joining, ARefusalEndsTheTryAlone) {
  others.entitled_ = false;
  EXPECT_EQ(Join(), 0);
  EXPECT_TRUE(step.has_failed);
  EXPECT_GT(joiner->deadline(), now);
  others.entitled_ = true;
  now = joiner->deadline();
  EXPECT_EQ(Join(), 1);
}

// MIKEYv2 §10: for longer than the repair window, at a random moment of one that doubles.
TEST_F(Joining, MissingKeysAreAskedForAfterTheWindow) {
  ASSERT_EQ(Join(), 1);
  const Duration window = std::chrono::milliseconds(others.window_ms_);
  Duration most{};
  for (int round = 0; round < 6; ++round) {
    joiner->Missing(kMissed, now, rng);
    now += window - Duration(1);
    joiner->Missing(kMissed, now, rng);
    EXPECT_EQ(joiner->deadline(), kNever);
    now += Duration(1);
    joiner->Missing(kMissed, now, rng);
    ASSERT_NE(joiner->deadline(), kNever);
    const Duration wait = joiner->deadline() - now;
    EXPECT_LE(wait, window * (1 << std::min(round, 4)));
    most = std::max(most, wait);
    now = joiner->deadline();
    ASSERT_EQ(Join(), 1);
  }
  EXPECT_GT(most, window);
  // What opens again sets it back.
  joiner->Missing(kMissed, now, rng);
  now += window;
  joiner->Opened(kMissed, now);
  joiner->Missing(kMissed, now, rng);
  EXPECT_EQ(joiner->deadline(), kNever);
}

// In the time between: CAP of an early mode takes the value, or the finish.
TEST_P(Joining, ValuesMadeAheadServeOneJoinEach) {
  constexpr auto kGroup = crypto::DhGroup::kX25519;
  if (GetParam() == "psk") {
    EXPECT_FALSE(joiner->HasRoomAhead());
    EXPECT_FALSE(joiner->MakeAhead(rng));
    return;
  }
  std::set<std::string> values;
  for (int round = 0; round < 3; ++round) {
    while (joiner->MakeAhead(rng)) EXPECT_LE(joiner->MadeAhead(kGroup), 1U);
    EXPECT_EQ(joiner->MadeAhead(kGroup), 1U);
    EXPECT_FALSE(joiner->HasRoomAhead());
    const Bytes cap = Tick();
    const Bytes finish = Take(Ask(cap));
    Take(Ask(finish));
    EXPECT_EQ(joiner->MadeAhead(kGroup), 0U);
    EXPECT_TRUE(joiner->HasRoomAhead());
    for (const Bytes& sent : {cap, finish}) {
      mikey::Message message;
      ASSERT_TRUE(mikey::ParseMessage(sent, message));
      if (const auto* dh = message.Get<mikey::DhPayload>()) values.insert(ToHex(dh->value));
    }
    joiner->Missing(kMissed, now, rng);
    now += std::chrono::milliseconds(others.window_ms_);
    joiner->Missing(kMissed, now, rng);
    now = joiner->deadline();
  }
  EXPECT_EQ(values.size(), 3U);
  while (joiner->MakeAhead(rng)) continue;
  joiner->Leave(now);
  EXPECT_EQ(joiner->MadeAhead(kGroup), 0U) << "no join comes any more";
  EXPECT_FALSE(joiner->MakeAhead(rng));
}

// MIKEYv2 §11: a ticket is shown in modes with Diffie-Hellman, whatever others are joined by.
TEST_F(Joining, WhoHoldsATicketMakesValuesToo) {
  keeper.ticket.emplace();
  Start();
  EXPECT_TRUE(joiner->MakeAhead(rng));
}

// What cannot be kept is not taken, and is asked for again.
TEST_F(Joining, AJoinThatCannotBeKeptIsTriedAgain) {
  others.keys_t = 9;
  keeper.works = false;
  Duration before{};
  for (int round = 0; round < 2; ++round) {
    Take(Ask(Tick()));
    EXPECT_FALSE(step.has_keys);
    EXPECT_TRUE(step.is_refused);
    EXPECT_FALSE(joiner->is_joined());
    ASSERT_NE(joiner->deadline(), kNever);
    EXPECT_GT(joiner->deadline() - now, before);
    before = joiner->deadline() - now;
    now = joiner->deadline();
  }
  keeper.works = true;
  EXPECT_EQ(Join(), 1);
  EXPECT_TRUE(joiner->is_joined());
  EXPECT_EQ(keeper.ts.keys, 9U);
}

// MIKEYv2 §3.6.
TEST_F(Joining, FragmentsComeFromWhereItWroteTo) {
  const Endpoint server = *ParseEndpoint("192.0.2.10:2269");
  setup.server = server;
  Start();
  const Bytes fragment = {2, 251, 0, 0};
  const Bytes other = {2, 246, 0, 0};
  EXPECT_TRUE(joiner->CheckSource(fragment, server));
  for (const char* from : {"192.0.2.10:2270", "192.0.2.11:2269"}) {
    const Status checked = joiner->CheckSource(fragment, *ParseEndpoint(from));
    ASSERT_FALSE(checked) << from;
    EXPECT_EQ(checked.error(), Error::kWrongSource);
    EXPECT_TRUE(joiner->CheckSource(other, *ParseEndpoint(from))) << "its proof tells";
  }
  EXPECT_TRUE(joiner->CheckSource({}, server));
}

TEST(JoinModes, AreReadInOrder) {
  const auto modes = ParseJoinModes("psk,early-dhhmac");
  ASSERT_TRUE(modes);
  ASSERT_EQ(modes->size(), 2U);
  EXPECT_EQ((*modes)[0], 1);
  EXPECT_EQ((*modes)[1], 6);
  EXPECT_EQ(ParseJoinModes("all")->size(), 6U);
  for (const char* wrong : {"", "psk,", ",psk", "psk,psk", "dsa", "PSK", "all,psk"}) {
    EXPECT_FALSE(ParseJoinModes(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace keymast::receiver
