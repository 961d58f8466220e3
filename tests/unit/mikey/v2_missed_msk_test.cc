// SPDX-License-Identifier: Apache-2.0
// What an MSK that is told of, and packets that open, do to when a member asks (MIKEYv2 §10).
#include "mikey/v2/missed_msk.h"

#include <gtest/gtest.h>

namespace keymast::mikey::v2 {
namespace {

using std::chrono::milliseconds;

constexpr KeyNumber kOld{11};
constexpr KeyNumber kMissed{12};
constexpr KeyNumber kNext{13};
constexpr Duration kWindow = milliseconds(2000);
constexpr Duration kShort = milliseconds(100);
using Effect = MissedMsk::Effect;

class Missed : public testing::Test {
 protected:
  bool Told(KeyNumber msk = kMissed) { return missed.Told(msk, now, kWindow); }
  Effect Opened(KeyNumber msk) { return missed.Opened(msk, now, kWindow); }

  MissedMsk missed;
  const Instant begin = FromUnixNanos(1'800'000'000'000'000'000);
  Instant now = begin;
};

TEST_F(Missed, CountsWhenItWasToldForLongerThanTheWindow) {
  EXPECT_FALSE(missed.is_told());
  EXPECT_FALSE(Told());
  EXPECT_TRUE(missed.is_told());
  now += kWindow - Duration(1);
  EXPECT_FALSE(Told());
  now += Duration(1);
  EXPECT_TRUE(Told());
  missed.Cured();
  EXPECT_FALSE(Told());
}

TEST_F(Missed, IsCuredByAPacketUnderItOrANewerOne) {
  for (const KeyNumber msk : {kMissed, kNext}) {
    Told();
    EXPECT_EQ(Opened(msk), Effect::kCures);
    EXPECT_FALSE(missed.is_told());
  }
  Told();
  Told(kNext);
  Told();
  EXPECT_NE(Opened(kMissed), Effect::kCures) << "the newest that was told of is not there";
}

TEST_F(Missed, NothingIsMissedWithoutBeingTold) { EXPECT_EQ(Opened(kOld), Effect::kCures); }

// A change of MSK: packets under the one before are late.
TEST_F(Missed, APacketUnderAnOlderOneBeginsTheWindowAnew) {
  Told();
  now += kShort;
  EXPECT_EQ(Opened(kOld), Effect::kDefers);
  now += kWindow - Duration(1);
  EXPECT_FALSE(Told());
  now += Duration(1);
  EXPECT_TRUE(Told());
}

// What is played again keeps nobody from asking, what is forged makes nobody ask at once.
TEST_F(Missed, ItIsDeferredToTheLongestWindowAtMost) {
  while (!Told()) {
    now += kShort;
    if (now - begin < 16 * kWindow) {
      EXPECT_EQ(Opened(kOld), Effect::kDefers);
    }
  }
  EXPECT_EQ(now - begin, 16 * kWindow);
  EXPECT_EQ(Opened(kOld), Effect::kNone);
  now += kShort;
  EXPECT_TRUE(Told());
  EXPECT_EQ(Opened(kMissed), Effect::kCures);
}

TEST_F(Missed, AStrayPacketIsForgotten) {
  Told(KeyNumber(999));
  now += 16 * kWindow + Duration(1);
  EXPECT_FALSE(Told()) << "two are no run";
  EXPECT_EQ(Opened(kMissed), Effect::kCures);
}

}  // namespace
}  // namespace keymast::mikey::v2
