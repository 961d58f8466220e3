// SPDX-License-Identifier: Apache-2.0
#include "groups/instants.h"

#include "base/check.h"

namespace keymast::groups {

Instants::Instants(const Schedule& schedule) : schedule_(schedule) {
  if (schedule.timing != Timing::kCron) return;
  auto cron = Cron::Parse(schedule.cron);
  KEYMAST_CHECK(cron.has_value());
  cron_ = *cron;
}

Instant Instants::After(Instant at) const {
  if (schedule_.paused) return kNever;
  if (cron_) return cron_->After(at);
  if (schedule_.timing == Timing::kOnce) return schedule_.once > at ? schedule_.once : kNever;
  const Instant start = schedule_.start;
  if (at < start) return start;
  return start + ((at - start) / schedule_.period + 1) * schedule_.period;
}

std::optional<Instant> Instants::LatestIn(Instant first, Instant last) const {
  if (schedule_.paused) return std::nullopt;
  if (cron_) return cron_->LatestIn(first, last);
  const bool is_once = schedule_.timing == Timing::kOnce;
  const Instant start = is_once ? schedule_.once : schedule_.start;
  if (last < start) return std::nullopt;
  const Instant latest =
      is_once ? start : start + (last - start) / schedule_.period * schedule_.period;
  return latest >= first ? std::optional(latest) : std::nullopt;
}

}  // namespace keymast::groups
