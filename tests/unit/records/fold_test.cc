// SPDX-License-Identifier: Apache-2.0
// A clean stop leaves pages, not a journal that the next start has to replay.
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

rekey::Change Subscriber(size_t number) {
  rekey::SubscriberPut put;
  put.subscriber.id = SubscriberId("s-" + std::to_string(number));
  put.subscriber.identity = "s-" + std::to_string(number) + "@example.org";
  put.user_key = crypto::Key32(Bytes(16, static_cast<uint8_t>(number)));
  return put;
}

void CommitSome(Repository& repository, size_t first, size_t count) {
  for (size_t i = first; i < first + count; ++i) {
    ASSERT_TRUE(repository.Commit({Subscriber(i)}).has_value()) << i;
  }
}

TEST(Fold, ACleanStopLeavesNothingToReplay) {
  Site site;
  {
    auto opened = site.Start();
    CommitSome(*opened.repository, 0, 20);
    EXPECT_GT(opened.repository->writer().pages().waiting(), 0U);
    ASSERT_TRUE(opened.repository->CloseClean().has_value());
    EXPECT_EQ(opened.repository->writer().pages().waiting(), 0U);
  }
  const auto again = site.Start();
  EXPECT_TRUE(again.start.clean);
  EXPECT_EQ(again.state.subscribers.size(), 20U);
  EXPECT_EQ(again.repository->writer().pages().waiting(), 0U);
}

TEST(Fold, AStopWithoutCommitsWritesNothing) {
  Site site;
  {
    auto opened = site.Start();
    CommitSome(*opened.repository, 0, 3);
    ASSERT_TRUE(opened.repository->CloseClean().has_value());
  }
  const auto before = site.Entries();
  ASSERT_TRUE(site.Start().repository->CloseClean().has_value());
  const auto after = site.Entries();
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(before[i].value, after[i].value);
}

TEST(Fold, WithoutSpaceTheStopIsStillClean) {
  Site site;
  {
    auto opened = site.Start();
    CommitSome(*opened.repository, 0, 20);
    site.fault = {1, false, Error::kNoSpace};
    ASSERT_TRUE(opened.repository->CloseClean().has_value());
  }
  const auto again = site.Start();
  EXPECT_TRUE(again.start.clean);
  EXPECT_EQ(again.state.subscribers.size(), 20U);
}

TEST(Fold, AnUnknownOutcomeIsNoCleanStop) {
  for (const bool takes_effect : {false, true}) {
    Site site;
    {
      auto opened = site.Start();
      CommitSome(*opened.repository, 0, 20);
      site.fault = {1, takes_effect, Error::kOutcomeUnknown};
      EXPECT_FALSE(opened.repository->CloseClean().has_value());
    }
    const auto again = site.Start();
    EXPECT_FALSE(again.start.clean);
    EXPECT_EQ(again.state.subscribers.size(), 20U);
  }
}

}  // namespace
}  // namespace keymast::records
