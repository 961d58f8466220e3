// SPDX-License-Identifier: Apache-2.0
#include "bench/bare_timer.h"

#include <ctime>
#include <utility>

#include "bench/harness.h"

namespace keymast::bench {
namespace {

constexpr long kPeriod = 1'000'000;  // nanoseconds

double SecondsOf(const timespec& instant) {
  return static_cast<double>(instant.tv_sec) + static_cast<double>(instant.tv_nsec) * 1e-9;
}

}  // namespace

BareTimer::BareTimer() : thread_([this] { Run(); }) {}

BareTimer::~BareTimer() {
  stopping_ = true;
  thread_.join();
}

void BareTimer::Run() {
  timespec due{};
  clock_gettime(CLOCK_MONOTONIC, &due);
  while (!stopping_) {
    due.tv_nsec += kPeriod;
    if (due.tv_nsec >= 1'000'000'000) due = {due.tv_sec + 1, due.tv_nsec - 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
    const double late = WallSeconds() - SecondsOf(due);
    const std::lock_guard lock(mutex_);
    late_.push_back(late);
  }
}

std::vector<double> BareTimer::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(late_, {});
}

}  // namespace keymast::bench
