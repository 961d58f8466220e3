// SPDX-License-Identifier: Apache-2.0
#include "api/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

#include "api/methods.h"
#include "shell/usage.h"

namespace keymast::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// https://prometheus.io/docs/concepts/data_model: [a-zA-Z_:][a-zA-Z0-9_:]*, labels without colons.
bool IsName(std::string_view text, bool colons) {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
  };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

ClientMetric::Histogram Cumulative(const std::vector<double>& bounds,
                                   const std::vector<uint64_t>& counts, double sum) {
  ClientMetric::Histogram histogram;
  uint64_t seen = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({seen, bound});
  }
  histogram.sample_count = seen;
  histogram.sample_sum = sum;
  return histogram;
}

bool Append(const core::Sample& sample, MetricType type, MetricFamily& family) {
  ClientMetric metric;
  for (const auto& [name, value] : sample.labels()) {
    if (!IsName(name, false)) return false;
    metric.label.push_back({name, value});
  }
  std::sort(metric.label.begin(), metric.label.end());
  switch (type) {
    case MetricType::Counter:
      metric.counter.value = sample.value();
      break;
    case MetricType::Histogram:
      if (sample.counts_size() != sample.bounds_size() + 1) return false;
      metric.histogram =
          Cumulative({sample.bounds().begin(), sample.bounds().end()},
                     {sample.counts().begin(), sample.counts().end()}, sample.value());
      break;
    default:
      metric.gauge.value = sample.value();
  }
  family.metric.push_back(std::move(metric));
  return true;
}

void AppendCore(const core::MetricsSnapshot& snapshot, std::vector<MetricFamily>& families) {
  for (const core::Metric& metric : snapshot.metrics()) {
    if (!IsName(metric.name(), true)) continue;
    MetricFamily family{metric.name(), metric.help(), MetricType::Gauge, {}};
    if (metric.type() == core::Metric::COUNTER) family.type = MetricType::Counter;
    if (metric.type() == core::Metric::HISTOGRAM) family.type = MetricType::Histogram;
    for (const core::Sample& sample : metric.samples()) Append(sample, family.type, family);
    if (!family.metric.empty()) families.push_back(std::move(family));
  }
}

constexpr const char* kCodeNames[kCodeCount] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

void AppendRequests(const RequestMetrics& requests, std::vector<MetricFamily>& families) {
  MetricFamily calls{"keymast_api_requests_total",
                     "Calls ended, by method and status code.",
                     MetricType::Counter,
                     {}};
  MetricFamily latency{"keymast_api_request_duration_seconds",
                       "Time from a unary call's arrival to its answer.",
                       MetricType::Histogram,
                       {}};
  for (const Method& method : Methods()) {
    const MethodCounts& counts = requests.counts()[method.index];
    for (size_t code = 0; code < kCodeCount; ++code) {
      if (counts.calls[code] == 0) continue;
      ClientMetric metric;
      metric.label = {{"code", kCodeNames[code]}, {"method", method.name}};
      metric.counter.value = static_cast<double>(counts.calls[code]);
      calls.metric.push_back(std::move(metric));
    }
    const std::vector<uint64_t> buckets(counts.latency.begin(), counts.latency.end());
    if (std::all_of(buckets.begin(), buckets.end(), [](uint64_t n) { return n == 0; })) continue;
    ClientMetric metric;
    metric.label = {{"method", method.name}};
    metric.histogram = Cumulative({kLatencyBounds.begin(), kLatencyBounds.end()}, buckets,
                                  static_cast<double>(counts.nanoseconds) / 1e9);
    latency.metric.push_back(std::move(metric));
  }
  for (MetricFamily* family : {&calls, &latency}) {
    if (!family->metric.empty()) families.push_back(std::move(*family));
  }
}

uint64_t DeniedBy(const RequestMetrics& requests, Denial denial) {
  return requests.denied[static_cast<size_t>(denial)];
}

MetricFamily Single(const char* name, const char* help, MetricType type, double value) {
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {name, help, type, {metric}};
}

MetricFamily ByLabel(const char* name, const char* help, MetricType type, const char* label,
                     const std::map<std::string, uint64_t>& values) {
  MetricFamily family{name, help, type, {}};
  for (const auto& [of, value] : values) {
    ClientMetric metric = Single(name, help, type, static_cast<double>(value)).metric.front();
    metric.label = {{label, of}};
    family.metric.push_back(std::move(metric));
  }
  return family;
}

// All reasons that there are have a series, so that one can be seen to begin.
constexpr const char* kNotReady[] = {"core_away",     "core_silent",  "store_closed", "no_space",
                                     "audit_blocked", "clock_unsure", "key_expires",  "draining"};

void AppendReadiness(const std::vector<std::string>& not_ready,
                     std::vector<MetricFamily>& families) {
  families.push_back(Single("keymast_ready", "Whether /readyz says so (0 or 1).", MetricType::Gauge,
                            not_ready.empty() ? 1 : 0));
  std::map<std::string, uint64_t> reasons;
  for (const char* reason : kNotReady) reasons[reason] = 0;
  for (const std::string& reason : not_ready) reasons[reason] = 1;
  families.push_back(ByLabel("keymast_not_ready", "1 for each reason why it is not ready.",
                             MetricType::Gauge, "reason", reasons));
}

// By the names that client libraries of Prometheus give what a process uses.
void AppendProcess(std::vector<MetricFamily>& families) {
  const shell::Usage usage = shell::MeasureUsage();
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(Single(name, help, MetricType::Gauge, value));
  };
  families.push_back(Single("process_cpu_seconds_total", "Processor time of keymast-api.",
                            MetricType::Counter, usage.cpu_seconds));
  gauge("process_resident_memory_bytes", "Resident memory of keymast-api.",
        static_cast<double>(usage.resident_octets));
  gauge("process_open_fds", "Descriptors that keymast-api has open.",
        static_cast<double>(usage.open_descriptors));
  gauge("process_max_fds", "Descriptors that keymast-api may have open.",
        static_cast<double>(usage.most_descriptors));
  gauge("process_start_time_seconds", "When keymast-api was started, Unix time.", usage.started);
}

}  // namespace

std::string Exposition(const core::MetricsSnapshot& snapshot, const RequestMetrics& requests,
                       const ApiState& state) {
  std::vector<MetricFamily> families;
  AppendCore(snapshot, families);
  AppendRequests(requests, families);
  families.push_back(Single("keymast_api_core_up",
                            "Whether keymast-api is connected to keymastd (0 or 1).",
                            MetricType::Gauge, state.core_up ? 1 : 0));
  families.push_back(Single("keymast_api_core_connections_total",
                            "Connections to keymastd made since the start.", MetricType::Counter,
                            static_cast<double>(state.core_connections)));
  families.push_back(Single("keymast_api_core_calls", "Calls to keymastd under way.",
                            MetricType::Gauge, static_cast<double>(state.core_calls)));
  families.push_back(
      ByLabel("keymast_api_calls", "Calls under way.", MetricType::Gauge, "share", state.calls));
  families.push_back(ByLabel("keymast_api_unread_octets",
                             "Octets of answers that clients have yet to take.", MetricType::Gauge,
                             "share", state.unread));
  families.push_back(ByLabel("keymast_api_calls_refused_total",
                             "Calls refused because their role had its share.", MetricType::Counter,
                             "share", state.calls_refused));
  families.push_back(ByLabel("keymast_api_connections", "gRPC connections open.", MetricType::Gauge,
                             "listener", state.connections));
  families.push_back(ByLabel("keymast_api_connections_refused_total",
                             "gRPC connections refused because their listener had its share.",
                             MetricType::Counter, "listener", state.connections_refused));
  families.push_back(ByLabel("keymast_api_http_cut_total",
                             "HTTP connections ended without an answer to a request.",
                             MetricType::Counter, "reason", state.http_cut));
  families.push_back(ByLabel("keymast_api_denied_total", "Calls denied.", MetricType::Counter,
                             "reason",
                             {{"unknown_name", DeniedBy(requests, Denial::kUnknownName)},
                              {"role", DeniedBy(requests, Denial::kRole)},
                              {"channel", DeniedBy(requests, Denial::kChannel)}}));
  families.push_back(ByLabel(
      "keymast_api_quota_refused_total",
      "Calls refused because their principal had reached its limit.", MetricType::Counter, "quota",
      {{"requests_per_second", requests.beyond_rate}, {"watches", requests.beyond_watches}}));
  families.push_back(Single("keymast_api_spans_dropped_total",
                            "Spans that the collector did not get.", MetricType::Counter,
                            static_cast<double>(state.spans_dropped)));
  families.push_back(Single("keymast_api_watchers_cut_total", "Watchers that read too slowly.",
                            MetricType::Counter, static_cast<double>(requests.watchers_cut)));
  AppendReadiness(state.not_ready, families);
  AppendProcess(families);
  ClientMetric build;
  build.label = {{"version", KEYMAST_VERSION}};
  build.gauge.value = 1;
  families.push_back(
      {"keymast_api_build_info", "Version of keymast-api.", MetricType::Gauge, {build}});
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(families);
}

}  // namespace keymast::api
