// SPDX-License-Identifier: Apache-2.0
// What passes through keymast-api, and what happens when either side goes away.
#include <gmock/gmock.h>

#include <deque>
#include <future>

#include "front_fixture.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::api {
namespace {

using std::chrono::seconds;

class Forward : public FrontTest {
 protected:
  static v1::GetChannelRequest ChannelOne() {
    v1::GetChannelRequest request;
    request.set_name("channels/one");
    return request;
  }
  // Answers readiness, and leaves everything else to the test.
  static std::vector<core::CoreReply> OnlyStatus(const core::CoreRequest& request) {
    if (request.has_get_server_status()) return FakeCore::DefaultAnswers(request);
    return {};
  }
  void EventFor(uint64_t call, const std::string& resource, bool last = false) {
    core::CoreReply reply;
    reply.set_call(call);
    reply.set_last(last);
    reply.mutable_event()->set_resource(resource);
    reply.mutable_event()->set_resume_token("1." + std::to_string(++events_));
    core_.Send(reply);
  }

  uint64_t events_ = 0;
};

TEST_F(Forward, RequestAndReplyPassUnchanged) {
  core_.set_handler([](const core::CoreRequest& request) {
    if (!request.has_create_channel()) return FakeCore::DefaultAnswers(request);
    core::CoreReply reply = LastReply();
    *reply.mutable_channel() = request.create_channel().channel();
    reply.mutable_channel()->set_name("channels/" + request.create_channel().channel_id());
    return std::vector{reply};
  });
  Start();
  v1::CreateChannelRequest request;
  request.set_channel_id("one");
  request.mutable_channel()->set_display_name("Erstes");
  request.mutable_channel()->add_streams()->set_ssrc(0xa0000001);
  v1::Channel channel;
  ASSERT_TRUE(Call(*Channel(Role::kOperator), "Channels.CreateChannel", request, &channel).ok());
  EXPECT_EQ(channel.name(), "channels/one");
  EXPECT_EQ(channel.display_name(), "Erstes");
  EXPECT_EQ(channel.streams(0).ssrc(), 0xa0000001);
  const auto seen = core_.WaitFor([](const auto& r) { return r.has_create_channel(); });
  EXPECT_EQ(seen.principal(), "operator");
}

TEST_F(Forward, ErrorsArriveWithTheirDetails) {
  core_.set_handler([](const core::CoreRequest& request) {
    if (!request.has_get_channel()) return FakeCore::DefaultAnswers(request);
    core::CoreReply reply = ErrorReply("not_found", "there is no channel `one`");
    reply.mutable_error()->set_resource("channels/one");
    return std::vector{reply};
  });
  Start();
  const grpc::Status status = Call(*Channel(Role::kOperator), "Channels.GetChannel", ChannelOne());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "there is no channel `one`");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.details_size(), 2);
}

TEST_F(Forward, AnAnswerOfTheWrongKindIsInternal) {
  core_.set_handler([](const core::CoreRequest& request) {
    if (!request.has_get_channel()) return FakeCore::DefaultAnswers(request);
    core::CoreReply reply = LastReply();
    reply.mutable_member();
    return std::vector{reply};
  });
  Start();
  EXPECT_EQ(Call(*Channel(Role::kOperator), "Channels.GetChannel", ChannelOne()).error_code(),
            grpc::StatusCode::INTERNAL);
}

TEST_F(Forward, ADeadlineEndsTheCallAndCancelsIt) {
  core_.set_handler(OnlyStatus);
  Start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  EXPECT_EQ(Call(*Channel(Role::kOperator), "Channels.GetChannel", ChannelOne(), nullptr, &context)
                .error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  const auto call = core_.WaitFor([](const auto& r) { return r.has_get_channel(); }).call();
  EXPECT_EQ(core_.WaitFor([](const auto& r) { return r.has_cancel(); }).call(), call);
}

TEST_F(Forward, ALostLinkFailsCallsWithRetryInfoAndComesBack) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto channel = Channel(Role::kOperator);
  std::thread dropper([&] {
    core_.WaitFor([](const auto& r) { return r.has_get_channel(); });
    core_.Close();
  });
  const grpc::Status lost = Call(*channel, "Channels.GetChannel", ChannelOne());
  dropper.join();
  EXPECT_EQ(lost.error_code(), grpc::StatusCode::UNAVAILABLE);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(lost.error_details()));
  google::rpc::RetryInfo retry;
  ASSERT_EQ(details.details_size(), 2);
  EXPECT_TRUE(details.details(1).UnpackTo(&retry));

  ASSERT_TRUE(Eventually([&] { return !front_->ready(); }));
  EXPECT_EQ(Call(*channel, "Channels.GetChannel", ChannelOne()).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  core_.set_handler(FakeCore::DefaultAnswers);
  core_.Open();
  ASSERT_TRUE(Eventually([&] { return front_->ready(); }));
  EXPECT_TRUE(Call(*channel, "Channels.GetChannel", ChannelOne()).ok());
}

TEST_F(Forward, WatchDeliversEventsInOrderAndEndsWithTheCore) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Rekeys::NewStub(Channel(Role::kAuditor));
  grpc::ClientContext context;
  v1::WatchRequest request;
  request.set_channel("channels/one");
  request.set_resume_token("r7");
  auto reader = stub->Watch(&context, request);
  const auto seen = core_.WaitFor([](const auto& r) { return r.has_watch(); });
  EXPECT_EQ(seen.watch().resume_token(), "r7");
  for (int i = 0; i < 100; ++i) EventFor(seen.call(), std::to_string(i), i == 99);
  v1::Event event;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader->Read(&event));
    EXPECT_EQ(event.resource(), std::to_string(i));
  }
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(Forward, AWatchersLeaveIsToldToTheCore) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Rekeys::NewStub(Channel(Role::kOperator));
  grpc::ClientContext context;
  auto reader = stub->Watch(&context, v1::WatchRequest());
  const auto call = core_.WaitFor([](const auto& r) { return r.has_watch(); }).call();
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(core_.WaitFor([](const auto& r) { return r.has_cancel(); }).call(), call);
}

// It is told where to go on, and the one beside it that reads has everything.
TEST_F(Forward, ASlowWatcherIsCutOffAndAnotherIsNot) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Rekeys::NewStub(Channel(Role::kOperator));
  grpc::ClientContext slow_context;
  auto slow = stub->Watch(&slow_context, v1::WatchRequest());
  const auto slow_call = core_.WaitFor([](const auto& r) { return r.has_watch(); }).call();
  grpc::ClientContext context;
  auto reader = v1::Rekeys::NewStub(Channel(Role::kAuditor))->Watch(&context, v1::WatchRequest());
  const auto call =
      core_.WaitFor([&](const auto& r) { return r.has_watch() && r.call() != slow_call; }).call();
  constexpr int kEvents = 12000;
  std::thread reading([&] {
    v1::Event event;
    for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(reader->Read(&event)) << i;
  });
  const std::string long_name(1000, 'x');
  for (int i = 0; i < kEvents; ++i) {
    EventFor(slow_call, long_name);
    EventFor(call, "x");
  }
  reading.join();
  EXPECT_EQ(core_.WaitFor([](const auto& r) { return r.has_cancel(); }).call(), slow_call);
  v1::Event event, last;
  while (slow->Read(&event)) last = event;
  const grpc::Status status = slow->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(),
              testing::HasSubstr("resume_token \"" + last.resume_token() + "\""));
  EXPECT_THAT(Get("/metrics").second, testing::HasSubstr("keymast_api_watchers_cut_total 1\n"));
  context.TryCancel();
}

// Each is within what one watcher may have unread; all of them together are not.
TEST_F(Forward, WatchersThatDoNotReadAreBoundedTogetherAndOneThatReadsIsNotCut) {
  core_.set_handler(OnlyStatus);
  Start();
  constexpr size_t kSlow = 16;
  constexpr int kEvents = 58;  // of 64 KiB: 3.6 MiB for each
  struct Watcher {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::Event>> reader;
  };
  std::deque<Watcher> watchers(kSlow + 1);
  std::vector<uint64_t> calls;
  // Of those that do not read, gRPC would take ahead what the one that reads lets it; so they have
  // a connection of their own, and windows that do not grow.
  grpc::ChannelArguments apart;
  apart.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  const auto reads = v1::Rekeys::NewStub(Channel(Role::kAuditor));
  const auto do_not = v1::Rekeys::NewStub(grpc::CreateCustomChannel(
      "unix:" + (folder_ / "auditor.sock"), grpc::InsecureChannelCredentials(), apart));
  for (Watcher& watcher : watchers) {
    const auto& stub = calls.empty() ? reads : do_not;
    watcher.reader = stub->Watch(&watcher.context, v1::WatchRequest());
    calls.push_back(core_
                        .WaitFor([&](const auto& r) {
                          return r.has_watch() &&
                                 std::count(calls.begin(), calls.end(), r.call()) == 0;
                        })
                        .call());
  }
  std::thread reading([&] {
    v1::Event event;
    for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(watchers[0].reader->Read(&event)) << i;
  });
  const std::string long_name(64 << 10, 'x');
  for (int i = 0; i < kEvents; ++i) {
    for (const uint64_t call : calls) EventFor(call, long_name);
  }
  reading.join();
  const auto value = [this](const std::string& series) {
    const std::string page = Get("/metrics").second;
    const size_t at = page.find("\n" + series + " ");
    EXPECT_NE(at, std::string::npos) << series;
    return at == std::string::npos ? 0.0 : std::stod(page.substr(at + series.size() + 2));
  };
  const std::string unread = "keymast_api_unread_octets{share=\"auditor_streams\"}";
  EXPECT_TRUE(Eventually([&] { return value(unread) > 0 && value(unread) <= 32 << 20; }))
      << value(unread);
  EXPECT_GT(value("keymast_api_watchers_cut_total"), 0);
  EXPECT_LT(value("keymast_api_watchers_cut_total"), kSlow);
  for (Watcher& watcher : watchers) watcher.context.TryCancel();
  watchers.clear();
  EXPECT_TRUE(Eventually([&] { return value(unread) == 0; }));
}

TEST_F(Forward, TrafficKeysGoesBothWaysOnOneCall) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Headends::NewStub(Channel(Role::kHeadend));
  grpc::ClientContext context;
  auto stream = stub->TrafficKeys(&context);
  v1::HeadendReport report;
  report.set_headend("headends/a");
  ASSERT_TRUE(stream->Write(report));
  const auto first = core_.WaitFor([](const auto& r) { return r.has_headend_report(); });
  EXPECT_EQ(first.headend_report().headend(), "headends/a");
  EXPECT_EQ(first.principal(), "headend");

  core::CoreReply challenge;
  challenge.set_call(first.call());
  challenge.mutable_headend_directive()->mutable_challenge()->set_box("sealed");
  core_.Send(challenge);
  v1::HeadendDirective directive;
  ASSERT_TRUE(stream->Read(&directive));
  EXPECT_EQ(directive.challenge().box(), "sealed");

  report.set_proof("proof");
  ASSERT_TRUE(stream->Write(report));
  const auto second =
      core_.WaitFor([](const auto& r) { return !r.headend_report().proof().empty(); });
  EXPECT_EQ(second.call(), first.call());

  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(core_.WaitFor([](const auto& r) { return r.has_cancel(); }).call(), first.call());
}

TEST_F(Forward, TrafficKeysEndsWithTheLinkSoThatTheHeadendComesAgain) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Headends::NewStub(Channel(Role::kHeadend));
  grpc::ClientContext context;
  auto stream = stub->TrafficKeys(&context);
  v1::HeadendReport report;
  report.set_headend("headends/a");
  ASSERT_TRUE(stream->Write(report));
  core_.WaitFor([](const auto& r) { return r.has_headend_report(); });
  core_.Drop();
  v1::HeadendDirective directive;
  EXPECT_FALSE(stream->Read(&directive));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// keymastd stands still while an operator imports all that the link takes.
TEST_F(Forward, WhatAnOperatorSendsCutsOffNoHeadend) {
  std::promise<void> go;
  core_.set_handler([wait = go.get_future().share()](const core::CoreRequest& request) {
    if (request.has_create_subscriber()) wait.wait();
    return OnlyStatus(request);
  });
  Start();
  const auto stub = v1::Headends::NewStub(Channel(Role::kHeadend));
  grpc::ClientContext first_context, second_context;
  const auto first = stub->TrafficKeys(&first_context);
  v1::HeadendReport hello;
  hello.set_headend("headends/a");
  ASSERT_TRUE(first->Write(hello));
  core_.WaitFor([](const auto& r) { return r.has_headend_report(); });

  struct Exchange {
    grpc::ClientContext context;
    v1::Subscriber response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::Subscriber>> reader;
  };
  constexpr size_t kRequests = 64;  // of 512 KiB: four times what may wait
  const auto import = v1::Subscribers::NewStub(Channel(Role::kOperator));
  v1::CreateSubscriberRequest request;
  request.set_subscriber_id(std::string(512 << 10, 'x'));
  grpc::CompletionQueue queue;
  std::deque<Exchange> exchanges(kRequests);
  for (Exchange& exchange : exchanges) {
    exchange.reader = import->AsyncCreateSubscriber(&exchange.context, request, &queue);
    exchange.reader->Finish(&exchange.response, &exchange.status, nullptr);
  }
  void* tag = nullptr;
  bool ok = false;
  for (size_t refused = 0; refused < kRequests / 4; ++refused) ASSERT_TRUE(queue.Next(&tag, &ok));

  // More than is on the way at once: by the end the first of them have been read.
  v1::HeadendReport report;
  report.add_held()->set_channel(std::string(1 << 16, 'x'));
  const auto write = [&](auto& stream) {
    for (int i = 0; i < 512; ++i) ASSERT_TRUE(stream->Write(report)) << i;
  };
  write(first);
  const auto second = stub->TrafficKeys(&second_context);
  hello.set_headend("headends/b");
  ASSERT_TRUE(second->Write(hello));
  write(second);
  go.set_value();
  core_.WaitFor([](const auto& r) { return r.headend_report().headend() == "headends/b"; });
  v1::HeadendReport proof;
  proof.set_proof("proof");
  ASSERT_TRUE(first->Write(proof));
  core_.WaitFor([](const auto& r) { return r.headend_report().proof() == "proof"; });
  for (const auto& stream : {first.get(), second.get()}) {
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  for (Exchange& exchange : exchanges) exchange.context.TryCancel();
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

TEST_F(Forward, TrafficKeysNeedsANameFirstAndTheRole) {
  Start();
  const auto stub = v1::Headends::NewStub(Channel(Role::kHeadend));
  grpc::ClientContext context;
  auto stream = stub->TrafficKeys(&context);
  ASSERT_TRUE(stream->Write(v1::HeadendReport()));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const Role role : {Role::kOperator, Role::kViewer, Role::kAuditor}) {
    const auto other = v1::Headends::NewStub(Channel(role));
    grpc::ClientContext refused;
    EXPECT_EQ(other->TrafficKeys(&refused)->Finish().error_code(),
              grpc::StatusCode::PERMISSION_DENIED);
  }
}

TEST_F(Forward, AStreamThatNamesNoHeadendIsEnded) {
  config_.headend_patience = std::chrono::milliseconds(50);
  Start();
  const auto stub = v1::Headends::NewStub(Channel(Role::kHeadend));
  grpc::ClientContext context;
  EXPECT_EQ(stub->TrafficKeys(&context)->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(Forward, ViewersMayNotWatchAndHeadendsNothingElse) {
  Start();
  for (const Role role : {Role::kViewer, Role::kHeadend}) {
    const auto stub = v1::Rekeys::NewStub(Channel(role));
    grpc::ClientContext context;
    EXPECT_EQ(stub->Watch(&context, v1::WatchRequest())->Finish().error_code(),
              grpc::StatusCode::PERMISSION_DENIED);
  }
}

TEST_F(Forward, AMessageBeyondFourMebibytesIsRefused) {
  Start();
  v1::GetChannelRequest request;
  request.set_name(std::string(5 << 20, 'x'));
  EXPECT_EQ(Call(*Channel(Role::kOperator), "Channels.GetChannel", request).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  request.set_name(std::string(2 << 20, 'x'));
  EXPECT_EQ(Call(*Channel(Role::kOperator), "Channels.GetChannel", request).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Forward, DrainFinishesWhatIsUnderWayAndEndsStreams) {
  core_.set_handler(OnlyStatus);
  Start();
  const auto stub = v1::Rekeys::NewStub(Channel(Role::kOperator));
  grpc::ClientContext context;
  auto reader = stub->Watch(&context, v1::WatchRequest());
  core_.WaitFor([](const auto& r) { return r.has_watch(); });
  grpc::Status unary;
  std::thread caller(
      [&] { unary = Call(*Channel(Role::kOperator), "Channels.GetChannel", ChannelOne()); });
  const auto call = core_.WaitFor([](const auto& r) { return r.has_get_channel(); }).call();
  std::thread drainer([&] { front_->Drain(); });
  v1::Event event;
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  core::CoreReply reply = LastReply();
  reply.set_call(call);
  reply.mutable_channel()->set_name("channels/one");
  core_.Send(reply);
  caller.join();
  drainer.join();
  EXPECT_TRUE(unary.ok()) << unary.error_message();
  EXPECT_FALSE(front_->ready());
}

}  // namespace
}  // namespace keymast::api
