// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "bench/harness.h"
#include "bench/storm_loader.h"
#include "mikey/v2/exchange_cache.h"

namespace keymast::bench {
namespace {

double At(const std::map<std::string, double>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? 0 : found->second;
}

// Exactly says how two counts differ that must not.
void Exactly(std::string& faults, const std::string& what, double is, double must) {
  if (is == must) return;
  faults += what + " " + std::to_string(static_cast<int64_t>(is)) + ", not " +
            std::to_string(static_cast<int64_t>(must)) + "; ";
}

void Between(std::string& faults, const std::string& what, double is, double least, double most) {
  if (is >= least && is <= most) return;
  faults += what + " " + std::to_string(static_cast<int64_t>(is)) + ", not " +
            std::to_string(static_cast<int64_t>(least)) + " to " +
            std::to_string(static_cast<int64_t>(most)) + "; ";
}

}  // namespace

std::string StormOutcome::Faults(const StormPlan& plan) const {
  std::string faults;
  const auto all = static_cast<double>(plan.receivers);
  const auto metric = [this](const std::string& name) { return At(metrics, name); };
  Exactly(faults, "joined", static_cast<double>(joined), all);
  Exactly(faults, "wrong keys", static_cast<double>(wrong_keys), 0);
  Exactly(faults, "intruders", static_cast<double>(intruders), 0);
  // A member whose finish never came, or whose KEYS did not, may or may not be known there.
  const double joins = metric("keymast_joins_total{psk}") + metric("keymast_joins_total{dh}");
  Between(faults, "joins that keymastd counts", joins, static_cast<double>(finished),
          static_cast<double>(exchanges));
  const double members = metric("members joined");
  Between(faults, "members that keymastd has joined", members, static_cast<double>(finished), all);
  Between(faults, "RETRYs that keymastd counts", metric("keymast_join_retries_total"),
          static_cast<double>(retries), static_cast<double>(retries + dropped));
  Exactly(faults, "datagrams that keymastd received or its kernel dropped",
          metric("keymast_datagrams_received_total") + metric("keymast_datagrams_dropped_total"),
          static_cast<double>(sent));
  Between(faults, "tickets taken", metric("keymast_join_tickets_total{taken}"),
          static_cast<double>(resumed), all * plan.by_ticket);
  Between(faults, "octets of memory above the start", memory, 0, 256 * 1024.0 * 1024);
  return faults;
}

StormOutcome RunStorm(const StormPlan& plan) {
  const People people(plan);
  const uint16_t receivers_port = FreeUdpPort();
  StormSite site(plan, people, receivers_port);
  StormLink link(receivers_port, site.port(), plan.seed, people.size() + StormLoader::kForgers);
  const double memory = site.Resident();
  StormLoader loader(plan, people, site, link);
  loader.GiveTickets();
  // The minute is the storm's alone.
  std::this_thread::sleep_for(mikey::v2::ExchangeCache::kIdle);
  const auto before = site.Metrics();
  StormOutcome outcome;
  loader.Storm(outcome);
  auto after = site.Metrics();
  Demand(site.Running(), "keymastd ended");
  outcome.memory = std::max(loader.most_memory(), site.Resident()) - memory;
  after["members joined"] =
      At(after, "keymast_members{joined}") + At(after, "keymast_members{confirmed}");
  for (const auto& [name, value] : after) {
    const bool is_count = name.find("_total") != std::string::npos;
    outcome.metrics[name] = is_count ? value - At(before, name) : value;
  }
  outcome.server_cpu = At(outcome.metrics, "keymast_core_cpu_seconds_total");
  return outcome;
}

}  // namespace keymast::bench
