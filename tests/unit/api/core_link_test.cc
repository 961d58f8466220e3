// SPDX-License-Identifier: Apache-2.0
#include "api/core_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <future>
#include <set>

#include "api/sockets.h"
#include "fake_core.h"

namespace keymast::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Recorder final : public CallSink {
 public:
  explicit Recorder(bool endless = false) : endless_(endless) {}
  void OnReply(core::CoreReply& reply) override {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
  }
  void OnFailed(const Failure& failure) override {
    const std::lock_guard lock(mutex_);
    failures_.push_back(failure);
  }
  bool endless() const override { return endless_; }
  size_t replies() {
    const std::lock_guard lock(mutex_);
    return replies_.size();
  }
  std::vector<Failure> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  const bool endless_;
  std::mutex mutex_;
  std::vector<core::CoreReply> replies_;
  std::vector<Failure> failures_;
};

class CoreLinkTest : public testing::Test {
 protected:
  CoreLink::Options Options() {
    CoreLink::Options options;
    options.path = folder_ / "core.sock";
    options.first_backoff = milliseconds(1);
    options.longest_backoff = milliseconds(10);
    return options;
  }
  void WaitUp(CoreLink& link) {
    ASSERT_TRUE(Eventually([&] { return link.up(); }));
  }
  static core::CoreRequest Watch() {
    core::CoreRequest request;
    request.mutable_watch();
    return request;
  }
  static core::CoreRequest Get(const std::string& name) {
    core::CoreRequest request;
    request.mutable_get_channel()->set_name(name);
    return request;
  }

  TestFolder folder_;
};

std::vector<core::CoreReply> EchoName(const core::CoreRequest& request) {
  if (!request.has_get_channel()) return FakeCore::DefaultAnswers(request);
  core::CoreReply reply = LastReply();
  reply.mutable_channel()->set_name(request.get_channel().name());
  return {reply};
}

std::vector<core::CoreReply> Silence(const core::CoreRequest&) { return {}; }

TEST_F(CoreLinkTest, SaysHelloFirst) {
  FakeCore core(folder_ / "core.sock");
  CoreLink link(Options());
  const auto hello = core.WaitFor([](const auto&) { return true; });
  EXPECT_EQ(hello.hello().protocol(), 1U);
  EXPECT_EQ(hello.hello().version(), KEYMAST_VERSION);
}

TEST_F(CoreLinkTest, AnotherProtocolVersionIsNotSpoken) {
  FakeCore core(folder_ / "core.sock");
  core.set_protocol(2);
  CoreLink link(Options());
  ASSERT_TRUE(Eventually([&] { return core.CountOf(core::CoreRequest::kHello) >= 3; }));
  EXPECT_FALSE(link.up());
  EXPECT_EQ(link.Start(Watch(), std::make_shared<Recorder>()).error().error, Error::kUnavailable);
}

TEST_F(CoreLinkTest, ManyCallsAtOnceEachGetTheirOwnAnswer) {
  FakeCore core(folder_ / "core.sock", EchoName);
  CoreLink link(Options());
  WaitUp(link);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&link, thread] {
      for (int i = 0; i < 100; ++i) {
        const std::string name = std::to_string(thread) + "/" + std::to_string(i);
        const auto reply = link.Ask(Get(name), seconds(10));
        ASSERT_TRUE(reply) << reply.error().message;
        EXPECT_EQ(reply->channel().name(), name);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(link.calls(), 0U);
}

TEST_F(CoreLinkTest, WithoutAServerCallsAreRefusedAtOnce) {
  CoreLink link(Options());
  const auto refused = link.Start(Watch(), std::make_shared<Recorder>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, Error::kUnavailable);
  EXPECT_GT(refused.error().retry_after_ms, 0U);
}

TEST_F(CoreLinkTest, ALostConnectionFailsWhatIsUnderWayAndIsMadeAgain) {
  FakeCore core(folder_ / "core.sock", Silence);
  std::atomic<int> ups = 0, downs = 0;
  CoreLink link(Options(), [&](bool up) { ++(up ? ups : downs); });
  WaitUp(link);
  auto one = std::make_shared<Recorder>();
  auto two = std::make_shared<Recorder>(true);
  ASSERT_TRUE(link.Start(Get("a"), one));
  ASSERT_TRUE(link.Start(Watch(), two));
  core.Drop();
  ASSERT_TRUE(Eventually([&] { return !one->failures().empty() && !two->failures().empty(); }));
  EXPECT_EQ(one->failures()[0].error, Error::kUnavailable);
  EXPECT_GT(one->failures()[0].retry_after_ms, 0U);
  core.set_handler(EchoName);
  ASSERT_TRUE(Eventually([&] { return ups == 2 && link.up(); }));
  EXPECT_EQ(downs, 1);
  EXPECT_EQ(link.connections(), 2U);
  EXPECT_TRUE(link.Ask(Get("again"), seconds(10)));
}

TEST_F(CoreLinkTest, ComesBackAfterAServerThatWasAway) {
  FakeCore core(folder_ / "core.sock", EchoName);
  CoreLink link(Options());
  WaitUp(link);
  core.Close();
  ASSERT_TRUE(Eventually([&] { return !link.up(); }));
  core.Open();
  WaitUp(link);
  EXPECT_TRUE(link.Ask(Get("again"), seconds(10)));
}

TEST_F(CoreLinkTest, CancelTellsTheServerOnceAndLaterRepliesFindNobody) {
  FakeCore core(folder_ / "core.sock", Silence);
  CoreLink link(Options());
  WaitUp(link);
  auto sink = std::make_shared<Recorder>(true);
  const uint64_t call = link.Start(Watch(), sink).value();
  EXPECT_TRUE(link.Cancel(call));
  EXPECT_FALSE(link.Cancel(call));
  const auto cancel = core.WaitFor([](const auto& r) { return r.has_cancel(); });
  EXPECT_EQ(cancel.call(), call);
  core::CoreReply late = LastReply();
  late.set_call(call);
  late.mutable_event();
  core.Send(late);
  core.set_handler(EchoName);
  ASSERT_TRUE(link.Ask(Get("behind it"), seconds(10)));
  EXPECT_EQ(sink->replies(), 0U);
  EXPECT_EQ(core.CountOf(core::CoreRequest::kCancel), 1U);
}

TEST_F(CoreLinkTest, StreamsDeliverUntilTheLastReply) {
  FakeCore core(folder_ / "core.sock", Silence);
  CoreLink link(Options());
  WaitUp(link);
  auto sink = std::make_shared<Recorder>(true);
  const uint64_t call = link.Start(Watch(), sink).value();
  core::CoreReply event;
  event.set_call(call);
  event.mutable_event()->set_resource("channels/one");
  for (int i = 0; i < 4; ++i) {
    event.set_last(i == 3);
    core.Send(event);
  }
  ASSERT_TRUE(Eventually([&] { return sink->replies() == 4; }));
  EXPECT_EQ(link.Send(call, Watch(), Urgency::kReport).error().error, Error::kNotFound);
  EXPECT_EQ(link.calls(), 0U);
}

// Hung is a link to a keymastd that hangs: the fake's thread does, and what the socket takes is
// soon full.
class Hung : public CoreLinkTest {
 protected:
  Hung()
      : core_(folder_ / "core.sock",
              [wait = go_.get_future().share()](const core::CoreRequest& request) {
                wait.wait();
                return EchoName(request);
              }),
        link_(Limits(Options())) {
    WaitUp(link_);
  }
  ~Hung() override { go_.set_value(); }

  tl::expected<uint64_t, Failure> Start(Urgency urgency) {
    return link_.Start(large_, std::make_shared<Recorder>(), urgency);
  }
  // Fill starts requests until none is taken any more: what the writer has taken from the queue
  // stands in the socket, once that is full.
  bool Fill(Urgency urgency) {
    int in_a_row = 0;
    return Eventually([&] {
      in_a_row = Start(urgency) ? 0 : in_a_row + 1;
      return in_a_row == 10;
    });
  }

  const core::CoreRequest large_ = Get(std::string(1 << 16, 'x'));
  std::promise<void> go_;
  FakeCore core_;
  CoreLink link_;

 private:
  static CoreLink::Options Limits(CoreLink::Options options) {
    options.max_queued = 1 << 20;
    options.reserve = 1 << 18;
    options.headends = 1 << 18;
    return options;
  }
};

TEST_F(Hung, WhatWaitsForTheSocketIsBoundedAndUrgentRequestsHaveAReserve) {
  ASSERT_TRUE(Fill(Urgency::kOrdinary));
  const auto refused = Start(Urgency::kOrdinary);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, Error::kTooManyRequests);
  EXPECT_EQ(refused.error().limit.name, "core_queue");
  EXPECT_TRUE(Start(Urgency::kUrgent));
  EXPECT_TRUE(Eventually([&] { return !Start(Urgency::kUrgent); }));
}

// However much of others waits, headends have their part; and however many of their reports wait,
// a name or a proof still goes.
TEST_F(Hung, WhatOthersHaveWaitingLeavesHeadendsTheirPart) {
  ASSERT_TRUE(Fill(Urgency::kUrgent));
  const auto call = Start(Urgency::kHeadend);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_TRUE(link_.Send(*call, large_, Urgency::kReport));
  const auto dropped = link_.Send(*call, large_, Urgency::kReport);
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().error, Error::kTooManyRequests);
  EXPECT_TRUE(link_.Send(*call, large_, Urgency::kHeadend));
  EXPECT_TRUE(Start(Urgency::kHeadend));
  EXPECT_FALSE(Start(Urgency::kHeadend)) << "their part has a bound as well";
  EXPECT_FALSE(Start(Urgency::kUrgent)) << "and is theirs alone";
}

TEST_F(CoreLinkTest, ARequestBeyondOneFrameIsRefusedAndTheLinkLives) {
  FakeCore core(folder_ / "core.sock", EchoName);
  CoreLink link(Options());
  WaitUp(link);
  EXPECT_EQ(link.Ask(Get(std::string(1 << 20, 'x')), seconds(10)).error().error, Error::kTooLong);
  EXPECT_TRUE(link.Ask(Get("small"), seconds(10)));
  EXPECT_EQ(link.connections(), 1U);
}

TEST_F(CoreLinkTest, AskGivesUpOnASilentServerAndCancels) {
  FakeCore core(folder_ / "core.sock", Silence);
  CoreLink link(Options());
  WaitUp(link);
  EXPECT_EQ(link.Ask(Get("a"), milliseconds(1)).error().error, Error::kUnavailable);
  core.WaitFor([](const auto& r) { return r.has_cancel(); });
}

TEST_F(CoreLinkTest, AskTellsTheServersError) {
  FakeCore core(folder_ / "core.sock", [](const core::CoreRequest&) {
    return std::vector{ErrorReply("not_found", "no such channel")};
  });
  CoreLink link(Options());
  WaitUp(link);
  EXPECT_EQ(link.Ask(Get("a"), seconds(10)).error().error, Error::kNotFound);
}

TEST_F(CoreLinkTest, UnreadableFramesEndTheConnectionNotTheProcess) {
  FakeCore core(folder_ / "core.sock", EchoName);
  CoreLink link(Options());
  for (const std::string& octets :
       {std::string("\xff\xff\xff\xff", 4), std::string("\x00\x00\x00\x02\xff\xff", 6)}) {
    WaitUp(link);
    const uint64_t before = link.connections();
    core.SendRaw(octets);
    ASSERT_TRUE(Eventually([&] { return link.connections() == before + 1; }));
  }
}

TEST_F(CoreLinkTest, ADrainEndsEndlessCallsOnly) {
  FakeCore core(folder_ / "core.sock", Silence);
  CoreLink link(Options());
  WaitUp(link);
  auto unary = std::make_shared<Recorder>();
  auto stream = std::make_shared<Recorder>(true);
  ASSERT_TRUE(link.Start(Get("a"), unary));
  ASSERT_TRUE(link.Start(Watch(), stream));
  link.EndEndless({Error::kDraining, "stopping", {}, {}, 1});
  ASSERT_EQ(stream->failures().size(), 1U);
  EXPECT_EQ(stream->failures()[0].error, Error::kDraining);
  EXPECT_TRUE(unary->failures().empty());
  EXPECT_EQ(link.calls(), 1U);
}

TEST_F(CoreLinkTest, StopFailsWhatIsUnderWay) {
  FakeCore core(folder_ / "core.sock", Silence);
  CoreLink link(Options());
  WaitUp(link);
  auto sink = std::make_shared<Recorder>();
  ASSERT_TRUE(link.Start(Get("a"), sink));
  link.Stop();
  EXPECT_EQ(sink->failures().size(), 1U);
}

TEST_F(CoreLinkTest, StopInterruptsAGreetingThatIsNotAnswered) {
  FakeCore core(folder_ / "core.sock");
  CoreLink first(Options());
  WaitUp(first);
  CoreLink second(Options());  // the fake serves one at a time: this one waits for its Hello
  EXPECT_FALSE(second.up());
  second.Stop();
  EXPECT_EQ(second.connections(), 0U);
}

TEST_F(CoreLinkTest, StopInterruptsAConnectionThatIsNotAccepted) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder_ / "core.sock";
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const Descriptor listener(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(listener.get(), generic, sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 0), 0);
  std::vector<Descriptor> waiting;
  do {
    waiting.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  } while (connect(waiting.back().get(), generic, sizeof address) == 0);
  CoreLink link(Options());
  link.Stop();
  EXPECT_EQ(link.connections(), 0U);
}

TEST(FailureOfCoreError, KeepsEverything) {
  core::CoreError error;
  error.set_reason("policy_violation");
  error.set_message("m");
  error.set_resource("channels/one");
  error.set_retry_after_ms(7);
  error.add_violations()->set_field("policy.mtk_lead");
  const Failure failure = FailureOf(error);
  EXPECT_EQ(failure.error, Error::kPolicyViolation);
  EXPECT_EQ(failure.message, "m");
  EXPECT_EQ(failure.resource, "channels/one");
  EXPECT_EQ(failure.retry_after_ms, 7U);
  ASSERT_EQ(failure.violations.size(), 1U);
  EXPECT_EQ(failure.violations[0].field, "policy.mtk_lead");
}

TEST(FailureOfCoreError, AnUnknownReasonIsInternal) {
  core::CoreError error;
  error.set_reason("of a later version");
  EXPECT_EQ(FailureOf(error).error, Error::kInternal);
}

}  // namespace
}  // namespace keymast::api
