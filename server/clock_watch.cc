// SPDX-License-Identifier: Apache-2.0
#include "server/clock_watch.h"

#include "shell/log.h"

namespace keymast::server {
namespace {

using shell::LogLevel;
using shell::TimeLine;

constexpr Duration kStep = std::chrono::milliseconds(500);
constexpr Duration kTolerance = std::chrono::seconds(1);
constexpr Duration kOrdinary = std::chrono::seconds(1);
constexpr Duration kWhileAJumpWaits = std::chrono::milliseconds(20);

std::string InSeconds(Duration duration) {
  return std::to_string(std::chrono::duration<double>(duration).count());
}

}  // namespace

ClockWatch::ClockWatch(TimeLine& line, const shell::ClockReading& now)
    : line_(line), seen_(now), wall_minus_boottime_(now.wall - now.boottime) {}

void ClockWatch::Begin(Instant last) {
  line_.JumpTo(last, seen_.boottime);
  view_.offset = line_.OffsetAt(seen_);
  if (view_.offset >= -kTolerance) return;
  view_.unsure = true;
  shell::Log(LogLevel::kError, "clock_unsure",
             {{"behind_the_data_by", InSeconds(-view_.offset)},
              {"reason", "the clock is wrong, or was ahead when keys were made; set it right"}});
}

void ClockWatch::CountSteps() {
  const int64_t difference = seen_.wall - seen_.boottime;
  const Duration step(difference - wall_minus_boottime_);
  wall_minus_boottime_ = difference;
  if (step < kStep && step > -kStep) return;
  ++view_.steps;
  shell::Log(LogLevel::kWarning, "clock_step", {{"by", InSeconds(step)}});
}

ClockWatch::Moved ClockWatch::Look(const shell::ClockReading& now,
                                   const std::function<bool()>& is_quiet) {
  seen_ = now;
  CountSteps();
  view_.offset = line_.OffsetAt(now);
  if (view_.unsure && view_.offset > -TimeLine::kTogether) {
    view_.unsure = false;
    shell::Log(LogLevel::kInfo, "clock_sure");
  }
  const bool is_behind = view_.offset >= TimeLine::kTogether;
  if (!is_behind) waits_since_.reset();
  if (!is_behind && view_.offset > -TimeLine::kTogether) return Moved::kNot;
  bool may_jump = false;
  if (is_behind) {
    if (!waits_since_) waits_since_ = now.boottime;
    may_jump = Duration(now.boottime - *waits_since_) >= kPatience || is_quiet();
  }
  if (may_jump) waits_since_.reset();
  line_.Approach(now, may_jump);
  return may_jump ? Moved::kAhead : Moved::kSlower;
}

Duration ClockWatch::UntilNextLook() const { return waits_since_ ? kWhileAJumpWaits : kOrdinary; }

}  // namespace keymast::server
