// SPDX-License-Identifier: Apache-2.0
// Which frames a receiver's decoder gave out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "demo/frame_code.h"

namespace keymast::demo {

// FrameLog keeps the numbers of counted frames; each counts once, in whatever order they come.
class FrameLog {
 public:
  void Add(FrameCode code);
  void AddUnreadable() { ++unreadable_; }

  uint64_t decoded() const { return decoded_; }
  uint64_t unreadable() const { return unreadable_; }
  std::optional<uint32_t> first() const { return first_; }
  std::optional<uint32_t> last() const { return last_; }
  // Lost counts the numbers from the first one decoded to `until`, inclusive, that never came.
  // Without a first one there are none.
  uint64_t Lost(uint32_t until) const;
  // From counts the frames decoded whose number is `frame` or more.
  uint64_t From(uint32_t frame) const;

 private:
  std::vector<bool> seen_;
  uint64_t decoded_ = 0;
  uint64_t unreadable_ = 0;
  std::optional<uint32_t> first_;
  std::optional<uint32_t> last_;
};

}  // namespace keymast::demo
