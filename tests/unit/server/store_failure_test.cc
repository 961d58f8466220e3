// SPDX-License-Identifier: Apache-2.0
// What a store that fails does to callers, to the working state, and to keys that are on air.
#include "served.h"

namespace keymast::server {
namespace {

const char kExpelBob[] =
    R"(expel_members { parent: "channels/news" names: "channels/news/members/bob" })";

class StoreFailureTest : public Served {
 protected:
  StoreFailureTest() {
    MakeChannel("news");
    AddMember("news", "ada");
    AddMember("news", "bob");
  }
  const rekey::ChannelState& news() const {
    return server_.shard().controller().state().channels.at(ChannelId("news"));
  }
  // Fail lets the commit of an expulsion fail.
  core::CoreError Fail(Error error) {
    store_.Gate(true);
    Send(client_, Ask(kExpelBob));
    Settle(error);
    return Next(client_).error();
  }
  void ExpectRepetitionsGoOn() {
    const rekey::Slot active = *news().ladder.active;
    port_.sent.clear();
    Pass(milliseconds(1400));
    EXPECT_GE(port_.Mtks("news"), 2U);
    EXPECT_EQ(*news().ladder.active, active);
  }
  v1::StoreState ReportedState() { return StatusOf().store_state(); }
};

TEST_F(StoreFailureTest, NoSpaceForgetsWhatWasDecidedAndSaysWhenToRetry) {
  const core::CoreError error = Fail(Error::kNoSpace);
  EXPECT_EQ(error.reason(), "no_space");
  EXPECT_EQ(error.retry_after_ms(), 1000U);
  EXPECT_TRUE(news().members.contains(SubscriberId("bob")));
  EXPECT_FALSE(news().ladder.next_msk);
  EXPECT_EQ(ReportedState(), v1::NO_SPACE);
}

TEST_F(StoreFailureTest, WithoutSpaceChangesAreRefusedAtOnce) {
  Fail(Error::kNoSpace);
  const core::CoreError error = Refused(kExpelBob);
  EXPECT_EQ(error.reason(), "no_space");
  EXPECT_EQ(error.retry_after_ms(), 1000U);
  // What changes nothing is served: reads, and checks.
  EXPECT_EQ(Must(R"(list_members { parent: "channels/news" })").list_members().members_size(), 2);
  Must(R"(update_member { member { name: "channels/news/members/bob"
                                   msk_endpoint: "127.0.0.1:2272" } validate_only: true })");
}

TEST_F(StoreFailureTest, WithoutSpaceKeysOnAirAreRepeated) {
  Fail(Error::kNoSpace);
  clock_.now -= clock_.now.time_since_epoch() % milliseconds(1);
  port_.sent.clear();
  Pass(milliseconds(900));  // before it is tried again
  EXPECT_GE(port_.Mtks("news"), 1U);
}

TEST_F(StoreFailureTest, ChangesAreTakenAgainOnceThereIsSpace) {
  Fail(Error::kNoSpace);
  store_.Gate(false);
  Pass(milliseconds(1100));
  EXPECT_TRUE(Until([&] { return !server_.shard().Frozen(); }));
  EXPECT_EQ(Must(kExpelBob).expel_members().remaining(), 1U);
  EXPECT_EQ(ReportedState(), v1::OPEN);
  EXPECT_FALSE(news().members.contains(SubscriberId("bob")));
}

TEST_F(StoreFailureTest, StillNoSpaceIsNoticedByTheNextTry) {
  Fail(Error::kNoSpace);
  Pass(milliseconds(1100));
  EXPECT_EQ(Refused(kExpelBob).reason(), "no_space") << "it is tried by nobody's change";
  Settle(Error::kNoSpace);
  EXPECT_EQ(Refused(kExpelBob).reason(), "no_space");
  EXPECT_TRUE(news().members.contains(SubscriberId("bob")));
  Pass(milliseconds(1100));
  Settle();
  EXPECT_EQ(Must("get_server_status {}").server_status().store_state(), v1::OPEN);
}

// Reading back takes so long that keys on air would be late, and begins every push anew.
TEST_F(StoreFailureTest, WithoutSpaceTheStateIsReadBackOnce) {
  Fail(Error::kNoSpace);
  for (int i = 0; i < 3; ++i) {
    Pass(milliseconds(1100));
    Settle(Error::kNoSpace);
  }
  const uint64_t pushes = server_.shard().controller().counters().msk_messages;
  Pass(milliseconds(1100));
  Settle();
  Pass(milliseconds(100));
  EXPECT_EQ(store_.loads(), 1U);
  EXPECT_EQ(server_.shard().controller().counters().msk_messages, pushes);
}

TEST_F(StoreFailureTest, AServerWithNothingToChangeNoticesThatThereIsSpace) {
  Must(R"(delete_channel { name: "channels/news" force: true })");
  store_.Gate(true);
  Send(client_, NewSubscriber("cyd"));
  Settle(Error::kNoSpace);
  EXPECT_EQ(Next(client_).error().reason(), "no_space");
  store_.Gate(false);
  Pass(milliseconds(1100));
  EXPECT_TRUE(Until([&] { return server_.shard().store_state() == StoreState::kOpen; }));
  EXPECT_EQ(ReportedState(), v1::OPEN);
}

TEST_F(StoreFailureTest, AProbeOfUnknownOutcomeIsFollowedByAnother) {
  Fail(Error::kNoSpace);
  Pass(milliseconds(1100));
  Settle(Error::kOutcomeUnknown);
  EXPECT_EQ(ReportedState(), v1::NO_SPACE);
  Pass(milliseconds(1100));
  Settle();
  EXPECT_EQ(ReportedState(), v1::OPEN);
}

TEST_F(StoreFailureTest, AStopDoesNotWaitForSpace) {
  Fail(Error::kNoSpace);
  Pass(milliseconds(1100));
  store_.LetThrough(Error::kNoSpace);
  server_.Drain();
  EXPECT_TRUE(store_.closed());
}

TEST_F(StoreFailureTest, AFailedSyncClosesForWritingUntilARestart) {
  for (const Error error : {Error::kIo}) {
    EXPECT_EQ(Fail(error).reason(), "store_closed");
  }
  EXPECT_EQ(ReportedState(), v1::CLOSED);
  store_.Gate(false);
  Pass(seconds(5));
  const core::CoreError refused = Refused(kExpelBob);
  EXPECT_EQ(refused.reason(), "store_closed");
  EXPECT_EQ(refused.retry_after_ms(), 0U);
  EXPECT_TRUE(news().members.contains(SubscriberId("bob")));
  EXPECT_EQ(ReportedState(), v1::CLOSED);
  EXPECT_FALSE(server_.shard().fatal());
}

TEST_F(StoreFailureTest, AClosedStoreLeavesKeysOnAir) {
  Fail(Error::kStoreClosed);
  ExpectRepetitionsGoOn();
  const uint64_t outcomes = Outcomes();
  Pass(seconds(60));  // past the period of the MTK: nothing can be prepared
  EXPECT_EQ(Outcomes(), outcomes) << "nothing is written any more";
  ExpectRepetitionsGoOn();
  EXPECT_FALSE(news().ladder.prepared);
}

TEST_F(StoreFailureTest, AnAnnouncedKeyIsStillSwitchedTo) {
  Must(R"(rekey_now { channel: "channels/news" level: MTK })");
  ASSERT_TRUE(Until([&] { return news().ladder.prepared.has_value(); }));
  const rekey::Slot prepared = *news().ladder.prepared;
  Fail(Error::kStoreClosed);
  ASSERT_EQ(news().ladder.prepared, prepared);
  Pass(seconds(15));
  EXPECT_EQ(*news().ladder.active, prepared);
}

TEST_F(StoreFailureTest, FencedEndsTheProcess) {
  Fail(Error::kFenced);
  ASSERT_TRUE(server_.shard().fatal());
  EXPECT_EQ(server_.shard().fatal()->error, Error::kFenced);
}

// The working state is ahead of what is durable then, and another process sends for this store.
TEST_F(StoreFailureTest, AFencedProcessSendsNothingMore) {
  store_.Gate(true);
  Send(client_, Ask(kExpelBob));
  Turn();
  store_.WaitForCommit();
  port_.sent.clear();
  clock_.now += milliseconds(60);  // announced again in the turn that sees the outcome
  store_.LetThrough(Error::kFenced);
  EXPECT_TRUE(Until([&] { return server_.shard().fatal().has_value(); }));
  Turn();
  EXPECT_TRUE(port_.sent.empty());
}

TEST_F(StoreFailureTest, AStateThatCannotBeReadBackEndsTheProcess) {
  store_.BecomeUnreadable();
  store_.Gate(true);
  Send(client_, Ask(kExpelBob));
  Turn();
  store_.WaitForCommit();
  port_.sent.clear();
  clock_.now += seconds(30);
  store_.LetThrough(Error::kNoSpace);
  EXPECT_TRUE(Until([&] { return server_.shard().fatal().has_value(); }));
  EXPECT_EQ(server_.shard().fatal()->error, Error::kCorrupt);
  EXPECT_TRUE(port_.sent.empty());
}

TEST_F(StoreFailureTest, AnUnknownOutcomeIsReadBackWhenItWasMade) {
  store_.KeepUnknown();
  const uint64_t before = store_.revision();
  const core::CoreError error = Fail(Error::kOutcomeUnknown);
  EXPECT_EQ(error.reason(), "outcome_unknown");
  EXPECT_FALSE(news().members.contains(SubscriberId("bob")));
  store_.Gate(false);
  EXPECT_EQ(Refused(kExpelBob).reason(), "not_found");
  EXPECT_GT(store_.revision(), before);
  EXPECT_EQ(StatusOf().revision(), store_.revision());
}

TEST_F(StoreFailureTest, AnUnknownOutcomeIsReadBackWhenItWasNotMade) {
  Fail(Error::kOutcomeUnknown);
  EXPECT_TRUE(news().members.contains(SubscriberId("bob")));
  EXPECT_FALSE(server_.shard().Frozen());
  store_.Gate(false);
  EXPECT_EQ(Must(kExpelBob).expel_members().remaining(), 1U);
}

// An exclusion that was made, but not said so, is still carried out.
TEST_F(StoreFailureTest, WhatFollowsFromAnUnknownOutcomeIsMadeUpFor) {
  store_.KeepUnknown();
  port_.sent.clear();
  Fail(Error::kOutcomeUnknown);
  store_.Gate(false);
  Pass(milliseconds(600));
  EXPECT_GE(port_.Msks("news"), 1U);
  EXPECT_GE(port_.Mtks("news"), 1U);
}

// Whoever watches must not miss it: events of that commit were never sent.
TEST_F(StoreFailureTest, WatchersBeginAnewAfterAnUnknownOutcome) {
  CoreClient watcher = Connect();
  Send(watcher, Ask("watch {}"));
  Turn();
  Must(NewSubscriber("cyd"));
  const std::string token = Next(watcher).event().resume_token();
  store_.KeepUnknown();
  Fail(Error::kOutcomeUnknown);
  EXPECT_EQ(Next(watcher).error().reason(), "compacted");
  store_.Gate(false);
  core::CoreRequest resume = Ask("watch {}");
  resume.mutable_watch()->set_resume_token(token);
  EXPECT_EQ(Call(watcher, resume).error().reason(), "compacted");
}

TEST_F(StoreFailureTest, ACommitThatIsTooLargeIsRefusedAlone) {
  EXPECT_EQ(Fail(Error::kBatchTooLarge).reason(), "batch_too_large");
  store_.Gate(false);
  EXPECT_EQ(ReportedState(), v1::OPEN);
  EXPECT_EQ(Must(kExpelBob).expel_members().remaining(), 1U);
}

}  // namespace
}  // namespace keymast::server
