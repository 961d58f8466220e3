// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/report_schedule.h"

namespace keymast::mikey::v2 {
namespace {

using std::chrono::milliseconds;
constexpr std::array<Duration, 4> kLeaveWaits = {milliseconds(500), milliseconds(1000),
                                                 milliseconds(2000), milliseconds(2000)};

}  // namespace

void ReportSchedule::Missing(Duration window, Instant now, crypto::Rng& rng) {
  if (missing_at_ != kNever) return;
  fold_ = 1;
  Plan(window, now, rng);
}

// At a random moment of the window, so that not all who miss something ask at once.
void ReportSchedule::Plan(Duration window, Instant now, crypto::Rng& rng) {
  std::array<uint8_t, 4> random{};
  rng.Fill(random);
  constexpr int64_t kParts = int64_t{1} << 20;
  missing_at_ = now + window * fold_ / kParts * (Reader(random).U32() % kParts);
  fold_ = std::min(2 * fold_, kMaxFold);
}

void ReportSchedule::Leave(Instant now) {
  if (is_leaving_) return;
  is_leaving_ = true;
  missing_at_ = kNever;
  leave_at_ = now;
}

void ReportSchedule::Left() {
  if (is_leaving_) leave_at_ = kNever;
}

std::optional<ReportKind> ReportSchedule::Due(Duration window, Instant now, crypto::Rng& rng) {
  if (deadline() == kNever || now < deadline()) return std::nullopt;
  if (!is_leaving_) {
    Plan(window, now, rng);
    return ReportKind::kMissing;
  }
  if (leaves_sent_ == kLeaveWaits.size()) {
    leave_at_ = kNever;
    return std::nullopt;
  }
  leave_at_ = now + kLeaveWaits[leaves_sent_++];
  return ReportKind::kLeave;
}

}  // namespace keymast::mikey::v2
