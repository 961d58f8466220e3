// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <semaphore>

#include "slow_store.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

rekey::Change Position(const char* channel) { return rekey::PositionsPut{ChannelId(channel), {}}; }
rekey::Change Shared() { return rekey::MukCounterReserved{1}; }

class PipelineTest : public testing::Test {
 protected:
  Pipeline::Effect Note(int number) {
    return [this, number](const Status& status) {
      released_.push_back(number);
      if (!status) errors_.push_back(status.error());
    };
  }
  void Append(int number, std::vector<rekey::Change> changes) {
    pipeline_.Append(std::move(changes), Note(number));
  }
  Pipeline::Outcome Settle(std::optional<Error> error = std::nullopt) {
    store_.LetThrough(error);
    done_.acquire();
    const auto outcome = pipeline_.Collect();
    EXPECT_TRUE(outcome);
    return outcome.value_or(Pipeline::Outcome{});
  }

  std::vector<int> released_;
  std::vector<Error> errors_;
  std::counting_semaphore<> done_{0};
  SlowStore store_;
  Committer committer_{store_, [this] { done_.release(); }};
  Pipeline pipeline_{store_, committer_};
};

TEST_F(PipelineTest, WithoutChangesAnEffectRunsAtOnce) {
  EXPECT_TRUE(pipeline_.Idle());
  Append(1, {});
  EXPECT_THAT(released_, ElementsAre(1));
}

TEST_F(PipelineTest, NothingIsReleasedBeforeItIsDurable) {
  Append(1, {Position("a")});
  pipeline_.Flush();
  store_.WaitForCommit();
  EXPECT_FALSE(pipeline_.Collect());
  EXPECT_THAT(released_, IsEmpty());
  Settle();
  EXPECT_THAT(released_, ElementsAre(1));
  EXPECT_TRUE(pipeline_.Idle());
  EXPECT_EQ(pipeline_.revision(), 101U);
}

TEST_F(PipelineTest, NothingWaitsForAProbe) {
  pipeline_.Probe();
  store_.WaitForCommit();
  Append(1, {});
  EXPECT_THAT(released_, ElementsAre(1));
  const Pipeline::Outcome failed = Settle(Error::kNoSpace);
  EXPECT_TRUE(failed.probe);
  EXPECT_EQ(failed.status.error(), Error::kNoSpace);
  EXPECT_THAT(errors_, IsEmpty());
  pipeline_.Probe();
  EXPECT_TRUE(Settle().status);
  EXPECT_EQ(pipeline_.revision(), 101U);
}

TEST_F(PipelineTest, AnEffectWithoutChangesWaitsForWhatItSaw) {
  Append(1, {Position("a")});
  Append(2, {});
  pipeline_.Flush();
  Append(3, {});  // behind a batch in flight
  EXPECT_THAT(released_, IsEmpty());
  Settle();
  EXPECT_THAT(released_, ElementsAre(1, 2, 3));
}

TEST_F(PipelineTest, OneSyncServesAllThatWaited) {
  Append(1, {Position("a")});
  pipeline_.Flush();
  for (int i = 2; i <= 5; ++i) {
    Append(i, {Position("b")});
    pipeline_.Flush();  // one is in flight: nothing happens
  }
  Settle();
  EXPECT_THAT(released_, ElementsAre(1));
  pipeline_.Flush();
  Settle();
  EXPECT_THAT(released_, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(store_.batches(), ElementsAre(1, 4));
}

TEST_F(PipelineTest, ABatchKeepsTheStoresLimit) {
  for (int i = 0; i < 5; ++i) Append(i, {Position("a"), Position("a"), Position("a")});
  for (int i = 0; i < 3; ++i) {
    pipeline_.Flush();
    Settle();
  }
  EXPECT_THAT(store_.batches(), ElementsAre(6, 6, 3));
  EXPECT_THAT(released_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(PipelineTest, KnowsWhatWaitingChangesConcern) {
  EXPECT_FALSE(pipeline_.LastOf(ChannelId("a")));
  Append(1, {Position("a")});
  Append(2, {Shared()});
  EXPECT_EQ(pipeline_.LastOf(ChannelId("a")), pipeline_.LastShared());
  EXPECT_TRUE(pipeline_.LastShared());
  EXPECT_FALSE(pipeline_.LastOf(ChannelId("b")));
  pipeline_.Flush();
  Append(3, {Position("a")});
  EXPECT_GT(pipeline_.LastOf(ChannelId("a")), pipeline_.LastShared());
  Settle();
  EXPECT_TRUE(pipeline_.LastOf(ChannelId("a")));  // the open batch
  EXPECT_FALSE(pipeline_.LastShared());
  pipeline_.Flush();
  Settle();
  EXPECT_FALSE(pipeline_.LastOf(ChannelId("a")));
}

TEST_F(PipelineTest, AnEffectWaitsForNoMoreThanItsBatch) {
  Append(1, {Position("a")});
  pipeline_.Flush();
  Append(2, {Position("b")});
  pipeline_.Behind(*pipeline_.LastOf(ChannelId("a")), Note(3));
  pipeline_.Behind(*pipeline_.LastOf(ChannelId("b")), Note(4));
  Settle();
  EXPECT_THAT(released_, ElementsAre(1, 3));
  pipeline_.Flush();
  Settle();
  EXPECT_THAT(released_, ElementsAre(1, 3, 2, 4));
}

TEST_F(PipelineTest, AFailedCommitTakesDownAllThatRestsOnIt) {
  Append(1, {Position("a")});
  pipeline_.Flush();
  Append(2, {Position("b")});
  Append(3, {});
  const auto outcome = Settle(Error::kNoSpace);
  EXPECT_EQ(outcome.status.error(), Error::kNoSpace);
  EXPECT_THAT(released_, ElementsAre(1, 2, 3));
  EXPECT_THAT(errors_, ElementsAre(Error::kNoSpace, Error::kNoSpace, Error::kNoSpace));
  EXPECT_TRUE(pipeline_.Idle());
  EXPECT_FALSE(pipeline_.LastOf(ChannelId("a")));
  EXPECT_EQ(pipeline_.revision(), 100U);
  Append(4, {Position("a")});
  pipeline_.Flush();
  Settle();
  EXPECT_EQ(errors_.size(), 3U);
}

TEST_F(PipelineTest, DrainWaitsForEverything) {
  for (int i = 0; i < 4; ++i) Append(i, {Position("a"), Position("b"), Position("c")});
  store_.LetThrough();
  store_.LetThrough();
  EXPECT_TRUE(pipeline_.Drain());
  EXPECT_THAT(released_, ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(pipeline_.Idle());
}

TEST_F(PipelineTest, DrainStopsAtAnError) {
  Append(1, {Position("a")});
  store_.LetThrough(Error::kStoreClosed);
  EXPECT_EQ(pipeline_.Drain().error(), Error::kStoreClosed);
  EXPECT_TRUE(pipeline_.Idle());
}

// Random histories: whatever the disk does, effects come in the order in which they were appended,
// each once, and a successful one only when its changes are durable.
TEST(PipelineProperty, ReleasesInOrderAndNeverEarly) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::counting_semaphore<> done{0};
    SlowStore store;
    Committer committer(store, [&] { done.release(); });
    Pipeline pipeline(store, committer);
    std::vector<int> released;
    int appended = 0;
    bool in_flight = false;
    const auto durable_members = [&] { return store.Load()->muk_counter.end; };
    for (int step = 0; step < 60; ++step) {
      switch (random() % 4) {
        case 0:
        case 1: {
          const int number = ++appended;
          const bool changes = random() % 3 != 0;
          std::vector<rekey::Change> batch;
          if (changes) batch.push_back(rekey::MukCounterReserved{static_cast<uint64_t>(number)});
          pipeline.Append(std::move(batch), [&, number, changes](const Status& status) {
            released.push_back(number);
            if (status && changes) {
              EXPECT_GE(durable_members(), static_cast<uint64_t>(number)) << "seed " << seed;
            }
          });
          break;
        }
        case 2:
          in_flight = in_flight || !pipeline.Idle();
          pipeline.Flush();
          break;
        default:
          if (!in_flight) break;
          store.LetThrough(random() % 5 == 0 ? std::optional(Error::kNoSpace) : std::nullopt);
          done.acquire();
          ASSERT_TRUE(pipeline.Collect());
          in_flight = false;
      }
    }
    for (int i = 0; i < 100; ++i) store.LetThrough();
    EXPECT_TRUE(pipeline.Drain());
    std::vector<int> expected(static_cast<size_t>(appended));
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(released, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace keymast::server
