// SPDX-License-Identifier: Apache-2.0
#include "api/span_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/sockets.h"

namespace keymast::api {
namespace {

EndedSpan Ended(const char* parent) {
  EndedSpan ended;
  ended.span = BeginSpan(ParseTraceparent(parent), true);
  ended.method = "Channels.GetChannel";
  ended.begin = std::chrono::system_clock::time_point(std::chrono::nanoseconds(1'000'000'001));
  ended.end = ended.begin + std::chrono::nanoseconds(5);
  ended.code = 13;
  return ended;
}

TEST(SpansToJson, HasTheParentAndTheTimes) {
  const auto request = nlohmann::json::parse(
      SpansToJson({Ended("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), Ended("")}));
  const auto& spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"];
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0]["traceId"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(spans[0]["parentSpanId"], "b7ad6b7169203331");
  EXPECT_EQ(spans[0]["name"], "keymast.v1.Channels/GetChannel");
  EXPECT_EQ(spans[0]["startTimeUnixNano"], "1000000001");
  EXPECT_EQ(spans[0]["endTimeUnixNano"], "1000000006");
  EXPECT_EQ(spans[0]["status"]["code"], 2);
  EXPECT_EQ(spans[0]["attributes"].size(), 4U) << "neither role nor channel";
  EXPECT_FALSE(spans[1].contains("parentSpanId"));
}

TEST(SpansToJson, HasWhatWasSentAsAChild) {
  EndedSpan ended = Ended("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  ended.sent = {BeginSpan(ended.span.context, true), ended.begin, ended.end, 3'000'000'000};
  const auto request = nlohmann::json::parse(SpansToJson({ended}));
  const auto& spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"];
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[1]["traceId"], spans[0]["traceId"]);
  EXPECT_EQ(spans[1]["parentSpanId"], spans[0]["spanId"]);
  EXPECT_NE(spans[1]["spanId"], spans[0]["spanId"]);
  EXPECT_EQ(spans[1]["attributes"][0]["value"]["intValue"], "3000000000");
}

// Connections to the collector are made and never answered, until it goes.
TEST(SpanExport, AddsBeyondItsQueueAreDropped) {
  auto silent = ListenTcp("127.0.0.1:0");
  ASSERT_TRUE(silent);
  SpanExport spans({"http://127.0.0.1:" + std::to_string(PortOf(*silent)), "/v1/traces"});
  size_t added = 0;
  while (spans.dropped() == 0 && added < 100 * SpanExport::kMaxWaiting) {
    spans.Add(Ended(""));
    ++added;
  }
  EXPECT_GT(spans.dropped(), 0U);
  EXPECT_GE(added, SpanExport::kMaxWaiting);
  silent = Err(Error::kUnavailable);
}

}  // namespace
}  // namespace keymast::api
