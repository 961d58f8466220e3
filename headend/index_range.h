// SPDX-License-Identifier: Apache-2.0
// Packet indexes reserved ahead of their use: no crash makes one of them go out twice.
#pragma once

#include <algorithm>
#include <optional>

#include "base/ids.h"
#include "srtp/index.h"

namespace keymast::headend {

// IndexRange is what one stream may use. The end is made durable before an index below it is used;
// a start after a crash goes on at the durable end. So a crash is a jump of at most kMaxAhead: less
// than 2^15, which the guess of every receiver follows (RFC 3711 §3.3.1), with room for packets
// that a receiver lost before it.
class IndexRange {
 public:
  // The range ahead grows with use: a headend that crashes after few packets does not jump far.
  static constexpr uint64_t kFirstAhead = uint64_t{1} << 11;
  static constexpr uint64_t kMaxAhead = uint64_t{3} << 13;  // 24,576

  // Nothing is reserved at first; indexes below `first` are gone.
  explicit IndexRange(PacketIndex first) : end_(first) {}

  // end is the first index that may not be used.
  PacketIndex end() const { return end_; }

  // Wanted is the end to make durable next, when little is left above `next`: half of the first
  // range, later a quarter, so that the packet path does not run into the end during a sync.
  std::optional<PacketIndex> Wanted(PacketIndex next) const {
    if (end_.value > next.value && end_.value - next.value > ahead_ / 4) return std::nullopt;
    const PacketIndex wanted(std::min(next.value + ahead_, srtp::kIndexMask + 1));
    return wanted > end_ ? std::optional(wanted) : std::nullopt;
  }

  // Durable says that everything below `end` is reserved now.
  void Durable(PacketIndex end) {
    if (end <= end_) return;
    end_ = end;
    ahead_ = std::min(2 * ahead_, kMaxAhead);
  }

 private:
  PacketIndex end_;
  uint64_t ahead_ = kFirstAhead;
};

}  // namespace keymast::headend
