// SPDX-License-Identifier: Apache-2.0
// The MIKEY port: one message is believed, everything else is counted and changes nothing.
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

struct Port : testing::Test {
  Port() {
    world.MakeChannel();
    world.AddMembers(1, 2, false);
    world.members.at(1).answers = false;
    world.Do(Join{kNews, IdOf(1)});
    answer = world.members.at(1).last_answer();
  }
  // Discarded hands `octets` in and expects that nothing comes of it but a count.
  void Discarded(ByteView octets, Error reason) {
    const uint64_t before = CountOf(reason);
    const Instant deadline = world.core->NextDeadline();
    const Step step = world.core->OnDatagram(EndpointOf(1), octets, world.now);
    EXPECT_TRUE(step.changes.empty() && step.datagrams.empty() && step.events.empty());
    EXPECT_EQ(CountOf(reason), before + 1) << ErrorName(reason);
    EXPECT_EQ(world.core->NextDeadline(), deadline);
    EXPECT_EQ(world.core->ConfirmedCount(kNews), 0U);
  }
  uint64_t CountOf(Error reason) const {
    return world.core->counters().discards[static_cast<size_t>(reason)];
  }
  uint64_t Discards() const {
    uint64_t sum = 0;
    for (const uint64_t count : world.core->counters().discards) sum += count;
    return sum;
  }
  World world;
  Bytes answer;
};

TEST_F(Port, TheAnswerConfirms) {
  const Step step = world.core->OnDatagram(EndpointOf(1), answer, world.now);
  ASSERT_EQ(step.changes.size(), 1U);
  EXPECT_EQ(std::get<rekey::MemberConfirmed>(step.changes[0]).msk, MskNo(1));
  ASSERT_EQ(step.events.size(), 1U);
  EXPECT_EQ(step.events[0].resource, "channels/news/members/s1");
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 1U);
}

TEST_F(Port, TheAnswerCountsOnce) {
  world.core->OnDatagram(EndpointOf(1), answer, world.now);
  const Step again = world.core->OnDatagram(EndpointOf(1), answer, world.now);
  EXPECT_TRUE(again.changes.empty());
  EXPECT_EQ(CountOf(Error::kUnexpected), 1U);
}

// Who reads would be told of a confirmation that a restart does not know.
TEST_F(Port, AnAnswerThatCannotBeKeptConfirmsNothing) {
  world.core->Freeze(true, world.now);
  const Step step = world.core->OnDatagram(EndpointOf(1), answer, world.now);
  EXPECT_TRUE(step.changes.empty() && step.events.empty());
  EXPECT_EQ(CountOf(Error::kStoreClosed), 1U);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 0U);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kPending);
  Bytes flipped = answer;
  flipped.back() ^= 1U;
  world.core->OnDatagram(EndpointOf(1), flipped, world.now);
  EXPECT_EQ(CountOf(Error::kAuthenticationFailed), 1U);
  world.core->Freeze(false, world.now);
  EXPECT_EQ(world.core->OnDatagram(EndpointOf(1), answer, world.now).changes.size(), 1U);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 1U);
}

TEST_F(Port, EveryTruncationIsDiscarded) {
  for (size_t size = 0; size < answer.size(); ++size) {
    world.core->OnDatagram(EndpointOf(1), ByteView(answer).first(size), world.now);
  }
  EXPECT_EQ(Discards(), answer.size());
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 0U);
}

TEST_F(Port, EveryFlippedBitIsDiscarded) {
  for (size_t bit = 0; bit < answer.size() * 8; ++bit) {
    Bytes flipped = answer;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));
    const Step step = world.core->OnDatagram(EndpointOf(1), flipped, world.now);
    ASSERT_TRUE(step.changes.empty() && step.datagrams.empty()) << bit;
    world.now += milliseconds(300);  // so that the limit of failures does not hide the MAC
  }
  EXPECT_EQ(Discards(), answer.size() * 8);
  EXPECT_GT(CountOf(Error::kAuthenticationFailed), answer.size());
}

TEST_F(Port, ReasonsAreTold) {
  Bytes longer = answer;
  longer.push_back(0);
  Discarded(Bytes(700), Error::kTooLong);
  Discarded(Bytes(3), Error::kTruncated);
  for (const Sent& sent : world.sent) Discarded(sent.octets, Error::kUnexpected);
  world.Do(Leave{kNews, IdOf(1)});
  Discarded(answer, Error::kUnexpected);
}

TEST_F(Port, AnAnswerOfAnotherBundleIsDiscarded) {
  answer[7] ^= 1;  // the last octet of the CSB ID (RFC 3830 §6.1)
  Discarded(answer, Error::kWrongCsb);
}

TEST_F(Port, AnAnswerToAnEarlierRoundIsReplayed) {
  world.Pass(seconds(70));
  Discarded(answer, Error::kReplayed);
}

TEST_F(Port, AStrangersAnswerIsDiscarded) {
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  Discarded(answer, Error::kUnknownIdentity);
}

TEST_F(Port, WrongMacsInOnesNameAreLimited) {
  Bytes forged = answer;
  forged.back() = static_cast<uint8_t>(forged.back() ^ 1);
  for (int i = 0; i < 8; ++i) Discarded(forged, Error::kAuthenticationFailed);
  for (int i = 0; i < 50; ++i) Discarded(forged, Error::kRateLimited);
  world.now += seconds(1);
  world.Deliver(world.core->OnDatagram(EndpointOf(1), answer, world.now));
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 1U);
}

TEST_F(Port, NoiseIsCountedAndChangesNothing) {
  crypto::SeededRng noise(77);
  const size_t changes = world.changes.size();
  for (int i = 0; i < 3000; ++i) {
    std::array<uint8_t, 2> shape{};
    noise.Fill(shape);
    Bytes octets = i % 2 == 0 ? answer : Bytes(shape[0]);
    if (i % 2 == 0) {
      octets[shape[0] % octets.size()] ^= static_cast<uint8_t>(shape[1] | 1);
    } else {
      noise.Fill(octets);
    }
    world.Deliver(world.core->OnDatagram(EndpointOf(1), octets, world.now));
  }
  EXPECT_EQ(Discards(), 3000U);
  EXPECT_EQ(world.changes.size(), changes);
}

}  // namespace
}  // namespace keymast::controller
