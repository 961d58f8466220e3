// SPDX-License-Identifier: Apache-2.0
// The real session against a gRPC server in this process.
#include "cli/session.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::cli {
namespace {

using std::chrono::milliseconds;

class EchoChannels final : public v1::Channels::Service {
 public:
  std::atomic<int> slow = 0;  // calls that were begun

 private:
  grpc::Status GetChannel(grpc::ServerContext* context, const v1::GetChannelRequest* request,
                          v1::Channel* response) override {
    if (request->name() == "slow") {
      ++slow;
      while (!context->IsCancelled()) usleep(1000);
      return grpc::Status::CANCELLED;
    }
    if (request->name() == "absent") {
      google::rpc::ErrorInfo info;
      info.set_reason("not_found");
      google::rpc::Status details;
      details.add_details()->PackFrom(info);
      return {grpc::StatusCode::NOT_FOUND, "no such channel", details.SerializeAsString()};
    }
    response->set_name(request->name());
    return grpc::Status::OK;
  }
};

class CountingRekeys final : public v1::Rekeys::Service {
  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::Event>* writer) override {
    v1::Event event;
    const int count = request->channel() == "endless" ? 1'000'000 : 3;
    for (int i = 0; i < count; ++i) {
      event.set_resume_token(std::to_string(i));
      if (!writer->Write(event)) return grpc::Status::CANCELLED;
    }
    return {grpc::StatusCode::UNAVAILABLE, "draining"};
  }
};

class EchoHeadends final : public v1::Headends::Service {
  grpc::Status TrafficKeys(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::HeadendDirective, v1::HeadendReport>* stream) override {
    v1::HeadendReport report;
    v1::HeadendDirective directive;
    while (stream->Read(&report)) {
      directive.set_dropped_channel(report.headend());
      if (!stream->Write(directive)) return grpc::Status::CANCELLED;
    }
    return grpc::Status::OK;
  }
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    path_ = testing::TempDir() + "/session-" + std::to_string(getpid()) + ".sock";
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path_, grpc::InsecureServerCredentials());
    builder.RegisterService(&channels_);
    builder.RegisterService(&rekeys_);
    builder.RegisterService(&headends_);
    server_ = builder.BuildAndStart();
  }
  std::unique_ptr<Session> Open(Duration timeout = std::chrono::seconds(10)) {
    Target target;
    target.server = "unix:" + path_;
    target.timeout = timeout;
    auto session = Connect(target);
    EXPECT_TRUE(session);
    return std::move(*session);
  }
  static Outcome<v1::Channel> Get(Session& session, const std::string& name) {
    v1::GetChannelRequest request;
    request.set_name(name);
    v1::Channel response;
    auto called = session.Call("Channels.GetChannel", request, response);
    if (!called) return tl::unexpected(called.error());
    return response;
  }

  std::string path_;
  EchoChannels channels_;
  CountingRekeys rekeys_;
  EchoHeadends headends_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(SessionTest, CallsByName) {
  auto session = Open();
  for (const char* name : {"channels/one", "channels/two"}) {
    const auto channel = Get(*session, name);
    ASSERT_TRUE(channel) << channel.error().message;
    EXPECT_EQ(channel->name(), name);
  }
}

TEST_F(SessionTest, ErrorsKeepTheirReason) {
  const auto channel = Get(*Open(), "absent");
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().exit, Exit::kNotFound);
  EXPECT_EQ(channel.error().reason, "not_found");
  EXPECT_EQ(channel.error().message, "no such channel");
}

TEST_F(SessionTest, ASlowServerIsUnavailable) {
  const auto channel = Get(*Open(milliseconds(50)), "slow");
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().exit, Exit::kUnavailable);
}

TEST_F(SessionTest, AnAbsentServerIsUnavailableAndSaysWhatToCheck) {
  server_->Shutdown();
  const auto channel = Get(*Open(), "channels/one");
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().exit, Exit::kUnavailable);
  EXPECT_NE(channel.error().advice.find("keymast-api"), std::string::npos);
  EXPECT_TRUE(channel.error().is_outcome_known) << "the call was never sent";
}

TEST_F(SessionTest, WhatWasSentMayHaveBeenDone) {
  const auto late = Get(*Open(milliseconds(50)), "slow");
  ASSERT_FALSE(late);
  EXPECT_FALSE(late.error().is_outcome_known) << late.error().message;
  channels_.slow = 0;
  std::thread stop([this] {
    for (int i = 0; channels_.slow == 0 && i < 60'000; ++i) usleep(1000);
    server_->Shutdown(std::chrono::system_clock::now());
  });
  const auto lost = Get(*Open(), "slow");
  stop.join();
  ASSERT_FALSE(lost);
  EXPECT_FALSE(lost.error().is_outcome_known) << lost.error().message;
}

TEST_F(SessionTest, StreamsEndWithTheServersStatus) {
  v1::Event event;
  std::string tokens;
  const auto done = Open()->Stream("Rekeys.Watch", v1::WatchRequest(), event, [&] {
    tokens += event.resume_token();
    return true;
  });
  EXPECT_EQ(tokens, "012");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit, Exit::kUnavailable);
}

TEST_F(SessionTest, StreamsEndWhenTheReaderHasEnough) {
  v1::WatchRequest request;
  request.set_channel("endless");
  v1::Event event;
  int seen = 0;
  EXPECT_TRUE(Open()->Stream("Rekeys.Watch", request, event, [&] { return ++seen < 10; }));
  EXPECT_EQ(seen, 10);
}

constexpr auto kNoDeadline = Session::Deadline::kNone;

TEST_F(SessionTest, BothSidesOfAStreamGoAtOnce) {
  v1::HeadendReport report;
  v1::HeadendDirective directive;
  int sent = 0, seen = 0;
  const auto next = [&]() -> const google::protobuf::Message* {
    if (sent == 1000) return nullptr;
    report.set_headend("headends/" + std::to_string(sent++));
    return &report;
  };
  const auto done = Open()->Converse("Headends.TrafficKeys", kNoDeadline, next, directive, [&] {
    EXPECT_EQ(directive.dropped_channel(), "headends/" + std::to_string(seen++));
    return true;
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(seen, 1000);
}

TEST_F(SessionTest, AConversationEndsWhenTheReaderHasEnough) {
  v1::HeadendReport report;
  v1::HeadendDirective directive;
  int seen = 0;
  EXPECT_TRUE(Open()->Converse(
      "/keymast.v1.Headends/TrafficKeys", kNoDeadline, [&] { return &report; }, directive,
      [&] { return ++seen < 10; }));
  EXPECT_EQ(seen, 10);
}

TEST(Connect, TcpNeedsItsCertificateFiles) {
  Target target;
  target.server = "127.0.0.1:7443";
  EXPECT_EQ(Connect(target).error().exit, Exit::kUsage);
  target.tls_ca = target.tls_certificate = target.tls_key = "/absent.pem";
  const auto refused = Connect(target);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("/absent.pem"), std::string::npos);
}

}  // namespace
}  // namespace keymast::cli
