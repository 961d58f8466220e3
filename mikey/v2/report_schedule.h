// SPDX-License-Identifier: Apache-2.0
// When a member reports (MIKEYv2 §10).
#pragma once

#include "base/time.h"
#include "crypto/rng.h"
#include "mikey/v2/extensions.h"

namespace keymast::mikey::v2 {

// ReportSchedule is a member's. Every REPORT is a new one, with a new T. Who has no R opens a join
// at these moments.
class ReportSchedule {
 public:
  static constexpr uint32_t kMaxFold = 16;

  // Missing says that keys are missing; while that is known already it changes nothing. `window` is
  // the repair window, here and below.
  void Missing(Duration window, Instant now, crypto::Rng& rng);
  // Cured: what was missing has come.
  void Cured() { missing_at_ = kNever; }
  // Leave asks for `leave`, and for nothing else from now on. Left: it was answered.
  void Leave(Instant now);
  void Left();

  // When Due has something; kNever: not before one of the calls above.
  Instant deadline() const { return is_leaving_ ? leave_at_ : missing_at_; }
  // Due is the REPORT to send now, if there is one, and plans the next.
  std::optional<ReportKind> Due(Duration window, Instant now, crypto::Rng& rng);
  // Whether the member has left, answered or not.
  bool is_gone() const { return is_leaving_ && leave_at_ == kNever; }

 private:
  void Plan(Duration window, Instant now, crypto::Rng& rng);

  uint32_t fold_ = 1;
  Instant missing_at_ = kNever;
  bool is_leaving_ = false;
  size_t leaves_sent_ = 0;
  Instant leave_at_ = kNever;
};

}  // namespace keymast::mikey::v2
