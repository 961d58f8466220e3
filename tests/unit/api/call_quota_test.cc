// SPDX-License-Identifier: Apache-2.0
// What each role may have under way, and that no role has what is another's.
#include "api/call_quota.h"

#include <gmock/gmock.h>

#include "front_fixture.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::api {
namespace {

using testing::HasSubstr;

TEST(CallQuota, EachShareIsItsOwn) {
  CallQuota quota(16);
  std::vector<CallQuota::Place> places;
  for (int i = 0; i < 2; ++i) places.push_back(*quota.Take(Role::kAuditor, CallKind::kStream));
  const auto refused = quota.Take(Role::kAuditor, CallKind::kStream);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, Error::kTooManyRequests);
  EXPECT_EQ(refused.error().limit.name, "auditor_streams");
  EXPECT_THAT(refused.error().message,
              HasSubstr("2 streams of role auditor are under way at once"));
  EXPECT_GT(refused.error().retry_after_ms, 0U);
  for (const auto& [role, kind, count] : {std::tuple(Role::kAuditor, CallKind::kUnary, 2),
                                          {Role::kViewer, CallKind::kUnary, 2},
                                          {Role::kHeadend, CallKind::kStream, 4},
                                          {Role::kOperator, CallKind::kUnary, 4},
                                          {Role::kOperator, CallKind::kStream, 2}}) {
    for (int i = 0; i < count; ++i) {
      auto place = quota.Take(role, kind);
      ASSERT_TRUE(place) << RoleName(role) << i;
      places.push_back(std::move(*place));
    }
    EXPECT_FALSE(quota.Take(role, kind)) << RoleName(role);
  }
  for (const CallQuota::Count& count : quota.Counts()) EXPECT_EQ(count.refused, 1U) << count.share;
  places.clear();
  for (const CallQuota::Count& count : quota.Counts()) EXPECT_EQ(count.calls, 0U) << count.share;
}

TEST(CallQuota, WhatIsAnsweredCountsAsOctetsUntilItIsGone) {
  CallQuota quota(16);
  std::vector<CallQuota::Place> answered;
  constexpr size_t kAnswer = 1 << 20;
  constexpr size_t kEach = kAnswer + CallQuota::kCallCost;
  const size_t fit = (CallQuota::kMaxUnread + kEach - 1) / kEach;
  for (size_t i = 0; i < fit; ++i) {
    auto place = quota.Take(Role::kViewer, CallKind::kUnary);
    ASSERT_TRUE(place) << i;
    place->Answered(kAnswer);
    place->Answered(kAnswer);
    answered.push_back(std::move(*place));
  }
  const auto viewers = [&] { return quota.Counts()[4]; };
  EXPECT_EQ(viewers().share, "viewer");
  EXPECT_EQ(viewers().calls, 0U);
  EXPECT_EQ(viewers().unread, fit * kEach);
  const auto refused = quota.Take(Role::kViewer, CallKind::kUnary);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("32 MiB of answers wait for clients of role viewer"));
  EXPECT_TRUE(quota.Take(Role::kAuditor, CallKind::kUnary));
  answered.pop_back();
  EXPECT_TRUE(quota.Take(Role::kViewer, CallKind::kUnary));
  answered.clear();
  EXPECT_EQ(viewers().unread, 0U);
}

class Stream final : public Holder {
 public:
  void CutOff() override { cut = true; }
  bool cut = false;
};

TEST(CallQuota, OfTheStreamsOfAFullShareTheSlowestIsCutOff) {
  CallQuota quota(1024);
  constexpr size_t kThird = CallQuota::kMaxUnread / 3;
  std::vector<CallQuota::Place> places;
  std::vector<std::shared_ptr<Stream>> streams;
  for (int i = 0; i < 3; ++i) {
    places.push_back(*quota.Take(Role::kAuditor, CallKind::kStream));
    streams.push_back(std::make_shared<Stream>());
    places.back().HeldBy(streams.back());
    places.back().Hold(kThird);
  }
  const auto auditors = [&] { return quota.Counts()[3]; };
  EXPECT_EQ(auditors().share, "auditor_streams");
  EXPECT_EQ(auditors().unread, 3 * kThird);
  EXPECT_EQ(places[0].Slowest(), nullptr);
  places[1].Hold(2);
  places[0].Hold(1);
  EXPECT_EQ(places[0].Slowest(), streams[1]) << "though another one made it too much";
  EXPECT_NE(places[0].Slowest(), streams[1]) << "once";
  places[1].Release(kThird);
  EXPECT_EQ(places[0].Slowest(), nullptr);
  places.clear();
  EXPECT_EQ(auditors().unread, 0U);
  EXPECT_EQ(auditors().calls, 0U);
}

class Quota : public FrontTest {
 protected:
  Quota() { config_.max_calls = 16; }
  // Answers readiness, and nothing else.
  static std::vector<core::CoreReply> OnlyStatus(const core::CoreRequest& request) {
    if (request.has_get_server_status()) return FakeCore::DefaultAnswers(request);
    return {};
  }
  struct Watcher {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::Event>> reader;
  };
  std::unique_ptr<Watcher> Watch(v1::Rekeys::Stub& stub) {
    auto watcher = std::make_unique<Watcher>();
    watcher->reader = stub.Watch(&watcher->context, v1::WatchRequest());
    return watcher;
  }
};

TEST_F(Quota, AuditorsWatchesLeaveOperatorsCallsAlone) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Rekeys::NewStub(Channel(Role::kAuditor));
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 2; ++i) watchers.push_back(Watch(*stub));
  ASSERT_TRUE(Eventually([&] { return core_.CountOf(core::CoreRequest::kWatch) == 2; }));
  const grpc::Status refused = Watch(*stub)->reader->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(refused.error_details()));
  google::rpc::QuotaFailure quota;
  ASSERT_GE(details.details_size(), 2);
  ASSERT_TRUE(details.details(1).UnpackTo(&quota));
  EXPECT_EQ(quota.violations(0).subject(), "auditor_streams");

  core_.set_handler(FakeCore::DefaultAnswers);
  EXPECT_TRUE(
      Call(*Channel(Role::kOperator), "Members.ExpelMembers", v1::ExpelMembersRequest()).ok());
  EXPECT_EQ(Get("/readyz").first, 200);
  EXPECT_THAT(Get("/metrics").second,
              HasSubstr("keymast_api_calls_refused_total{share=\"auditor_streams\"} 1\n"));

  core_.set_handler(OnlyStatus);
  watchers[0]->context.TryCancel();
  EXPECT_TRUE(Eventually([&] {
    watchers.push_back(Watch(*stub));
    return core_.CountOf(core::CoreRequest::kWatch) == 3;
  })) << "the place of one that left";
  for (const auto& watcher : watchers) watcher->context.TryCancel();
}

TEST_F(Quota, AnUnansweredCallKeepsItsPlaceUntilItsDeadline) {
  core_.set_handler(OnlyStatus);
  Start();
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([this] {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
      Call(*Channel(Role::kViewer), "Channels.GetChannel", v1::GetChannelRequest(), nullptr,
           &context);
    });
  }
  ASSERT_TRUE(Eventually([&] { return core_.CountOf(core::CoreRequest::kGetChannel) == 2; }));
  const auto viewer = Channel(Role::kViewer);
  EXPECT_EQ(Call(*viewer, "Channels.GetChannel", v1::GetChannelRequest()).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (std::thread& caller : callers) caller.join();
  core_.set_handler(FakeCore::DefaultAnswers);
  EXPECT_TRUE(Eventually(
      [&] { return Call(*viewer, "Channels.GetChannel", v1::GetChannelRequest()).ok(); }));
}

// Begins a call on `queue`, which hands the exchange back.
struct Exchange {
  grpc::ClientContext context;
  v1::Channel response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::Channel>> reader;
};
void Begin(v1::Channels::Stub& stub, grpc::CompletionQueue& queue) {
  auto* exchange = new Exchange;
  exchange->reader = stub.AsyncGetChannel(&exchange->context, v1::GetChannelRequest(), &queue);
  exchange->reader->Finish(&exchange->response, &exchange->status, exchange);
}

TEST_F(Quota, AClientThatKeepsItsShareUnderWayIsNeverRefused) {
  Start();
  const auto stub = v1::Channels::NewStub(Channel(Role::kOperator));
  constexpr int kShare = 4;
  constexpr int kCalls = 4000;
  grpc::CompletionQueue queue;
  for (int i = 0; i < kShare; ++i) Begin(*stub, queue);
  for (int landed = 0; landed < kCalls; ++landed) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    const std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(tag));
    EXPECT_TRUE(exchange->status.ok()) << exchange->status.error_message();
    if (landed + kShare < kCalls) Begin(*stub, queue);
  }
}

}  // namespace
}  // namespace keymast::api
