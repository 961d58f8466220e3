// SPDX-License-Identifier: Apache-2.0
// Who keeps a place in a full cache of exchanges (MIKEYv2 §2, Retransmission).
#include "mikey/v2/exchange_cache.h"

#include <gtest/gtest.h>

#include "crypto/rng.h"

namespace keymast::mikey::v2 {
namespace {

using std::chrono::milliseconds;

constexpr size_t kCapacity = 8;

class CacheOfExchanges : public testing::Test {
 protected:
  // Rands of exchange `number`.
  static std::array<uint8_t, 32> RandOf(size_t number) {
    std::array<uint8_t, 32> rand{};
    rand[0] = static_cast<uint8_t>(number);
    rand[31] = 1;
    return rand;
  }
  Entry* Add(size_t number, bool address_proved, const std::string& address = {},
             const std::string& offerer = {}) {
    auto entry = std::make_unique<Entry>();
    entry->exchange.offerer = OwnedIdentity(Identity{IdType::kNai, AsBytes(offerer)});
    entry->exchange.csb_id = CsbId(static_cast<uint32_t>(number));
    entry->exchange.rand_i = Octets<kMaxRand>(RandOf(number));
    entry->exchange.rand_r = Octets<kMaxRand>(RandOf(number + 128));
    entry->exchange.th[0] = static_cast<uint8_t>(number);
    entry->address =
        Octets<kMaxAddress>(AsBytes(address.empty() ? std::to_string(number) : address));
    entry->address_proved = address_proved;
    entry->made = entry->sent = now_;
    now_ += milliseconds(1);
    return cache_.Add(std::move(entry), now_);
  }
  Entry* Find(size_t number) {
    return cache_.FindFinish(CsbId(static_cast<uint32_t>(number)), RandOf(number),
                             RandOf(number + 128), now_);
  }
  void Verify(size_t number) {
    Entry* entry = Find(number);
    ASSERT_NE(entry, nullptr);
    cache_.Verify(*entry);
    EXPECT_TRUE(entry->verified);
    entry->finished = now_;
  }

  crypto::SeededRng rng_{1};
  Instant now_ = FromUnixNanos(1'700'000'000'000'000'000);
  ExchangeCache cache_{kCapacity, rng_};
};

TEST_F(CacheOfExchanges, UnprovedAddressesGiveWayFirstAndTheOldestOfThem) {
  for (size_t i = 0; i < kCapacity; ++i) ASSERT_NE(Add(i, i % 2 == 0), nullptr);
  for (const size_t gone : {1U, 3U, 5U, 7U, 0U, 2U}) {
    ASSERT_NE(Find(gone), nullptr) << gone;
    ASSERT_NE(Add(20 + gone, true), nullptr);
    EXPECT_EQ(Find(gone), nullptr) << gone;
    EXPECT_EQ(cache_.size(), kCapacity);
  }
  EXPECT_NE(Find(4), nullptr);
}

TEST_F(CacheOfExchanges, WhatIsFinishedKeepsItsPlace) {
  for (size_t i = 0; i < kCapacity; ++i) ASSERT_NE(Add(i, false), nullptr);
  for (const size_t i : {3U, 0U, 7U, 1U, 2U, 6U, 4U}) Verify(i);
  ASSERT_NE(Add(20, false), nullptr);  // takes the place of the last one that is open
  EXPECT_EQ(Find(5), nullptr);
  Verify(20);
  EXPECT_EQ(Add(21, true), nullptr);
  for (const size_t i : {0U, 1U, 2U, 3U, 4U, 6U, 7U, 20U}) EXPECT_NE(Find(i), nullptr) << i;
}

TEST_F(CacheOfExchanges, AnAddressTakesItsOwnOldest) {
  ExchangeCache large(64, rng_);
  cache_ = std::move(large);
  for (size_t i = 0; i < ExchangeCache::kMaxOfAddress; ++i) {
    ASSERT_NE(Add(i, false, "flooder"), nullptr);
  }
  ASSERT_NE(Add(60, false), nullptr);
  Verify(0);
  ASSERT_NE(Add(61, false, "flooder"), nullptr);
  EXPECT_NE(Find(0), nullptr);
  EXPECT_EQ(Find(1), nullptr);
  EXPECT_NE(Find(60), nullptr);
}

// What is past is swept in the course of a few calls, wherever it stood in line.
TEST_F(CacheOfExchanges, WhatIsPastMakesRoom) {
  for (size_t i = 0; i < kCapacity; ++i) ASSERT_NE(Add(i, i % 2 == 0), nullptr);
  Verify(2);
  now_ += ExchangeCache::kIdle + milliseconds(1);
  for (size_t i = 0; i < kCapacity; ++i) EXPECT_EQ(Find(i), nullptr);
  EXPECT_EQ(cache_.size(), 0U);
  for (size_t i = 0; i < 2 * kCapacity; ++i) ASSERT_NE(Add(30 + i, true), nullptr);
  EXPECT_EQ(cache_.size(), kCapacity);
}

TEST_F(CacheOfExchanges, EntriesMayBeForgottenFromAmongOthers) {
  for (size_t i = 0; i < kCapacity; ++i) ASSERT_NE(Add(i, false), nullptr);
  Verify(6);
  EXPECT_EQ(cache_.RemoveIf([](const Entry& e) { return e.exchange.csb_id.value % 2 == 0; }), 4U);
  for (size_t i = 20; i < 24; ++i) ASSERT_NE(Add(i, false), nullptr);
  ASSERT_NE(Add(24, false), nullptr);
  EXPECT_EQ(Find(1), nullptr);
  EXPECT_NE(Find(3), nullptr);
}

TEST_F(CacheOfExchanges, AnIdentityIsLookedForAmongItsOwn) {
  ExchangeCache large(64, rng_);
  cache_ = std::move(large);
  for (size_t i = 0; i < 40; ++i) {
    ASSERT_NE(Add(i, i % 2 == 0, {}, i % 10 == 3 ? "anna" : "bob"), nullptr);
  }
  Verify(13);
  size_t asked = 0;
  const auto are_asked = [&](const Entry& entry) {
    ++asked;
    return entry.exchange.csb_id.value > 10;
  };
  EXPECT_EQ(cache_.RemoveOf({IdType::kNai, AsBytes("anna")}, are_asked), 3U);
  EXPECT_EQ(asked, 4U);
  EXPECT_EQ(cache_.size(), 37U);
  EXPECT_NE(Find(3), nullptr);
  for (const size_t gone : {13U, 23U, 33U}) EXPECT_EQ(Find(gone), nullptr);
  EXPECT_EQ(cache_.RemoveOf({IdType::kUri, AsBytes("anna")}, are_asked), 0U);
  EXPECT_EQ(cache_.RemoveOf({IdType::kNai, AsBytes("carol")}, are_asked), 0U);
  EXPECT_EQ(asked, 4U);
}

// Whoever has many addresses, and finishes from all of them, holds no more places than others.
TEST_F(CacheOfExchanges, OfWhatAnIdentityFinishedItsOldestGoes) {
  ExchangeCache large(64, rng_);
  cache_ = std::move(large);
  ASSERT_NE(Add(60, true, {}, "anna"), nullptr);
  Verify(60);
  for (size_t i = 0; i < 50; ++i) {
    ASSERT_NE(Add(i, true, {}, "mallory"), nullptr) << i;
    Verify(i);
  }
  EXPECT_EQ(cache_.size(), 1 + ExchangeCache::kMaxFinished);
  EXPECT_EQ(Find(50 - ExchangeCache::kMaxFinished - 1), nullptr);
  for (size_t i = 50 - ExchangeCache::kMaxFinished; i < 50; ++i) EXPECT_NE(Find(i), nullptr) << i;
  EXPECT_NE(Find(60), nullptr);
  now_ += ExchangeCache::kIdle + milliseconds(1);
  cache_.SweepAll(now_);
  EXPECT_EQ(cache_.size(), 0U);
}

// A storm of joins has tens of thousands of them at once (docs/operator.md, `mikeyv2.exchanges`).
static_assert(sizeof(Entry) <= 1850);

}  // namespace
}  // namespace keymast::mikey::v2
