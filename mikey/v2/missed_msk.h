// SPDX-License-Identifier: Apache-2.0
// Since when a member has been told of an MSK that it lacks, and what ends that (MIKEYv2 §10).
#pragma once

#include "base/ids.h"
#include "base/time.h"

namespace keymast::mikey::v2 {

// MissedMsk is a member's, of one group. Nobody proves what tells of the MSK, and what opens may be
// a packet played again: neither may decide alone whether the member asks.
class MissedMsk {
 public:
  static constexpr int kMostWindows = 16;  // of the longest window

  // Told: an MKI or an MTK message names an MSK of the group that is not held, and not past. True
  // when it has been so for longer than the repair window: REPORT `missing` is due.
  bool Told(KeyNumber msk, Instant now, Duration window);

  // Opened: a packet authenticated under an MSK, or a message brought that one.
  enum class Effect : uint8_t {
    kCures,   // nothing is missing: no REPORT is due any more
    kDefers,  // what is planned is off, until Told says so again
    kNone,    // it was deferred for as long as may be
  };
  Effect Opened(KeyNumber msk, Instant now, Duration window);

  // Cured: keys have come from the controller, who knows which there are.
  void Cured() { first_ = kNever; }
  bool is_told() const { return first_ != kNever; }

 private:
  KeyNumber newest_;         // that was told of
  Instant first_ = kNever;   // since when; kNever: nothing is missing
  Instant since_ = kNever;   // the same, deferred
  Instant latest_ = kNever;  // told
};

}  // namespace keymast::mikey::v2
