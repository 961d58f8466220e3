// SPDX-License-Identifier: Apache-2.0
// /metrics, /livez, /readyz.
#include "api/http.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "api/exposition.h"
#include "api/methods.h"
#include "front_fixture.h"

namespace keymast::api {
namespace {

using testing::HasSubstr;
using testing::Not;

core::Metric Metric(const std::string& name, core::Metric::Type type) {
  core::Metric metric;
  metric.set_name(name);
  metric.set_help("About " + name + ".");
  metric.set_type(type);
  return metric;
}

core::MetricsSnapshot Sampled() {
  core::MetricsSnapshot snapshot;
  auto* counter = snapshot.add_metrics();
  *counter = Metric("keymast_datagrams_discarded_total", core::Metric::COUNTER);
  for (const char* reason : {"truncated", "replayed"}) {
    auto* sample = counter->add_samples();
    (*sample->mutable_labels())["reason"] = reason;
    sample->set_value(12);
  }
  auto* histogram = snapshot.add_metrics();
  *histogram = Metric("keymast_mtk_lateness_seconds", core::Metric::HISTOGRAM);
  auto* sample = histogram->add_samples();
  sample->set_value(0.25);
  for (const double bound : {0.001, 0.01}) sample->add_bounds(bound);
  for (const uint64_t count : {5U, 3U, 1U}) sample->add_counts(count);
  *snapshot.add_metrics() = Metric("keymast_key_age_seconds", core::Metric::GAUGE);
  snapshot.mutable_metrics(2)->add_samples()->set_value(1.5);
  return snapshot;
}

TEST(Exposition, WritesCountersGaugesAndCumulativeHistograms) {
  const std::string text = Exposition(Sampled(), RequestMetrics(Methods().size()), {true, 2, 3});
  EXPECT_THAT(text, HasSubstr("# TYPE keymast_datagrams_discarded_total counter\n"));
  EXPECT_THAT(text, HasSubstr("keymast_datagrams_discarded_total{reason=\"replayed\"} 12"));
  EXPECT_THAT(text, HasSubstr("keymast_mtk_lateness_seconds_bucket{le=\"0.001\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("keymast_mtk_lateness_seconds_bucket{le=\"0.01\"} 8\n"));
  EXPECT_THAT(text, HasSubstr("keymast_mtk_lateness_seconds_bucket{le=\"+Inf\"} 9\n"));
  EXPECT_THAT(text, HasSubstr("keymast_mtk_lateness_seconds_count 9\n"));
  EXPECT_THAT(text, HasSubstr("keymast_mtk_lateness_seconds_sum 0.25\n"));
  EXPECT_THAT(text, HasSubstr("keymast_api_core_up 1\n"));
  EXPECT_THAT(text, HasSubstr("keymast_api_core_connections_total 2\n"));
}

TEST(Exposition, LeavesOutWhatPrometheusWouldRefuse) {
  core::MetricsSnapshot snapshot;
  *snapshot.add_metrics() = Metric("bad name", core::Metric::GAUGE);
  snapshot.mutable_metrics(0)->add_samples();
  *snapshot.add_metrics() = Metric("keymast_bad_label", core::Metric::GAUGE);
  (*snapshot.mutable_metrics(1)->add_samples()->mutable_labels())["a:b"] = "x";
  *snapshot.add_metrics() = Metric("keymast_bad_histogram", core::Metric::HISTOGRAM);
  snapshot.mutable_metrics(2)->add_samples()->add_bounds(1);
  const std::string text = Exposition(snapshot, RequestMetrics(Methods().size()), {});
  EXPECT_THAT(text, Not(HasSubstr("bad")));
}

TEST(RequestMetrics, CountsByCodeAndLatencyOfUnaryCalls) {
  RequestMetrics metrics(2);
  metrics.Ended(1, 5, std::chrono::milliseconds(3), false);
  metrics.Ended(1, 5, std::chrono::hours(1), true);
  metrics.Ended(0, 99, std::chrono::seconds(10), false);
  EXPECT_EQ(metrics.counts()[1].calls[5], 2U);
  EXPECT_EQ(metrics.counts()[1].latency[3], 1U) << "3 ms lies below 5 ms";
  EXPECT_EQ(metrics.counts()[1].nanoseconds, 3'000'000U);
  EXPECT_EQ(metrics.counts()[0].calls[2], 1U) << "an unknown code counts as UNKNOWN";
  EXPECT_EQ(metrics.counts()[0].latency.back(), 1U);
}

TEST(Http, RefusesAnAddressThatIsNone) {
  HttpCounters counters;
  const auto opened = HttpServer::Open(
      "localhost", {[] { return ""; }, [] { return std::vector<std::string>(); }}, counters);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("http_listen"));
}

TEST(Http, ASecondServerOnAPortIsRefused) {
  const HttpPages pages{[] { return ""; }, [] { return std::vector<std::string>(); }};
  HttpCounters counters;
  const auto first = HttpServer::Open("127.0.0.1:0", pages, counters);
  ASSERT_TRUE(first);
  const auto second =
      HttpServer::Open("127.0.0.1:" + std::to_string((*first)->port()), pages, counters);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error, Error::kInUse);
}

using HttpPagesTest = FrontTest;

TEST_F(HttpPagesTest, ReadyFollowsTheLinkAndTheStore) {
  Start();
  EXPECT_EQ(Get("/livez"), std::make_pair(200, std::string("alive\n")));
  EXPECT_EQ(Get("/readyz"), std::make_pair(200, std::string("ready\n")));
  EXPECT_EQ(Get("/elsewhere").first, 404);
  core_.set_handler([](const core::CoreRequest& request) {
    auto replies = FakeCore::DefaultAnswers(request);
    if (request.has_get_server_status()) {
      replies[0].mutable_server_status()->set_store_state(v1::CLOSED);
      replies[0].mutable_server_status()->add_not_ready("store_closed");
      replies[0].mutable_server_status()->add_not_ready("key_expires");
    }
    return replies;
  });
  const std::pair closed(503, std::string("store_closed\nkey_expires\n"));
  EXPECT_TRUE(Eventually([&] { return Get("/readyz") == closed; }));
  EXPECT_FALSE(front_->ready());
  const std::string metrics = Get("/metrics").second;
  EXPECT_THAT(metrics, HasSubstr("keymast_ready 0\n"));
  EXPECT_THAT(metrics, HasSubstr("keymast_not_ready{reason=\"key_expires\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("keymast_not_ready{reason=\"core_away\"} 0\n"));
  core_.Close();
  const std::pair away(503, std::string("core_away\n"));
  EXPECT_TRUE(Eventually([&] { return Get("/readyz") == away; }));
  EXPECT_EQ(Get("/livez").first, 200);
  EXPECT_THAT(Get("/metrics").second, HasSubstr("keymast_api_core_up 0\n"));
}

TEST_F(HttpPagesTest, WhatKeymastdWarnsOfEndsReadyAndServesOn) {
  core_.set_handler([](const core::CoreRequest& request) {
    auto replies = FakeCore::DefaultAnswers(request);
    if (request.has_get_server_status()) {
      replies[0].mutable_server_status()->add_not_ready("clock_unsure");
    }
    return replies;
  });
  Start();
  EXPECT_TRUE(Eventually([&] { return Get("/readyz").second == "clock_unsure\n"; }));
  EXPECT_TRUE(front_->ready()) << "gRPC's health: calls are served";
}

TEST_F(HttpPagesTest, AKeymastdThatDoesNotAnswerIsNotReady) {
  core_.set_handler([](const core::CoreRequest& request) {
    if (request.has_get_server_status()) return std::vector<core::CoreReply>();
    return FakeCore::DefaultAnswers(request);
  });
  auto front = Front::Open(config_);
  ASSERT_TRUE(front);
  front_ = std::move(*front);
  EXPECT_TRUE(Eventually([&] { return Get("/readyz").second == "core_silent\n"; }));
  EXPECT_THAT(Get("/metrics").second, HasSubstr("keymast_not_ready{reason=\"core_silent\"} 1\n"));
}

TEST_F(HttpPagesTest, ShowsWhatThisProcessUses) {
  Start();
  const std::string text = Get("/metrics").second;
  const auto value = [&](const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_open_fds"), 5);
  EXPECT_GE(value("process_max_fds"), value("process_open_fds"));
  const auto now = static_cast<double>(time(nullptr));
  EXPECT_GT(value("process_start_time_seconds"), 1e9);
  EXPECT_LT(value("process_start_time_seconds"), now + 2);
}

TEST_F(HttpPagesTest, AliveEndsWithASocketThatNobodyCanReach) {
  Start();
  ASSERT_EQ(Get("/livez").first, 200);
  std::filesystem::remove(folder_ / "operator.sock");
  EXPECT_EQ(Get("/livez"), std::make_pair(503, std::string("not alive\n")));
}

TEST_F(HttpPagesTest, PromtoolFindsNothingToSay) {
  core_.set_handler([](const core::CoreRequest& request) {
    auto replies = FakeCore::DefaultAnswers(request);
    if (request.has_metrics()) *replies[0].mutable_metrics() = Sampled();
    return replies;
  });
  Start();
  v1::GetChannelRequest request;
  ASSERT_TRUE(Call(*Channel(Role::kOperator), "Channels.GetChannel", request).ok());
  ASSERT_FALSE(Call(*Channel(Role::kHeadend), "Channels.GetChannel", request).ok());
  const auto [status, text] = Get("/metrics");
  ASSERT_EQ(status, 200);
  EXPECT_THAT(
      text, HasSubstr("keymast_api_requests_total{code=\"OK\",method=\"Channels.GetChannel\"} 1"));
  EXPECT_THAT(text, HasSubstr("code=\"PERMISSION_DENIED\""));
  const std::string page = folder_ / "metrics";
  const std::string said = folder_ / "promtool.out";
  std::ofstream(page) << text;
  const std::string command = KEYMAST_SOURCE_DIR "/scripts/promtool " KEYMAST_BINARY_DIR
                                                 "/tools check metrics < " +
                              page + " > " + said + " 2>&1";
  const int result = std::system(command.c_str());
  std::ifstream file(said);
  const std::string output{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(result, 0) << output;
  EXPECT_EQ(output, "");
}

}  // namespace
}  // namespace keymast::api
