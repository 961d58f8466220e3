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
const ByteView kPeer = AsBytes("peer");

TEST(ReplayCache, TakesEachMessageOnce) {
  ReplayCache cache(10, kSkew, kStart);
  const NtpTime time = ToNtp(kOpen);
  EXPECT_TRUE(cache.CheckTime(kPeer, time, kOpen));
  EXPECT_FALSE(cache.Has(kPeer, time, DigestOf(1)));
  cache.Add(kPeer, time, DigestOf(1), kOpen);
  EXPECT_TRUE(cache.Has(kPeer, time, DigestOf(1)));
  EXPECT_FALSE(cache.Has(kPeer, time, DigestOf(2))) << "another message of the same time";
  EXPECT_FALSE(cache.Has(kPeer, time + 1, DigestOf(1)));
}

TEST(ReplayCache, AfterALossNothingIsTakenForAWindow) {
  const ReplayCache cache(10, kSkew, kStart);
  for (const Duration since : {seconds(0), seconds(299)}) {
    for (const Duration off : {-kSkew, Duration(0), kSkew}) {
      EXPECT_EQ(cache.CheckTime(kPeer, ToNtp(kStart + since + off), kStart + since).error(),
                Error::kOutsideInterval);
    }
  }
  const Instant after = kStart + kSkew + seconds(1);
  EXPECT_TRUE(cache.CheckTime(kPeer, ToNtp(after), after));
  // A sender whose clock is ahead may have used this time before the loss.
  EXPECT_EQ(cache.CheckTime(kPeer, ToNtp(kStart + kSkew), after).error(), Error::kOutsideInterval);
}

TEST(ReplayCache, WhenFullTheWindowShrinks) {
  ReplayCache cache(3, kSkew, kStart);
  for (uint8_t i = 0; i < 4; ++i) cache.Add(kPeer, ToNtp(kOpen + seconds(i)), DigestOf(i), kOpen);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.CheckTime(kPeer, ToNtp(kOpen), kOpen).error(), Error::kOutsideInterval);
  for (uint8_t i = 1; i < 4; ++i) {
    EXPECT_TRUE(cache.CheckTime(kPeer, ToNtp(kOpen + seconds(i)), kOpen));
    EXPECT_TRUE(cache.Has(kPeer, ToNtp(kOpen + seconds(i)), DigestOf(i)));
  }
}

TEST(ReplayCache, WhoFillsItLosesAWindowAndNobodyElse) {
  ReplayCache cache(8, kSkew, kStart);
  const ByteView quiet = AsBytes("quiet");
  cache.Add(quiet, ToNtp(kOpen), DigestOf(1), kOpen);
  // As far ahead as the skew allows: these stay longest.
  for (uint8_t i = 0; i < 100; ++i) {
    cache.Add(kPeer, ToNtp(kOpen + kSkew) - 1000 + i, DigestOf(i), kOpen);
  }
  EXPECT_EQ(cache.size(), 8u);
  EXPECT_EQ(cache.CheckTime(kPeer, ToNtp(kOpen), kOpen).error(), Error::kOutsideInterval);
  EXPECT_TRUE(cache.CheckTime(quiet, ToNtp(kOpen), kOpen));
  EXPECT_TRUE(cache.Has(quiet, ToNtp(kOpen), DigestOf(1)));
  EXPECT_TRUE(cache.CheckTime(AsBytes("new"), ToNtp(kOpen - seconds(60)), kOpen));
}

TEST(ReplayCache, WhatTheSkewRefusesIsForgotten) {
  ReplayCache cache(40, kSkew, kStart);
  for (int i = 0; i < 1000; ++i) {
    const Instant now = kOpen + seconds(10 * i);
    ASSERT_TRUE(cache.CheckTime(kPeer, ToNtp(now), now)) << i;
    ASSERT_TRUE(cache.CheckTime(kPeer, ToNtp(now - seconds(200)), now)) << "nothing was evicted";
    cache.Add(kPeer, ToNtp(now), DigestOf(1), now);
  }
  EXPECT_LE(cache.size(), 40u);
}

// Whatever comes in whatever order, nothing is taken twice.
TEST(ReplayCache, RandomTrafficIsTakenOnce) {
  std::mt19937_64 random(3);
  ReplayCache cache(20, kSkew, kStart);
  std::set<std::tuple<char, NtpTime, uint8_t>> taken;
  Instant now = kStart;
  for (int i = 0; i < 20000; ++i) {
    now += Duration(random() % 2'000'000'000);
    const auto off = static_cast<int64_t>(random() % 1300) - 650;
    const int64_t tenth = (now.time_since_epoch().count() / 1'000'000'000 + off) / 10 * 10;
    const NtpTime time = ToNtp(FromUnixNanos(tenth * 1'000'000'000));
    const auto number = static_cast<uint8_t>(random() % 4);
    const char name = static_cast<char>('a' + random() % 3);
    const ByteView peer = AsBytes({&name, 1});
    if (!cache.CheckTime(peer, time, now) || cache.Has(peer, time, DigestOf(number))) continue;
    ASSERT_TRUE(taken.insert({name, time, number}).second);
    cache.Add(peer, time, DigestOf(number), now);
    ASSERT_LE(cache.size(), 20u);
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
