// SPDX-License-Identifier: Apache-2.0
#include "net/lossy.h"

#include "tests/unit/net/sockets.h"

namespace keymast::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Endpoint kFrom = *ParseEndpoint("10.0.0.1:1");
const Endpoint kGroup = *ParseEndpoint("239.0.0.1:2");
constexpr Instant kStart = Instant(seconds(1'800'000'000));

// Sends numbered datagrams, 10 ms apart, and notes which arrive.
struct Sending {
  Sending(uint64_t seed, const LossyNet::Conditions& conditions, uint32_t count, int receivers = 1)
      : net(seed, conditions), got(static_cast<size_t>(receivers)) {
    for (auto& numbers : got) {
      net.Attach(kGroup, [&](const Endpoint& from, const Endpoint& to, ByteView octets, Instant) {
        EXPECT_EQ(from, kFrom);
        EXPECT_EQ(to, kGroup);
        numbers.push_back(NumberOf(octets));
      });
    }
    for (uint32_t i = 0; i < count; ++i) {
      const Instant now = kStart + i * milliseconds(10);
      net.DeliverUntil(now);
      net.Send(kFrom, kGroup, Numbered(i), now);
    }
    net.DeliverUntil(kStart + seconds(1'000'000));
  }
  LossyNet net;
  std::vector<std::vector<uint32_t>> got;
};

TEST(LossyNet, FairWeatherDeliversAllInOrder) {
  const Sending run(1, {}, 1000, 2);
  for (const auto& numbers : run.got) {
    ASSERT_EQ(numbers.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
  EXPECT_EQ(run.net.NextArrival(), kNever);
}

TEST(LossyNet, ArrivesAfterTheDelayAndNotBefore) {
  LossyNet net(1, {.delay = milliseconds(7)});
  int arrived = 0;
  net.Attach(kGroup, [&](const Endpoint&, const Endpoint&, ByteView, Instant at) {
    EXPECT_EQ(at, kStart + milliseconds(7));
    ++arrived;
  });
  net.Send(kFrom, kGroup, Numbered(1), kStart);
  net.Send(kFrom, kFrom, Numbered(2), kStart);  // nobody is there
  EXPECT_EQ(net.NextArrival(), kStart + milliseconds(7));
  net.DeliverUntil(kStart + milliseconds(7) - Duration(1));
  EXPECT_EQ(arrived, 0);
  net.DeliverUntil(kStart + milliseconds(7));
  EXPECT_EQ(arrived, 1);
}

TEST(LossyNet, RatesAreKept) {
  const Sending run(2, {.loss = 0.3, .duplication = 0.05, .reordering = 0.25}, 20'000);
  const LossyNet::Counters& counters = run.net.counters();
  EXPECT_NEAR(static_cast<double>(counters.lost), 0.3 * 20'000, 300);
  EXPECT_NEAR(static_cast<double>(counters.doubled), 0.05 * 14'000, 100);
  EXPECT_NEAR(static_cast<double>(counters.held_back), 0.25 * 14'700, 300);
  EXPECT_EQ(counters.delivered, counters.sent - counters.lost + counters.doubled);
  EXPECT_FALSE(std::is_sorted(run.got[0].begin(), run.got[0].end()));
}

TEST(LossyNet, EachReceiverHasItsOwnFate) {
  const Sending run(3, {.loss = 0.5}, 100, 2);
  EXPECT_NE(run.got[0], run.got[1]);
}

TEST(LossyNet, OneSeedIsOneFate) {
  const LossyNet::Conditions conditions{.loss = 0.3, .duplication = 0.05, .reordering = 0.25};
  const Sending first(4, conditions, 1000);
  const Sending again(4, conditions, 1000);
  const Sending other(5, conditions, 1000);
  EXPECT_EQ(first.got, again.got);
  EXPECT_EQ(first.net.EventHash(), again.net.EventHash());
  EXPECT_NE(first.net.EventHash(), other.net.EventHash());
}

}  // namespace
}  // namespace keymast::net
