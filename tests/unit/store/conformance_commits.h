// SPDX-License-Identifier: Apache-2.0
// Conformance, first half: commits. Included by conformance.h.
#pragma once

#include <random>
#include <set>

#include "conformance.h"
#include "faulty_store.h"
#include "store/memory_store.h"

namespace keymast::store {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformance, ANewStoreIsEmptyAtRevisionZero) {
  EXPECT_EQ(store_->revision(), 0u);
  EXPECT_GT(store_->fence(), 0u);
  EXPECT_THAT(All(), IsEmpty());
  EXPECT_THAT(Events(0), IsEmpty());
}

TEST_P(StoreConformance, EachCommitTakesTheNextRevision) {
  EXPECT_EQ(MustCommit(PutOf("a", "1")), 1u);
  EXPECT_EQ(MustCommit(PutOf("b", "2")), 2u);
  EXPECT_EQ(MustCommit(Empty()), 3u);
  EXPECT_EQ(MustCommit(DeleteOf("not there")), 4u);
  EXPECT_EQ(store_->revision(), 4u);
  EXPECT_THAT(All(), ElementsAre(Entry{"a", ValueOf("1"), 1}, Entry{"b", ValueOf("2"), 2}));
}

TEST_P(StoreConformance, ABatchIsAppliedWhole) {
  MustCommit(PutOf("gone", "x"));
  Batch batch = PutOf("a", "1");
  batch.puts.emplace_back("b", ValueOf("2"));
  batch.deletes = {"gone"};
  EXPECT_EQ(MustCommit(batch), 2u);
  EXPECT_THAT(All(), ElementsAre(Entry{"a", ValueOf("1"), 2}, Entry{"b", ValueOf("2"), 2}));
}

TEST_P(StoreConformance, AnUnmetExpectationChangesNothing) {
  MustCommit(PutOf("a", "1"));
  MustCommit(PutOf("gone", "1"));
  MustCommit(DeleteOf("gone"));
  const std::vector<Expectation> unmet = {{"a", 0}, {"a", 2}, {"b", 1}, {"gone", 2}, {"gone", 3}};
  for (const Expectation& expectation : unmet) {
    Batch batch = PutOf("a", "2");
    batch.deletes = {"b"};
    batch.expected = {{"a", 1}, expectation};
    EXPECT_EQ(Refused(batch), Error::kConflict) << expectation.key << expectation.revision;
  }
  EXPECT_EQ(store_->revision(), 3u);
  EXPECT_THAT(All(), ElementsAre(Entry{"a", ValueOf("1"), 1}));
  EXPECT_THAT(Events(3), IsEmpty());
}

TEST_P(StoreConformance, AMetExpectationCommits) {
  MustCommit(PutOf("a", "1"));
  Batch batch = PutOf("a", "2");
  batch.expected = {{"a", 1}, {"b", 0}};
  EXPECT_EQ(MustCommit(batch), 2u);
  EXPECT_EQ(Refused(batch), Error::kConflict);
}

TEST_P(StoreConformance, OperationsAreLimited) {
  const size_t limit = store_->limits().operations;
  ASSERT_GE(limit, 3u);
  for (const bool over : {false, true}) {
    Batch batch = Empty();
    for (size_t i = 0; i < limit - 2; ++i)
      batch.puts.emplace_back("k" + std::to_string(i), Bytes{});
    batch.deletes = {"d"};
    batch.expected = {{"e", 0}};
    if (over) batch.expected.push_back({"f", 0});
    const Result<Revision> revision = store_->Commit(batch);
    EXPECT_EQ(revision, over ? Result<Revision>(Err(Error::kBatchTooLarge)) : 1u);
  }
  EXPECT_EQ(store_->revision(), 1u);
}

TEST_P(StoreConformance, OctetsAreLimited) {
  const size_t limit = store_->limits().octets;
  Batch batch = Empty();
  batch.deletes = {"dd"};
  batch.expected = {{"ee", 0}};
  batch.puts.emplace_back("k", Bytes(limit - 5, 0xa5));
  EXPECT_EQ(MustCommit(batch), 1u);
  batch.puts[0].second.push_back(0);
  EXPECT_EQ(Refused(batch), Error::kBatchTooLarge);
  EXPECT_EQ(All().front().value.size(), limit - 5);
}

TEST_P(StoreConformance, KeysAreNotEmptyAndNamedOnce) {
  EXPECT_EQ(Refused(PutOf("", "x")), Error::kInvalidArgument);
  EXPECT_EQ(Refused(DeleteOf("")), Error::kInvalidArgument);
  Batch expecting = PutOf("a", "x");
  expecting.expected = {{"", 0}};
  EXPECT_EQ(Refused(expecting), Error::kInvalidArgument);

  Batch twice = PutOf("a", "1");
  twice.deletes = {"a"};
  EXPECT_EQ(Refused(twice), Error::kInvalidArgument);
  twice = PutOf("a", "1");
  twice.puts.push_back(twice.puts[0]);
  EXPECT_EQ(Refused(twice), Error::kInvalidArgument);
  EXPECT_EQ(store_->revision(), 0u);
}

TEST_P(StoreConformance, OnlyTheCurrentFenceCommits) {
  Batch batch = PutOf("a", "1");
  for (const Fence wrong : {Fence{0}, store_->fence() - 1, store_->fence() + 1}) {
    batch.fence = wrong;
    EXPECT_EQ(Refused(batch), Error::kFenced);
  }
  EXPECT_EQ(store_->revision(), 0u);
}

TEST_P(StoreConformance, EachOpenRaisesTheFence) {
  Batch older = PutOf("a", "1");
  MustCommit(older);
  for (int i = 0; i < 3; ++i) {
    const Fence before = store_->fence();
    Reopen();
    EXPECT_GT(store_->fence(), before);
    EXPECT_EQ(Refused(older), Error::kFenced);
  }
  EXPECT_EQ(store_->revision(), 1u);
}

TEST_P(StoreConformance, ReopeningKeepsEverything) {
  Batch batch = PutOf("a", "1");
  batch.puts.emplace_back(std::string("\0\xff", 2), Bytes{});
  MustCommit(batch);
  MustCommit(PutOf("b", std::string(100000, 'b')));
  MustCommit(PutOf("c", "3"));
  MustCommit(DeleteOf("c"));
  const std::vector<Entry> before = All();
  Reopen();
  EXPECT_EQ(store_->revision(), 4u);
  EXPECT_EQ(All(), before);
  EXPECT_EQ(MustCommit(PutOf("a", "5")), 5u);
}

TEST_P(StoreConformance, ACommitThatFailsBeforeItTookEffectChangesNothing) {
  for (const Error error : {Error::kNoSpace, Error::kIo, Error::kOutcomeUnknown}) {
    FaultyStore faulty(std::move(store_));
    const Revision before = faulty.revision();
    faulty.FailCommit(1, {error, false});
    EXPECT_EQ(faulty.Commit({{{"x", {}}}, {}, {}, faulty.fence()}).error(), error);
    EXPECT_EQ(faulty.revision(), before);
    EXPECT_TRUE(faulty.Commit({{{"a", {}}}, {}, {}, faulty.fence()}));
    store_ = faulty.Release();
  }
  EXPECT_THAT(All("x"), IsEmpty());
  Reopen();
  EXPECT_THAT(All(), ElementsAre(Entry{"a", {}, 3}));
}

TEST_P(StoreConformance, ACommitThatFailsAfterItTookEffectIsFoundByReading) {
  FaultyStore faulty(std::move(store_));
  faulty.FailCommit(2, {Error::kOutcomeUnknown, true});
  EXPECT_TRUE(faulty.Commit({{{"a", {}}}, {}, {}, faulty.fence()}));
  Batch unknown{{{"x", {}}}, {}, {{"x", 0}}, faulty.fence()};
  EXPECT_EQ(faulty.Commit(unknown).error(), Error::kOutcomeUnknown);
  EXPECT_TRUE(faulty.fired());
  // Trying again is safe with an expectation, and a read tells.
  EXPECT_EQ(faulty.Commit(unknown).error(), Error::kConflict);
  store_ = faulty.Release();
  EXPECT_THAT(All("x"), ElementsAre(Entry{"x", {}, 2}));
  Reopen();
  EXPECT_THAT(All("x"), ElementsAre(Entry{"x", {}, 2}));
}

// A random batch over few keys, so that expectations meet and miss.
inline Batch RandomBatch(std::mt19937& random, const Store& store) {
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  const auto key = [&] { return std::string(1 + below(2), static_cast<char>('a' + below(4))); };
  Batch batch;
  batch.fence = below(20) == 0 ? store.fence() - 1 : store.fence();
  std::set<std::string> named;
  for (uint32_t i = below(4); i > 0; --i) {
    if (const std::string k = key(); named.insert(k).second) {
      batch.puts.emplace_back(k, Bytes(below(40), static_cast<uint8_t>(random())));
    }
  }
  for (uint32_t i = below(3); i > 0; --i) {
    if (const std::string k = key(); named.insert(k).second) batch.deletes.push_back(k);
  }
  if (below(3) == 0) batch.expected.push_back({key(), below(3) == 0 ? store.revision() : 0});
  return batch;
}

TEST_P(StoreConformance, RandomHistoriesMatchTheModel) {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    disk_ = nullptr;
    store_ = nullptr;
    SetUp();
    const std::shared_ptr<MemoryDisk> model_disk = MakeMemoryDisk();
    std::unique_ptr<Store> model = OpenMemoryStore(model_disk);
    for (int step = 0; step < 200; ++step) {
      if (random() % 40 == 0) {
        Reopen();
        model = OpenMemoryStore(model_disk);
      }
      Batch batch = RandomBatch(random, *model);
      const Result<Revision> expected = model->Commit(batch);
      batch.fence = batch.fence - model->fence() + store_->fence();
      ASSERT_EQ(store_->Commit(batch), expected) << "seed " << seed << " step " << step;
      const Revision at = random() % (model->revision() + 2);
      ASSERT_EQ(store_->Scan("a", "a", 3, at), model->Scan("a", "a", 3, at));
      ASSERT_EQ(store_->Watch("b", at, 2), model->Watch("b", at, 2));
    }
    ASSERT_EQ(All(), model->Scan("", "", SIZE_MAX, 0).value());
  }
}

}  // namespace keymast::store
