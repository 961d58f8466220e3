// SPDX-License-Identifier: Apache-2.0
// The parts that need no keys: deadlines, deliveries, pacing, the limit of failures.
#include <gtest/gtest.h>

#include <set>

#include "base/rate.h"
#include "controller/deadlines.h"
#include "controller/delivery.h"
#include "controller/pacer.h"

namespace keymast::controller {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart = Instant(seconds(1'800'000'000));

struct Owner {
  Instant deadline = kNever;
};

struct DeadlinesTest : testing::Test {
  Owner a;
  Owner b;
  Deadlines<Owner> deadlines;
};

TEST_F(DeadlinesTest, ComeInOrderAndOnce) {
  EXPECT_EQ(deadlines.Next(), kNever);
  deadlines.Set(a, kStart + seconds(2));
  deadlines.Set(b, kStart + seconds(1));
  deadlines.Set(a, kStart + seconds(3));
  deadlines.Set(a, kStart + seconds(2));
  EXPECT_EQ(deadlines.Next(), kStart + seconds(1));
  EXPECT_EQ(&deadlines.Pop(), &b);
  EXPECT_EQ(&deadlines.Pop(), &a);
  EXPECT_EQ(deadlines.Next(), kNever);
}

TEST_F(DeadlinesTest, MayBePutOffAndTakenAway) {
  deadlines.Set(a, kStart);
  deadlines.Set(a, kStart + seconds(5));
  EXPECT_EQ(deadlines.Next(), kStart + seconds(5));
  deadlines.Set(a, kNever);
  EXPECT_EQ(deadlines.Next(), kNever);
  deadlines.Set(b, kStart);
  deadlines.Remove(b);
  EXPECT_EQ(deadlines.Next(), kNever);
}

TEST_F(DeadlinesTest, ARemovedOwnerLeavesNothingBehind) {
  Owner gone;
  deadlines.Set(a, kStart + seconds(3));
  deadlines.Set(gone, kStart + seconds(1));
  deadlines.Set(gone, kStart + seconds(2));
  deadlines.Remove(gone);
  EXPECT_EQ(deadlines.Next(), kStart + seconds(3));
  EXPECT_EQ(&deadlines.Pop(), &a);
  EXPECT_EQ(deadlines.Next(), kNever);
}

TEST_F(DeadlinesTest, TiesGoInTheOrderTheyWereSet) {
  deadlines.Set(b, kStart);
  deadlines.Set(a, kStart);
  EXPECT_EQ(&deadlines.Pop(), &b);
  EXPECT_EQ(&deadlines.Pop(), &a);
}

TEST_F(DeadlinesTest, TheEarliestAreVisited) {
  std::vector<Owner> owners(20);
  const Instant early = kStart + seconds(1);
  const Instant late = kStart + seconds(2);
  for (size_t i = 0; i < owners.size(); ++i) deadlines.Set(owners[i], i % 3 == 0 ? early : late);
  deadlines.Set(owners[0], late);  // leaves an entry behind
  std::set<const Owner*> visited;
  const auto visit = [&](Owner& owner) { visited.insert(&owner); };
  deadlines.VisitNext(owners.size(), visit);
  EXPECT_EQ(visited, (std::set<const Owner*>{&owners[3], &owners[6], &owners[9], &owners[12],
                                             &owners[15], &owners[18]}));
  visited.clear();
  deadlines.VisitNext(2, visit);
  EXPECT_EQ(visited.size(), 2u);
  deadlines.Clear();
  deadlines.VisitNext(2, visit);
  EXPECT_EQ(visited.size(), 2u);
}

struct Delivering : testing::Test {
  // Drain sends to everyone who is ready and lists them.
  std::vector<SubscriberId> Drain(Instant now, uint32_t counter = 1) {
    std::vector<SubscriberId> sent;
    delivery.Wake(now, seconds(8), given_up);
    while (const SubscriberId* ready = delivery.Ready()) {
      sent.push_back(*ready);
      delivery.Sent(now, seconds(8), counter);
    }
    return sent;
  }
  Delivery delivery{MskId{KeyGroup(1), KeyNumber(1)}, true};
  std::vector<SubscriberId> given_up;
  const SubscriberId one{"one"};
  const SubscriberId two{"two"};
};

TEST_F(Delivering, SendsInTheOrderAdded) {
  delivery.Add(one);
  delivery.Add(two);
  EXPECT_EQ(Drain(kStart), (std::vector{one, two}));
  EXPECT_TRUE(Drain(kStart + milliseconds(499)).empty());
  EXPECT_EQ(Drain(kStart + milliseconds(500)), (std::vector{one, two}));
}

TEST_F(Delivering, FirstMessagesGoBeforeRepetitions) {
  delivery.Add(one);
  Drain(kStart);
  delivery.Add(two);
  EXPECT_EQ(Drain(kStart + milliseconds(500)), (std::vector{two, one}));
}

TEST_F(Delivering, WhoConfirmedIsForgotten) {
  delivery.Add(one);
  Drain(kStart);
  EXPECT_TRUE(delivery.Remove(one));
  EXPECT_FALSE(delivery.Remove(one));
  EXPECT_EQ(delivery.NextDue(), kNever);
  EXPECT_EQ(delivery.size(), 0U);
}

TEST_F(Delivering, AReusedSlotIsNotTheOldMember) {
  delivery.Add(one);
  Drain(kStart);
  delivery.Remove(one);
  delivery.Add(two);
  Drain(kStart + milliseconds(300));
  EXPECT_TRUE(Drain(kStart + milliseconds(500)).empty());
  EXPECT_EQ(Drain(kStart + milliseconds(800)), (std::vector{two}));
}

TEST_F(Delivering, KeepsTheCountersOfTheRound) {
  delivery.Add(one);
  Drain(kStart, 10);
  Drain(kStart + milliseconds(500), 11);
  EXPECT_TRUE(delivery.IsPending(one, 10));
  EXPECT_TRUE(delivery.IsPending(one, 11));
  EXPECT_FALSE(delivery.IsPending(one, 12));
  EXPECT_FALSE(delivery.IsPending(one, 0));
  EXPECT_FALSE(delivery.IsPending(two, 10));
}

TEST_F(Delivering, AShortGiveUpTimeCutsTheRoundShort) {
  delivery.Add(one);
  std::vector<int64_t> sent_at;
  for (Instant now = kStart; now < kStart + seconds(30); now += milliseconds(100)) {
    delivery.Wake(now, seconds(2), given_up);
    if (delivery.Ready() == nullptr) continue;
    delivery.Sent(now, seconds(2), 1);
    sent_at.push_back((now - kStart) / milliseconds(1));
  }
  EXPECT_EQ(sent_at, (std::vector<int64_t>{0, 500, 1500, 12000, 22000}));
  EXPECT_EQ(given_up, std::vector{one});
  EXPECT_TRUE(delivery.IsUnreachable(one));
}

TEST_F(Delivering, HoldsAHundredThousand) {
  for (int i = 0; i < 100'000; ++i) delivery.Add(SubscriberId("s" + std::to_string(i)));
  EXPECT_EQ(Drain(kStart).size(), 100'000U);
  for (int i = 0; i < 100'000; ++i) delivery.Remove(SubscriberId("s" + std::to_string(i)));
  EXPECT_EQ(delivery.size(), 0U);
  EXPECT_TRUE(Drain(kStart + seconds(1)).empty());
}

TEST(PacerRate, IsKeptOverASecondWhateverTheTicks) {
  for (const uint32_t rate : {1U, 7U, 100U, 999U, 50'000U}) {
    for (const int tick : {1, 3, 17}) {
      Pacer pacer;
      uint32_t taken = 0;
      for (int ms = 0; ms < 2000; ms += tick) {
        while (pacer.Take(kStart + milliseconds(ms), rate)) ++taken;
      }
      EXPECT_LE(taken, 2 * rate + 1);
      EXPECT_GE(taken + taken / 50 + 1, 2 * rate * 98 / 100);
    }
  }
}

TEST(PacerRate, IdleTimeEarnsNoCredit) {
  Pacer pacer;
  while (pacer.Take(kStart, 1000)) {
  }
  pacer.Rest();
  uint32_t taken = 0;
  while (pacer.Take(kStart + seconds(60), 1000)) ++taken;
  EXPECT_LE(taken, 1U);
}

TEST(PacerRate, NextIsWhenTheNextMayGo) {
  Pacer pacer;
  Instant now = kStart;
  for (int i = 0; i < 50; ++i) {
    while (pacer.Take(now, 300)) {
    }
    const Instant next = pacer.Next(300);
    EXPECT_GT(next, now);
    EXPECT_FALSE(pacer.Take(next - Duration(1), 300));
    EXPECT_TRUE(pacer.Take(next, 300));
    now = next;
  }
}

TEST(Failures, AreLimitedAndForgiven) {
  constexpr Rate kRate{8, milliseconds(250)};
  Bucket limit;
  int allowed = 0;
  for (; allowed < 100 && limit.Allows(kRate, kStart); ++allowed) limit.Count(kRate, kStart);
  EXPECT_EQ(allowed, 8);
  EXPECT_FALSE(limit.Allows(kRate, kStart + milliseconds(249)));
  EXPECT_TRUE(limit.Allows(kRate, kStart + milliseconds(250)));
}

}  // namespace
}  // namespace keymast::controller
