// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/missed_msk.h"

#include <algorithm>

namespace keymast::mikey::v2 {

bool MissedMsk::Told(KeyNumber msk, Instant now, Duration window) {
  // What nobody has told of for so long was a stray packet.
  const bool is_over = is_told() && now - latest_ > kMostWindows * window;
  if (!is_told() || is_over) {
    first_ = now;
    since_ = now;
    newest_ = msk;
  }
  latest_ = now;
  newest_ = std::max(newest_, msk);
  return now - since_ >= window || now - first_ >= kMostWindows * window;
}

MissedMsk::Effect MissedMsk::Opened(KeyNumber msk, Instant now, Duration window) {
  if (!is_told() || msk >= newest_) {
    Cured();
    return Effect::kCures;
  }
  if (now - first_ >= kMostWindows * window) return Effect::kNone;
  since_ = now;
  return Effect::kDefers;
}

}  // namespace keymast::mikey::v2
