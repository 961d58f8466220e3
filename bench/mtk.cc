// SPDX-License-Identifier: Apache-2.0
// 10,000 channels that each send an MTK message a second: lateness and processor time against a
// bare heap of as many one-second deadlines on the same kind of timer.
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdlib>
#include <queue>

#include "bench/harness.h"
#include "bench/population.h"
#include "bench/processes.h"
#include "server/transmitter.h"
#include "shell/process.h"

namespace keymast::bench {
namespace {

constexpr size_t kGroups = 10000;
constexpr double kRunSeconds = 4;
constexpr size_t kChannelsATick = 2;  // as server/shard.cc
constexpr int kRuns = 7;
constexpr double kMostMedian = 2;      // times the bare heap's
constexpr double kMostTail = 3;        // times the bare heap's, at p99
constexpr double kMostExtraCpu = 0.1;  // of a core

struct Outcome {
  double median = 0;  // seconds late
  double tail = 0;
  double cpu = 0;  // share of a core
};

class Timer {
 public:
  Timer() : fd_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC)) {}
  ~Timer() { close(fd_); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void WaitUntil(const shell::SystemClock& clock, Instant instant) {
    const int64_t boottime = clock.ToBoottime(instant);
    itimerspec when{};
    when.it_value.tv_sec = boottime / 1'000'000'000;
    when.it_value.tv_nsec = boottime % 1'000'000'000;
    timerfd_settime(fd_, TFD_TIMER_ABSTIME, &when, nullptr);
    uint64_t expirations = 0;
    if (read(fd_, &expirations, sizeof expirations) != sizeof expirations) std::abort();
  }

 private:
  int fd_;
};

Instant OnGrid(Instant instant) {
  const int64_t millisecond = 1'000'000;
  return FromUnixNanos((ToUnixNanos(instant) + millisecond - 1) / millisecond * millisecond);
}

Outcome Summary(std::vector<double> lateness, double cpu, double wall) {
  return {Median(lateness), Percentile(std::move(lateness), 0.99), cpu / wall};
}

Outcome BareHeap() {
  const shell::SystemClock clock;
  Timer timer;
  const Instant start = clock.Now();
  std::priority_queue<Instant, std::vector<Instant>, std::greater<>> heap;
  for (size_t i = 0; i < kGroups; ++i) {
    heap.push(OnGrid(start + std::chrono::microseconds(100 * i)));
  }
  std::vector<double> lateness;
  const double cpu = ThreadCpuSeconds();
  const Instant end = start + Duration(static_cast<int64_t>(kRunSeconds * 1e9));
  while (heap.top() < end) {
    timer.WaitUntil(clock, heap.top());
    const Instant now = clock.Now();
    while (heap.top() <= now) {
      const Instant due = heap.top();
      heap.pop();
      lateness.push_back(std::chrono::duration<double>(clock.Now() - due).count());
      heap.push(due + std::chrono::seconds(1));
    }
  }
  return Summary(std::move(lateness), ThreadCpuSeconds() - cpu, kRunSeconds);
}

groups::KeyPolicy OneASecond() {
  groups::KeyPolicy policy;
  policy.mtk_period = std::chrono::seconds(600);
  policy.mtk_repetition = std::chrono::seconds(1);
  policy.msk_period = std::chrono::hours(24);
  return policy;
}

Outcome Product(const rekey::State& state, server::Transmitter& transmitter) {
  const shell::SystemClock clock;
  Timer timer;
  crypto::SeededRng rng(3);
  controller::Controller core({"bmsc@example.org", {}}, state, rng, crypto::DefaultSuite());
  const Instant start = clock.Now();
  core.Start(start, false);
  // What is due at once after a start is not part of the steady state.
  while (core.NextDeadline() < start + std::chrono::seconds(1)) core.Tick(core.NextDeadline());
  std::vector<double> lateness;
  const uint64_t sent_before = transmitter.counters().sent;
  timer.WaitUntil(clock, start + std::chrono::seconds(1));
  const double cpu = ThreadCpuSeconds();
  const Instant end = clock.Now() + Duration(static_cast<int64_t>(kRunSeconds * 1e9));
  while (core.NextDeadline() < end) {
    timer.WaitUntil(clock, core.NextDeadline());
    const Instant now = clock.Now();
    while (core.NextDeadline() <= now) {
      const controller::Step step = core.Tick(now, kChannelsATick);
      transmitter.Send(step.datagrams);
      const Instant sent = clock.Now();
      for (const auto& datagram : step.datagrams) {
        lateness.push_back(std::chrono::duration<double>(sent - datagram.due).count());
      }
    }
    core.Anticipate();
  }
  Demand(transmitter.counters().sent - sent_before == lateness.size(), "a datagram was not taken");
  constexpr auto kDue = static_cast<size_t>(kGroups * kRunSeconds);
  Demand(lateness.size() >= kDue - kGroups / 100, "not every channel repeated its message");
  return Summary(std::move(lateness), ThreadCpuSeconds() - cpu, kRunSeconds);
}

std::vector<double> FieldOf(const std::vector<Outcome>& outcomes, double Outcome::*field) {
  std::vector<double> values;
  for (const Outcome& outcome : outcomes) values.push_back(outcome.*field);
  return values;
}

}  // namespace

void BenchMtk(Report& report) {
  crypto::SeededRng rng(2);
  const rekey::State state =
      MakeState(kGroups, 0, 0, OneASecond(), rng, shell::SystemClock().Now());
  auto socket = net::UdpSocket::Open(*ParseAddress("127.0.0.1"));
  Demand(socket.has_value(), "no socket on 127.0.0.1");
  const shell::SystemClock clock;
  server::Transmitter transmitter(clock, std::move(*socket), {}, nullptr);
  std::vector<Outcome> products;
  std::vector<Outcome> bares;
  Product(state, transmitter);
  BareHeap();
  for (int run = 0; run < kRuns; ++run) {
    products.push_back(Product(state, transmitter));
    bares.push_back(BareHeap());
  }
  const auto compare = [&](const char* what, double Outcome::*field) {
    return Compare(what, FieldOf(products, field), FieldOf(bares, field));
  };
  const Paired median = compare("lateness p50, s", &Outcome::median);
  const Paired tail = compare("lateness p99, s", &Outcome::tail);
  const Paired cpu = compare("processor, cores", &Outcome::cpu);
  report.AddBound("mtk", "lateness p50", median.product, median.floor, "s", kMostMedian);
  report.AddBound("mtk", "lateness p99", tail.product, tail.floor, "s", kMostTail);
  report.AddLimit("mtk", "processor above the bare heap", cpu.product - cpu.floor, "cores",
                  kMostExtraCpu);
}

}  // namespace keymast::bench
