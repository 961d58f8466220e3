// SPDX-License-Identifier: Apache-2.0
// The windows of a channel's blackouts, and when those end that an instant falls into.
#pragma once

#include <optional>
#include <vector>

#include "groups/instants.h"

namespace keymast::groups {

// Blackouts are those of one channel. What was found last is remembered, for who walks on.
class Blackouts {
 public:
  // Add takes a blackout that has passed CheckSchedule and outlives this.
  void Add(const Schedule& schedule) { windows_.emplace_back(schedule); }

  // End is when the windows end that `at` falls into, one joining the next; nothing when it falls
  // into none. Windows behind `limit` are not looked at: where those before go on until it, End is
  // some instant behind it, as where more than 4096 join.
  std::optional<Instant> End(Instant at, Instant limit);
  // End of windows that end within a year; kNever of others.
  std::optional<Instant> End(Instant at);

  // Next is when the next window begins; kNever.
  Instant Next(Instant at) const;

  // steps counts the windows that were looked at, for who bounds what that costs.
  uint64_t steps() const { return steps_; }

 private:
  class Windows {
   public:
    explicit Windows(const Schedule& schedule)
        : length_(schedule.blackout), beginnings_(schedule) {}
    // EndAt is the end of the window that `at` falls into, the latest one.
    std::optional<Instant> EndAt(Instant at);
    Instant NextBegin(Instant at) const { return beginnings_.After(at); }

   private:
    Duration length_;
    Instants beginnings_;
    // Of instants from `from_` to before `next_`: the last that had begun, if its window went on.
    Instant from_ = kNever;
    std::optional<Instant> begun_;
    Instant next_{};
  };
  std::optional<Instant> WindowEnd(Instant at);

  std::vector<Windows> windows_;
  // Instants from `first_` to before `reached_` fall into windows that go on until that at least.
  Instant first_{};
  Instant reached_{};
  uint64_t steps_ = 0;
};

}  // namespace keymast::groups
