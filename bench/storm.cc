// SPDX-License-Identifier: Apache-2.0
// 100,000 receivers join one channel of a real keymastd within a minute; what it took of its
// processor stands beside the primitives of those joins and the system calls for their datagrams.
#include "bench/storm.h"

#include <cstdio>

#include "bench/floor_send.h"
#include "bench/harness.h"
#include "bench/mikeyv2_rig.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

using mikey::v2::Mode;

constexpr double kMebi = 1024.0 * 1024;
constexpr size_t kSent = 200000;

constexpr JoinKind kPsk{.name = "PSK", .mode = Mode::kPsk};
constexpr JoinKind kDh{.name = "DH", .mode = Mode::kDh, .key = KeyType::kEd25519};

// Seconds that the primitives of one side of one join take.
double ServerSeconds(const JoinKind& kind) {
  JoinRig rig(kind, Tape::Suite());
  JoinRig::Tapes tapes;
  rig.Record(tapes);
  return 1 / RateOf(0.5, [&](size_t count) {
           for (size_t i = 0; i < count; ++i) {
             tapes.answerer.Play();
             if (mikey::v2::HasDh(kind.mode)) tapes.ahead.Play();
           }
         });
}

double At(const StormOutcome& outcome, const std::string& name) {
  const auto found = outcome.metrics.find(name);
  return found == outcome.metrics.end() ? 0 : found->second;
}

double FloorSeconds(const StormOutcome& outcome) {
  const double datagrams =
      At(outcome, "keymast_datagrams_received_total") + At(outcome, "keymast_datagrams_sent_total");
  return At(outcome, "keymast_joins_total{psk}") * ServerSeconds(kPsk) +
         At(outcome, "keymast_joins_total{dh}") * ServerSeconds(kDh) +
         datagrams / SendRate(kSent, FreeUdpPort());
}

void Print(const StormOutcome& o) {
  std::printf(
      "  %zu joined in %.1f s: %.0f joins/s; first CAP to keys p50 %.3f s, p99 %.2f s, "
      "slowest %.1f s\n",
      o.joined, o.seconds, static_cast<double>(o.joined) / o.seconds, o.p50, o.p99, o.slowest);
  std::printf("  by PSK %zu, of these %zu by ticket; by DH %zu; %zu strangers, %zu let in\n",
              o.by_mode[static_cast<size_t>(Mode::kPsk)], o.resumed,
              o.by_mode[static_cast<size_t>(Mode::kDh)], o.strangers, o.intruders);
  std::printf("  %zu exchanges, %zu CAPs, %zu forged beside them; %zu datagrams sent, %zu came\n",
              o.exchanges, o.caps, o.forged, o.sent, o.received);
  std::printf("  processor: keymastd %.1f s, loader %.1f s; memory: %.0f MiB above the start\n",
              o.server_cpu, o.loader_cpu, o.memory / kMebi);
  std::printf("  keymastd:");
  for (const auto& [name, value] : o.metrics) {
    const bool is_told = name.starts_with("keymast_join_") || name.starts_with("keymast_joins_") ||
                         name.starts_with("keymast_datagrams_");
    const bool is_twice =
        name.starts_with("keymast_datagrams_discarded") || name.ends_with("_timestamp_seconds");
    if (is_told && !is_twice && value > 0) std::printf(" %s %.0f,", name.c_str() + 8, value);
  }
  std::printf("\n");
}

}  // namespace

void BenchStorm(Report& report) {
  StormPlan plan;
  plan.pinned = true;
  const StormOutcome outcome = RunStorm(plan);
  Print(outcome);
  const std::string faults = outcome.Faults(plan);
  if (!faults.empty()) std::printf("  NOT AS IT MUST BE: %s\n", faults.c_str());
  const double floor = FloorSeconds(outcome);
  std::printf("  keymastd's processor %.1f s, its floor (primitives, system calls) %.1f s: %.2f\n",
              outcome.server_cpu, floor, floor / outcome.server_cpu);
  report.AddLimit("storm", "until 100,000 have their keys", outcome.seconds, "s",
                  plan.limit_seconds);
  report.AddLimit("storm", "faults", faults.empty() ? 0 : 1, "", 0.5);
  report.AddLimit("storm", "memory above the start", outcome.memory / kMebi, "MiB", 256);
}

}  // namespace keymast::bench
