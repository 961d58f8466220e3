// SPDX-License-Identifier: Apache-2.0
#include "api/span_export.h"

#include <grpcpp/support/status_code_enum.h>
#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"

// The library is built with it, and a class of its header is larger then.
#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
#error "httplib.h must be read with the macros of pkg-config cpp-httplib"
#endif

namespace keymast::api {
namespace {

using nlohmann::json;

constexpr std::string_view kScheme = "http://";
constexpr auto kDelay = std::chrono::milliseconds(500);  // so that one request takes many spans
constexpr auto kConnectPatience = std::chrono::seconds(1);
constexpr auto kPatience = std::chrono::seconds(2);
constexpr int kServerSpan = 2;  // SPAN_KIND_SERVER
constexpr int kProducer = 4;    // SPAN_KIND_PRODUCER
constexpr int kFailed = 2;      // STATUS_CODE_ERROR

json Attribute(const char* key, std::string_view text) {
  return {{"key", key}, {"value", {{"stringValue", text}}}};
}

json Attribute(const char* key, int64_t number) {
  return {{"key", key}, {"value", {{"intValue", std::to_string(number)}}}};
}

std::string UnixNanos(std::chrono::system_clock::time_point time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

// What OpenTelemetry's conventions for gRPC count as the server's failure.
bool IsFailure(int code) {
  switch (code) {
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return true;
    default:
      return false;
  }
}

json ToJson(const SentSpan& sent) {
  return {{"traceId", ToHex(sent.span.context.trace_id)},
          {"spanId", ToHex(sent.span.context.span_id)},
          {"parentSpanId", ToHex(sent.span.parent_id)},
          {"name", "keymastd send"},
          {"kind", kProducer},
          {"startTimeUnixNano", UnixNanos(sent.begin)},
          {"endTimeUnixNano", UnixNanos(sent.end)},
          {"attributes", json::array({Attribute("keymast.datagrams", int64_t{sent.datagrams})})}};
}

json ToJson(const EndedSpan& ended) {
  const size_t dot = ended.method.find('.');
  const std::string service = "keymast.v1." + ended.method.substr(0, dot);
  const std::string method = ended.method.substr(dot + 1);
  json span = {{"traceId", ToHex(ended.span.context.trace_id)},
               {"spanId", ToHex(ended.span.context.span_id)},
               {"name", service + "/" + method},
               {"kind", kServerSpan},
               {"startTimeUnixNano", UnixNanos(ended.begin)},
               {"endTimeUnixNano", UnixNanos(ended.end)},
               {"attributes",
                json::array({Attribute("rpc.system", "grpc"), Attribute("rpc.service", service),
                             Attribute("rpc.method", method),
                             Attribute("rpc.grpc.status_code", int64_t{ended.code})})}};
  if (ended.span.parent_id != decltype(ended.span.parent_id){}) {
    span["parentSpanId"] = ToHex(ended.span.parent_id);
  }
  if (!ended.role.empty()) span["attributes"].push_back(Attribute("keymast.role", ended.role));
  if (!ended.channel.empty()) {
    span["attributes"].push_back(Attribute("keymast.channel", ended.channel));
  }
  if (IsFailure(ended.code)) span["status"] = {{"code", kFailed}};
  return span;
}

}  // namespace

std::string SpansToJson(const std::vector<EndedSpan>& spans) {
  json list = json::array();
  for (const EndedSpan& span : spans) {
    list.push_back(ToJson(span));
    if (span.sent) list.push_back(ToJson(*span.sent));
  }
  const json scope = {{"name", "keymast-api"}, {"version", KEYMAST_VERSION}};
  const json attributes = json::array(
      {Attribute("service.name", "keymast-api"), Attribute("service.version", KEYMAST_VERSION)});
  const json of_scope = {{"scope", scope}, {"spans", std::move(list)}};
  const json of_resource = {{"resource", {{"attributes", attributes}}},
                            {"scopeSpans", json::array({of_scope})}};
  const json request = {{"resourceSpans", json::array({of_resource})}};
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Collector> ParseCollector(std::string_view url) {
  if (!url.starts_with(kScheme)) return std::nullopt;
  const size_t slash = url.find('/', kScheme.size());
  if (slash == std::string_view::npos || slash == kScheme.size()) return std::nullopt;
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::all_of(url.begin(), url.end(), is_plain)) return std::nullopt;
  Collector collector{std::string(url.substr(0, slash)), std::string(url.substr(slash))};
  return httplib::Client(collector.host).is_valid() ? std::optional(collector) : std::nullopt;
}

SpanExport::SpanExport(Collector collector)
    : collector_(std::move(collector)), thread_([this] { Run(); }) {}

SpanExport::~SpanExport() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  came_.notify_all();
  thread_.join();
}

void SpanExport::Add(EndedSpan span) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) {
      ++dropped_;
      return;
    }
    waiting_.push_back(std::move(span));
  }
  came_.notify_one();
}

void SpanExport::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    came_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    came_.wait_for(lock, kDelay, [this] { return stopping_ || waiting_.size() >= kMaxBatch; });
    const bool last = stopping_;
    std::vector<EndedSpan> batch;
    while (!waiting_.empty() && batch.size() < kMaxBatch) {
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    if (last) dropped_ += waiting_.size();
    lock.unlock();
    if (!batch.empty()) Send(batch);
    if (last) return;
    lock.lock();
  }
}

void SpanExport::Send(const std::vector<EndedSpan>& spans) {
  httplib::Client client(collector_.host);
  client.set_connection_timeout(kConnectPatience);
  client.set_read_timeout(kPatience);
  client.set_write_timeout(kPatience);
  const auto answer = client.Post(collector_.path.c_str(), SpansToJson(spans), "application/json");
  if (!answer || answer->status / 100 != 2) dropped_ += spans.size();
}

}  // namespace keymast::api
