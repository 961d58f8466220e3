// SPDX-License-Identifier: Apache-2.0
// Sends the spans of calls to a collector by OTLP/HTTP in JSON
// (https://opentelemetry.io/docs/specs/otlp/), on a thread of its own: a collector that is slow or
// away costs spans, never a call.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/trace_context.h"

namespace keymast::api {

// SentSpan is what keymastd had sent for a call: from when it was asked until it had.
struct SentSpan {
  Span span;
  std::chrono::system_clock::time_point begin, end;
  uint32_t datagrams = 0;
};

struct EndedSpan {
  Span span;
  std::string method;  // `Channels.GetChannel`
  std::chrono::system_clock::time_point begin, end;
  int code = 0;           // of gRPC
  std::string_view role;  // empty: of nobody known
  std::string channel;    // id; may be empty
  std::optional<SentSpan> sent = {};
};

// SpansToJson gives an ExportTraceServiceRequest.
std::string SpansToJson(const std::vector<EndedSpan>& spans);

// Collector is where spans are taken.
struct Collector {
  std::string host;  // `http://127.0.0.1:4318`
  std::string path;  // `/v1/traces`
};
// ParseCollector reads `http://HOST:PORT/PATH`; nothing for another form. TLS is left to a
// collector on this host.
std::optional<Collector> ParseCollector(std::string_view url);

class SpanExport {
 public:
  // Spans that may wait, and that go in one request.
  static constexpr size_t kMaxWaiting = 4096;
  static constexpr size_t kMaxBatch = 512;

  explicit SpanExport(Collector collector);
  // Sends at most one request of what waits.
  ~SpanExport();
  SpanExport(const SpanExport&) = delete;
  SpanExport& operator=(const SpanExport&) = delete;

  // Add drops the span when kMaxWaiting wait.
  void Add(EndedSpan span);
  // dropped counts those, and those that the collector did not take.
  uint64_t dropped() const { return dropped_; }

 private:
  void Run();
  void Send(const std::vector<EndedSpan>& spans);

  const Collector collector_;
  std::atomic<uint64_t> dropped_{0};
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<EndedSpan> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::api
