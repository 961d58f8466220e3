// SPDX-License-Identifier: Apache-2.0
// Replay cache, clocks and counters (RFC 3830 §5.4).
#include <random>
#include <set>

#include "tests/unit/mikey/v1_world.h"

namespace keymast::mikey {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

ReplayCache::Digest DigestOf(uint8_t number) {
  return ReplayCache::DigestOf(crypto::DefaultSuite(), {&number, 1});
}

const Instant kStart = kNow;
const Instant kOpen = kStart + 2 * kSkew;

TEST(ReplayCache, TakesEachMessageOnce) {
  ReplayCache cache(10, kSkew, kStart);
  const NtpTime time = ToNtp(kOpen);
  EXPECT_TRUE(cache.Check(time, DigestOf(1), kOpen));
  cache.Add(time, DigestOf(1), kOpen);
  EXPECT_EQ(cache.Check(time, DigestOf(1), kOpen).error(), Error::kReplayed);
  EXPECT_TRUE(cache.Check(time, DigestOf(2), kOpen)) << "another message of the same time";
  EXPECT_TRUE(cache.Check(time + 1, DigestOf(1), kOpen));
}

TEST(ReplayCache, AfterALossNothingIsTakenForAWindow) {
  const ReplayCache cache(10, kSkew, kStart);
  for (const Duration since : {seconds(0), seconds(299)}) {
    for (const Duration off : {-kSkew, Duration(0), kSkew}) {
      EXPECT_EQ(cache.Check(ToNtp(kStart + since + off), DigestOf(1), kStart + since).error(),
                Error::kOutsideInterval);
    }
  }
  const Instant after = kStart + kSkew + seconds(1);
  EXPECT_TRUE(cache.Check(ToNtp(after), DigestOf(1), after));
  // A sender whose clock is ahead may have used this time before the loss.
  EXPECT_EQ(cache.Check(ToNtp(kStart + kSkew), DigestOf(1), after).error(),
            Error::kOutsideInterval);
}

TEST(ReplayCache, WhenFullTheWindowShrinks) {
  ReplayCache cache(3, kSkew, kStart);
  for (uint8_t i = 0; i < 4; ++i) cache.Add(ToNtp(kOpen + seconds(i)), DigestOf(i), kOpen);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.Check(ToNtp(kOpen), DigestOf(0), kOpen).error(), Error::kOutsideInterval);
  EXPECT_EQ(cache.Check(ToNtp(kOpen), DigestOf(9), kOpen).error(), Error::kOutsideInterval);
  for (uint8_t i = 1; i < 4; ++i) {
    EXPECT_EQ(cache.Check(ToNtp(kOpen + seconds(i)), DigestOf(i), kOpen).error(), Error::kReplayed);
  }
  EXPECT_TRUE(cache.Check(ToNtp(kOpen + seconds(1)), DigestOf(9), kOpen));
}

TEST(ReplayCache, WhatTheSkewRefusesIsForgotten) {
  ReplayCache cache(100, kSkew, kStart);
  for (int i = 0; i < 1000; ++i) {
    const Instant now = kOpen + seconds(10 * i);
    ASSERT_TRUE(cache.Check(ToNtp(now), DigestOf(1), now)) << i;
    cache.Add(ToNtp(now), DigestOf(1), now);
  }
  EXPECT_LE(cache.size(), 32u);
}

// Whatever comes in whatever order, nothing is taken twice.
TEST(ReplayCache, RandomTrafficIsTakenOnce) {
  std::mt19937_64 random(3);
  ReplayCache cache(20, kSkew, kStart);
  std::set<std::pair<NtpTime, uint8_t>> taken;
  Instant now = kStart;
  for (int i = 0; i < 20000; ++i) {
    now += Duration(random() % 2'000'000'000);
    const auto off = Duration(static_cast<int64_t>(random() % 1300) - 650) * 1'000'000'000;
    const NtpTime time =
        ToNtp(Instant((now + off).time_since_epoch() / 10'000'000'000 * 10'000'000'000));
    const auto number = static_cast<uint8_t>(random() % 4);
    if (!cache.Check(time, DigestOf(number), now)) continue;
    ASSERT_TRUE(taken.insert({time, number}).second);
    cache.Add(time, DigestOf(number), now);
  }
  EXPECT_GT(taken.size(), 500u);
}

TEST(Timestamp, NtpCountsFrom1900AndWrapsIn2036) {
  EXPECT_EQ(ToNtp(FromUnixNanos(0)), uint64_t{2208988800} << 32);
  EXPECT_EQ(ToNtp(FromUnixNanos(500'000'000)), (uint64_t{2208988800} << 32) + (1u << 31));
  EXPECT_EQ(ToNtp(FromUnixNanos(-500'000'000)), (uint64_t{2208988799} << 32) + (1u << 31));
  const Instant wrap = FromUnixNanos(2085978496LL * 1'000'000'000);
  EXPECT_EQ(ToNtp(wrap), 0u);
  EXPECT_TRUE(IsWithin(ToNtp(wrap - seconds(1)), wrap + seconds(1), seconds(2)));
  EXPECT_TRUE(IsWithin(ToNtp(wrap + seconds(1)), wrap - seconds(1), seconds(2)));
  EXPECT_FALSE(IsWithin(ToNtp(wrap - seconds(2)), wrap + seconds(1), seconds(2)));
}

TEST(Timestamp, OfEveryType) {
  const NtpTime time = ToNtp(kNow + Duration(123456789));
  EXPECT_EQ(Timestamp::OfTime(TsType::kNtpUtc, time).Time(), time);
  EXPECT_EQ(Timestamp::OfTime(TsType::kNtp, time).view().size(), 8u);
  const Timestamp coarse = Timestamp::OfTime(TsType::kNtpUtc32, time);
  EXPECT_EQ(coarse.Time(), time >> 32 << 32);
  EXPECT_EQ(coarse.view().size(), 4u);
  EXPECT_EQ(Timestamp::OfCounter(7).Counter(), 7u);
  for (const Timestamp& stamp : {coarse, Timestamp::OfCounter(7)}) {
    Timestamp read;
    ASSERT_TRUE(Timestamp::From(stamp.Payload(), read));
    EXPECT_EQ(ToHex(read.view()), ToHex(stamp.view()));
  }
}

TEST(Stamper, NoTwoMessagesHaveOneTimestamp) {
  for (const TsType type : {TsType::kNtpUtc, TsType::kNtp, TsType::kNtpUtc32}) {
    Stamper stamper;
    std::set<NtpTime> seen;
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(seen.insert(stamper.Next(type, kNow - seconds(i % 3)).Time()).second);
    }
  }
}

TEST(Counters, CountUpForEachPeer) {
  World world;
  Offer offer = world.OfferOf(Mode::kPsk);
  for (const uint32_t counter : {5u, 6u, 100u}) {
    offer.counter = counter;
    world.bob.others.sessions_.clear();
    const Bytes first = world.Start(Mode::kPsk, offer);
    const Bytes answer = world.ToBob(first);
    ASSERT_TRUE(world.status);
    EXPECT_TRUE(world.initiator.Receive(answer, kNow));
    world.ToBob(first);
    EXPECT_EQ(world.status.error(), Error::kReplayed);
  }
  for (const uint32_t counter : {0u, 99u, 100u}) {
    offer.counter = counter;
    world.ToBob(world.Start(Mode::kPsk, offer));
    EXPECT_EQ(world.status.error(), Error::kReplayed) << counter;
  }
}

TEST(Counters, AreNotTakenBeforeTheProof) {
  World world;
  Offer offer = world.OfferOf(Mode::kPsk);
  offer.counter = 50;
  Bytes forged = world.Start(Mode::kPsk, offer);
  forged.back() ^= 1;
  world.ToBob(forged);
  EXPECT_EQ(world.status.error(), Error::kAuthenticationFailed);
  EXPECT_TRUE(world.bob.others.counters_.empty());
  EXPECT_EQ(world.bob.cache.size(), 0u);
}

TEST(Counters, NeedASharedKey) {
  World world;
  for (const Mode mode : {Mode::kPk, Mode::kDh, Mode::kRsar}) {
    Offer offer = world.OfferOf(mode);
    offer.counter = 5;
    world.ToBob(world.Start(mode, offer));
    EXPECT_EQ(world.status.error(), Error::kUnsupportedAlgorithm);
  }
}

}  // namespace
}  // namespace keymast::mikey
