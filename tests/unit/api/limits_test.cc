// SPDX-License-Identifier: Apache-2.0
// Limits of principals, scopes in frames, and trace contexts, through a whole keymast-api.
#include <gmock/gmock.h>

#include "front_fixture.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::api {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

class LimitsTest : public FrontTest {
 protected:
  // A socket whose callers have `role` for these channels, or for all.
  std::shared_ptr<grpc::Channel> Studio(Role role, const std::vector<std::string>& patterns,
                                        const Limits& limits = {}) {
    Grant grant{role};
    if (!patterns.empty()) grant.channels.emplace();
    for (const std::string& pattern : patterns) EXPECT_TRUE(grant.channels->Add(pattern));
    config_.sockets = {{"studio", "", {{grant}, limits}}};
    Start();
    return grpc::CreateChannel("unix:" + (folder_ / "studio.sock"),
                               grpc::InsecureChannelCredentials());
  }

  static v1::GetChannelRequest ChannelOne() {
    v1::GetChannelRequest request;
    request.set_name("channels/one");
    return request;
  }

  template <class Detail>
  static Detail DetailOf(const grpc::Status& status) {
    google::rpc::Status details;
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    Detail found;
    const bool has = std::any_of(details.details().begin(), details.details().end(),
                                 [&](const auto& detail) { return detail.UnpackTo(&found); });
    EXPECT_TRUE(has) << "no " << Detail::descriptor()->name();
    return found;
  }

  core::CoreRequest GetChannelFrame() {
    return core_.WaitFor([](const auto& request) { return request.has_get_channel(); });
  }
};

TEST_F(LimitsTest, FramesCarryScopeAndQuotaOfThePrincipal) {
  const auto channel =
      Studio(Role::kOperator, {"studio-a-*", "one"}, {.channels = 5, .members = 100});
  ASSERT_TRUE(Call(*channel, "Channels.GetChannel", ChannelOne()).ok());
  const core::CoreRequest frame = GetChannelFrame();
  EXPECT_EQ(frame.principal(), "operator:unix:studio");
  EXPECT_THAT(frame.scope().channels(), ElementsAre("channels/one", "channels/studio-a-*"));
  EXPECT_EQ(frame.quota().channels(), 5U);
  EXPECT_EQ(frame.quota().members(), 100U);
}

TEST_F(LimitsTest, WhoHasTheRoleForAllHasNoScope) {
  Start();
  ASSERT_TRUE(Call(*Channel(Role::kViewer), "Channels.GetChannel", ChannelOne()).ok());
  const core::CoreRequest frame = GetChannelFrame();
  EXPECT_EQ(frame.principal(), "viewer");
  EXPECT_FALSE(frame.has_scope());
  EXPECT_FALSE(frame.has_quota());
}

TEST_F(LimitsTest, ARolesSocketHasWhatItsGrantsSayInPlaceOfTheRole) {
  config_.socket_rights[Role::kOperator] = RoleForAll(Role::kViewer);
  Start();
  const auto channel = Channel(Role::kOperator);
  EXPECT_TRUE(Call(*channel, "Channels.GetChannel", ChannelOne()).ok());
  EXPECT_EQ(GetChannelFrame().principal(), "viewer:unix:operator");
  EXPECT_EQ(Call(*channel, "Channels.DeleteChannel", ChannelOne()).error_code(),
            StatusCode::PERMISSION_DENIED);
}

// keymastd, which knows what there is, is not even asked.
TEST_F(LimitsTest, AChannelOutsideIsDeniedWhetherOrNotItIsThere) {
  const auto channel = Studio(Role::kOperator, {"one"});
  v1::GetChannelRequest other;
  other.set_name("channels/other");
  const grpc::Status denied = Call(*channel, "Channels.GetChannel", other);
  EXPECT_EQ(denied.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(denied.error_message(),
            "operator:unix:studio may call Channels.GetChannel for the channels of its grants "
            "alone");
  EXPECT_EQ(core_.CountOf(core::CoreRequest::kGetChannel), 0U);
  EXPECT_EQ(Call(*channel, "Audit.ListAuditRecords", v1::ListAuditRecordsRequest()).error_code(),
            StatusCode::PERMISSION_DENIED);
  const std::string page = Get("/metrics").second;
  EXPECT_THAT(page, HasSubstr("keymast_api_denied_total{reason=\"channel\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("keymast_api_denied_total{reason=\"role\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("keymast_api_denied_total{reason=\"unknown_name\"} 0\n"));
}

TEST_F(LimitsTest, AScopedCallerSeesAPartOfTheStatus) {
  core_.set_handler([](const core::CoreRequest&) {
    core::CoreReply reply = LastReply();
    reply.mutable_server_status()->set_store_state(v1::OPEN);
    reply.mutable_server_status()->set_version("9");
    reply.mutable_server_status()->set_subscriber_count(7);
    return std::vector{reply};
  });
  const auto channel = Studio(Role::kViewer, {"one"});
  v1::ServerStatus part, all;
  const v1::GetServerStatusRequest request;
  ASSERT_TRUE(Call(*channel, "Server.GetServerStatus", request, &part).ok());
  ASSERT_TRUE(Call(*Channel(Role::kViewer), "Server.GetServerStatus", request, &all).ok());
  EXPECT_EQ(part.version(), "9");
  EXPECT_EQ(part.subscriber_count(), 0U);
  EXPECT_EQ(all.subscriber_count(), 7U);
}

// Denied calls count as well; another principal has its own.
TEST_F(LimitsTest, BeyondRequestsASecondCallsAreRefused) {
  const auto channel = Studio(Role::kViewer, {}, {.requests_per_second = 1, .burst = 3});
  StatusCode code = StatusCode::OK;
  EXPECT_EQ(Call(*channel, "Channels.DeleteChannel", ChannelOne()).error_code(),
            StatusCode::PERMISSION_DENIED);
  grpc::Status refused;
  for (int i = 0; i < 1000 && code == StatusCode::OK; ++i) {
    refused = Call(*channel, "Channels.GetChannel", ChannelOne());
    code = refused.error_code();
  }
  ASSERT_EQ(code, StatusCode::RESOURCE_EXHAUSTED);
  const auto quota = DetailOf<google::rpc::QuotaFailure>(refused);
  ASSERT_EQ(quota.violations_size(), 1);
  EXPECT_EQ(quota.violations(0).subject(), "principal:unix:studio");
  EXPECT_THAT(quota.violations(0).description(), HasSubstr("requests_per_second: 1"));
  const auto delay = DetailOf<google::rpc::RetryInfo>(refused).retry_delay();
  EXPECT_GT(delay.seconds() * 1'000'000'000 + delay.nanos(), 0);
  EXPECT_TRUE(Call(*Channel(Role::kViewer), "Channels.GetChannel", ChannelOne()).ok());
  EXPECT_THAT(Get("/metrics").second,
              HasSubstr("keymast_api_quota_refused_total{quota=\"requests_per_second\"} 1\n"));
}

TEST_F(LimitsTest, BeyondItsWatchesAPrincipalIsRefusedUntilOneEnds) {
  std::atomic<bool> tells = false;
  core_.set_handler([&tells](const core::CoreRequest& request) {
    core::CoreReply told;
    told.mutable_event();
    if (request.has_get_server_status()) return FakeCore::DefaultAnswers(request);
    return request.has_watch() && tells ? std::vector{told} : std::vector<core::CoreReply>();
  });
  const auto stub = v1::Rekeys::NewStub(Studio(Role::kAuditor, {}, {.watches = 1}));
  grpc::ClientContext first_context;
  const auto first = stub->Watch(&first_context, v1::WatchRequest());
  core_.WaitFor([](const auto& request) { return request.has_watch(); });
  {
    grpc::ClientContext context;
    const grpc::Status refused = stub->Watch(&context, v1::WatchRequest())->Finish();
    EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(refused).violations(0).description(),
              "watches: 1 at once");
  }
  grpc::ClientContext beside;
  const auto other = v1::Rekeys::NewStub(Channel(Role::kAuditor))->Watch(&beside, {});
  core_.WaitFor([](const auto& request) { return request.principal() == "auditor"; });
  EXPECT_THAT(Get("/metrics").second,
              HasSubstr("keymast_api_quota_refused_total{quota=\"watches\"} 1\n"));
  first_context.TryCancel();
  first->Finish();
  tells = true;
  EXPECT_TRUE(Eventually([&] {
    grpc::ClientContext context;
    v1::Event event;
    return stub->Watch(&context, v1::WatchRequest())->Read(&event);
  }));
  beside.TryCancel();
}

constexpr const char* kGiven = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

class TraceTest : public LimitsTest {
 protected:
  // The traceparent that comes back from a call with those given.
  std::string Traced(const std::vector<std::string>& given, const std::string& method) {
    grpc::ClientContext context;
    for (const std::string& parent : given) context.AddMetadata("traceparent", parent);
    Call(*Channel(Role::kViewer), method, ChannelOne(), nullptr, &context);
    const auto& metadata = context.GetServerInitialMetadata();
    const auto found = metadata.find("traceparent");
    if (found == metadata.end()) return "none";
    return {found->second.data(), found->second.size()};
  }
};

TEST_F(TraceTest, ACallGoesOnInTheTraceThatItCameWith) {
  Start();
  const std::string back = Traced({kGiven}, "Channels.GetChannel");
  EXPECT_THAT(back, MatchesRegex("00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01"));
  EXPECT_THAT(back, testing::Not(HasSubstr("b7ad6b7169203331"))) << "its span is its own";
  EXPECT_EQ(GetChannelFrame().trace_id(), std::string("\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48"
                                                      "\xeb\x21\x1c\x80\x31\x9c"));
}

TEST_F(TraceTest, WithoutAGoodOneThereIsANewTrace) {
  Start();
  const std::string first = Traced({}, "Channels.GetChannel");
  const std::string second = Traced({"00-nonsense"}, "Channels.GetChannel");
  const std::string third = Traced({kGiven, kGiven}, "Channels.GetChannel");
  for (const std::string& back : {first, second, third}) {
    EXPECT_THAT(back, MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
    EXPECT_EQ(back.find("0af7651916cd43dd"), std::string::npos);
  }
  EXPECT_NE(first.substr(3, 32), second.substr(3, 32));
  EXPECT_EQ(GetChannelFrame().trace_id().size(), 16U);
}

TEST_F(TraceTest, ADeniedCallHasItsTrace) {
  Start();
  EXPECT_THAT(Traced({kGiven}, "Channels.DeleteChannel"),
              HasSubstr("00-0af7651916cd43dd8448eb211c80319c-"));
}

}  // namespace
}  // namespace keymast::api
