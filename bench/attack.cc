// SPDX-License-Identifier: Apache-2.0
// keymast-api attacked by the owner of a valid certificate, and killed, while the channels of its
// keymastd tick: how late MTK messages are, against a quiet time of the same run.
#include <csignal>
#include <cstdio>

#include "bench/air.h"
#include "bench/attack_clients.h"
#include "bench/attack_site.h"
#include "bench/attacker.h"
#include "bench/bare_timer.h"
#include "bench/harness.h"

namespace keymast::bench {
namespace {

constexpr size_t kChannels = 1000;
constexpr auto kSettle = std::chrono::seconds(12);  // a whole period of the MTKs
constexpr auto kQuiet = std::chrono::seconds(20);
constexpr auto kAfter = std::chrono::seconds(2);  // what an attack leaves behind counts as well
constexpr auto kBetweenKills = std::chrono::milliseconds(2500);
constexpr double kAttackSeconds = 6;  // short ones are repeated
constexpr double kMostLater = 5;      // milliseconds above the quiet p99
constexpr double kMostGrowth = 16;    // MiB
constexpr double kMebi = 1 << 20;

struct Named {
  const char* name;
  std::function<void()> attack;
};

// Milliseconds.
struct Lateness {
  explicit Lateness(const std::vector<double>& seconds)
      : p50(1e3 * Percentile(seconds, 0.5)),
        p99(1e3 * Percentile(seconds, 0.99)),
        latest(1e3 * Percentile(seconds, 1)),
        count(seconds.size()) {}
  double p50, p99, latest;
  size_t count;
};

void Print(const char* what, const Lateness& late) {
  std::printf("    %-14s %7zu, late by p50 %.3f ms, p99 %.3f, the latest %.3f\n", what, late.count,
              late.p50, late.p99, late.latest);
}

// Scene is everything that goes on while the attacks come.
class Scene {
 public:
  Scene(Report& report, AttackSite& site, BareTimer& machine)
      : report_(report),
        site_(site),
        machine_(machine),
        air_(site.group(), site.channels()),
        watcher_(site.Socket("auditor")),
        operator_(site.Socket("operator")) {}

  void Settle() {
    std::this_thread::sleep_for(kSettle);
    air_.Take();
    watcher_.Faults();
    operator_.Take();
    machine_.Take();
  }

  void Quiet() {
    std::this_thread::sleep_for(kQuiet);
    const Air::Heard heard = air_.Take();
    Demand(heard.missing == 0, "an MTK was not heard in a quiet time");
    const Lateness repetitions(heard.repetitions);
    const Lateness announcements(heard.announcements);
    Tell("quiet", repetitions, announcements);
    quiet_repetitions_ = repetitions.p99;
    quiet_announcements_ = announcements.p99;
    resident_ = site_.Resident();
  }

  void Attack(const Named& one, const Attacker& attacker) {
    const double begin = WallSeconds();
    const size_t connections = attacker.connections();
    const size_t cut = attacker.cut();
    const size_t ended = site_.api_ended();
    do {
      one.attack();
    } while (WallSeconds() < begin + kAttackSeconds);
    const double took = WallSeconds() - begin;
    std::this_thread::sleep_for(kAfter);
    const Air::Heard heard = air_.Take();
    const Lateness repetitions(heard.repetitions);
    const Lateness announcements(heard.announcements);
    Tell(one.name, repetitions, announcements);
    std::printf(
        "    %.1f s, %zu connections, of which keymast-api closed %zu; it ended %zu times\n", took,
        attacker.connections() - connections, attacker.cut() - cut, site_.api_ended() - ended);
    report_.AddLimit("attack", std::string(one.name) + ": repeated",
                     repetitions.latest - quiet_repetitions_, "ms later", kMostLater);
    report_.AddLimit("attack", std::string(one.name) + ": announced",
                     announcements.latest - quiet_announcements_, "ms later", kMostLater);
    missing_ += heard.missing;
  }

  void Judge() {
    report_.AddLimit("attack", "MTK messages missing", static_cast<double>(missing_), "", 0.5);
    report_.AddLimit("attack", "keymastd grown", (site_.Resident() - resident_) / kMebi, "MiB",
                     kMostGrowth);
    report_.AddLimit("attack", "events lost", static_cast<double>(faults_), "", 0.5);
    std::printf("  the watch went on %zu times; keymast-api had %.0f MiB at most\n",
                watcher_.resumed(), site_.most_api_resident() / kMebi);
  }
  size_t resumed() const { return watcher_.resumed(); }

 private:
  void Tell(const char* name, const Lateness& repetitions, const Lateness& announcements) {
    faults_ += watcher_.Faults();
    const Operator::Done done = operator_.Take();
    std::printf("  %s: an operator's changes %zu, failed %zu, slowest %.3f s; %zu events\n", name,
                done.changes, done.failed, done.slowest, watcher_.events());
    Print("repetitions", repetitions);
    Print("announcements", announcements);
    Print("a bare timer", Lateness(machine_.Take()));
  }

  Report& report_;
  AttackSite& site_;
  BareTimer& machine_;
  Air air_;
  Watcher watcher_;
  Operator operator_;
  double quiet_repetitions_ = 0;  // p99, milliseconds
  double quiet_announcements_ = 0;
  double resident_ = 0;
  size_t missing_ = 0;
  size_t faults_ = 0;
};

}  // namespace

void BenchAttack(Report& report) {
  std::signal(SIGPIPE, SIG_IGN);  // connections that are closed on the attacker
  BareTimer machine;              // before the site: as keymastd it need not yield
  AttackSite site(kChannels);
  Attacker attacker(site.tls_port(), site.certificate());
  Scene scene(report, site, machine);
  scene.Settle();
  scene.Quiet();
  const std::vector<Named> attacks = {
      {"200,000 resets", [&] { attacker.RapidResets(200'000); }},
      {"500 half prefaces", [&] { attacker.HalfPrefaces(500, kAttackSeconds); }},
      {"ping flood", [&] { attacker.Pings(50'000); }},
      {"64 MiB message", [&] { attacker.LongMessage(64 << 20); }},
      {"1 MiB metadata", [&] { attacker.LongMetadata(1 << 20); }},
  };
  for (const Named& one : attacks) scene.Attack(one, attacker);
  const size_t resumed = scene.resumed();
  scene.Attack({"kill -9",
                [&] {
                  site.KillApi();
                  std::this_thread::sleep_for(kBetweenKills);
                }},
               attacker);
  Demand(scene.resumed() > resumed, "no watch went on behind a kill");
  scene.Judge();
}

}  // namespace keymast::bench
