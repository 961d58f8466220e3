// SPDX-License-Identifier: Apache-2.0
#include "api/front.h"

#include <mutex>

#include "api/exposition.h"
#include "api/http.h"
#include "api/listeners.h"
#include "api/readiness.h"
#include "shell/log.h"

namespace keymast::api {
namespace {

constexpr Duration kStatusPeriod = std::chrono::seconds(1);
constexpr Duration kMetricsPatience = std::chrono::milliseconds(900);

CoreLink::Options LinkOptions(const ApiConfig& config) {
  CoreLink::Options options;
  options.path = config.core_socket;
  return options;
}

}  // namespace

struct Front::Impl {
  explicit Impl(ApiConfig given)
      : config(std::move(given)),
        metrics(Methods().size()),
        quota(config.max_calls),
        spans(config.collector ? std::make_unique<SpanExport>(*config.collector) : nullptr),
        link(LinkOptions(config), [this](bool) { WakeReadiness(); }),
        gate{link, metrics, quota, config.headend_patience, spans.get()} {}

  // The link may come up before there is a Readiness to tell.
  void WakeReadiness() {
    const std::lock_guard lock(mutex);
    if (readiness) readiness->Wake();
  }

  void SetState(const ServingState& now) {
    {
      const std::lock_guard lock(mutex);
      serving = now;
    }
    listeners->SetServing(now.serving);
  }
  ServingState State() const {
    const std::lock_guard lock(mutex);
    return serving;
  }

  std::string MetricsPage() {
    core::CoreRequest request;
    request.set_principal("keymast-api");
    request.mutable_metrics();
    const auto reply = link.Ask(std::move(request), kMetricsPatience);
    ApiState state{link.up(), link.connections(), link.calls()};
    state.spans_dropped = spans ? spans->dropped() : 0;
    state.not_ready = State().not_ready;
    state.http_cut = {{"too_long", http_counters.too_long},
                      {"too_slow", http_counters.too_slow},
                      {"crowded", http_counters.crowded}};
    for (const CallQuota::Count& count : quota.Counts()) {
      state.calls[count.share] = count.calls;
      state.unread[count.share] = count.unread;
      state.calls_refused[count.share] = count.refused;
    }
    for (const Acceptor::Count& count : listeners->Counts()) {
      state.connections[count.name] = count.open;
      state.connections_refused[count.name] = count.refused;
    }
    return Exposition(reply ? reply->metrics() : core::MetricsSnapshot(), metrics, state);
  }

  const ApiConfig config;
  mutable std::mutex mutex;  // guards the pointer `readiness`, and `serving`
  ServingState serving;
  RequestMetrics metrics;
  CallQuota quota;
  std::unique_ptr<SpanExport> spans;
  std::unique_ptr<Listeners> listeners;
  std::unique_ptr<Readiness> readiness;
  CoreLink link;
  Gate gate;
  HttpCounters http_counters;
  std::unique_ptr<HttpServer> http;
};

Front::Front(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

tl::expected<std::unique_ptr<Front>, Failure> Front::Open(ApiConfig config) {
  std::unique_ptr<Front> front(new Front(std::make_unique<Impl>(std::move(config))));
  Impl& impl = *front->impl_;
  auto listeners = Listeners::Open(impl.config, impl.gate,
                                   SharesOf(impl.config.descriptors, impl.config.sockets.size()));
  if (!listeners) return tl::unexpected(listeners.error());
  impl.listeners = std::move(*listeners);
  auto readiness = std::make_unique<Readiness>(
      impl.link, kStatusPeriod, [&impl](const ServingState& state) { impl.SetState(state); });
  {
    const std::lock_guard lock(impl.mutex);
    impl.readiness = std::move(readiness);
  }
  if (impl.config.http_listen.empty()) return front;
  auto http = HttpServer::Open(impl.config.http_listen,
                               {.metrics = [&impl] { return impl.MetricsPage(); },
                                .not_ready = [&impl] { return impl.State().not_ready; },
                                .alive = [&impl] { return impl.listeners->Listening(); }},
                               impl.http_counters);
  if (!http) return tl::unexpected(http.error());
  impl.http = std::move(*http);
  return front;
}

// From the outside in: nobody asks any more before the link goes.
Front::~Front() {
  Drain();
  impl_->http.reset();
  impl_->link.Stop();
}

void Front::Drain() {
  Impl& impl = *impl_;
  impl.gate.draining = true;
  std::unique_ptr<Readiness> readiness;
  {
    const std::lock_guard lock(impl.mutex);
    readiness = std::move(impl.readiness);
  }
  readiness.reset();  // its thread tells the listeners
  if (!impl.listeners) return;
  impl.SetState({false, {"draining"}});
  impl.link.EndEndless({Error::kDraining, "keymast-api is stopping", {}, {}, 1000});
  impl.listeners->Drain(impl.config.drain_timeout);
}

bool Front::ready() const { return impl_->State().serving; }
int Front::http_port() const { return impl_->http ? impl_->http->port() : 0; }
int Front::tls_port() const { return impl_->listeners ? impl_->listeners->tls_port() : 0; }

}  // namespace keymast::api
