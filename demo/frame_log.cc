// SPDX-License-Identifier: Apache-2.0
#include "demo/frame_log.h"

#include <algorithm>

namespace keymast::demo {

void FrameLog::Add(FrameCode code) {
  if (code.is_tail) return;
  if (seen_.size() <= code.frame) seen_.resize(code.frame + 1);
  if (seen_[code.frame]) return;
  seen_[code.frame] = true;
  ++decoded_;
  first_ = std::min(first_.value_or(code.frame), code.frame);
  last_ = std::max(last_.value_or(code.frame), code.frame);
}

uint64_t FrameLog::Lost(uint32_t until) const {
  if (!first_ || *first_ > until) return 0;
  uint64_t lost = 0;
  for (uint32_t frame = *first_; frame <= until; ++frame) {
    lost += frame < seen_.size() && seen_[frame] ? 0u : 1u;
  }
  return lost;
}

uint64_t FrameLog::From(uint32_t frame) const {
  if (frame >= seen_.size()) return 0;
  return static_cast<uint64_t>(std::count(seen_.begin() + frame, seen_.end(), true));
}

}  // namespace keymast::demo
