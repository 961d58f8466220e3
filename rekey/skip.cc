// SPDX-License-Identifier: Apache-2.0
// What lost commits can have given out is never given out again.
#include <algorithm>

#include "rekey/ladder.h"
#include "rekey/state.h"

namespace keymast::rekey {
namespace {

constexpr uint64_t kCounterEnd = uint64_t{1} << 32;  // COUNTERs have 32 bits (RFC 3830 §6.6)

// Skip moves values of one range on by `block` for each lost commit.
struct Skip {
  uint64_t commits;
  SkipLimit limit;

  uint64_t operator()(uint64_t value, uint64_t block, uint64_t end) const {
    if (value >= end) return value;
    uint64_t room = end - value;
    if (limit == SkipLimit::kHalf) room -= room / 2;
    return value + (commits >= room / block + 1 ? room : std::min(commits * block, room));
  }
  KeyNumber operator()(KeyNumber last) const {
    return KeyNumber(static_cast<uint16_t>((*this)(last.value, 1, kLastKeyNumber)));
  }
};

}  // namespace

std::vector<Change> SkipLost(const State& state, uint64_t commits, SkipLimit limit) {
  std::vector<Change> changes;
  if (commits == 0) return changes;
  const Skip skip{commits, limit};
  changes.push_back(MukCounterReserved{skip(state.muk_counter.end, kMukCounterBlock, kCounterEnd)});
  changes.push_back(UnknownGroupsSkipped{skip(state.unknown_groups)});
  for (const auto& [number, key] : state.tickets.keys) changes.push_back(TicketKeyDropped{number});
  for (const auto& [group, last] : state.retired) {
    changes.push_back(KeyGroupRetired{group, skip(last)});
  }
  for (const auto& [id, channel] : state.channels) {
    Ladder ladder = channel.ladder;
    for (auto* msk : {&ladder.msk, &ladder.next_msk}) {
      if (!*msk) continue;
      uint64_t& end = (*msk)->counter.end;
      end = skip(end, kMtkCounterBlock, kCounterEnd);
      // An MTK that was on air must not be prepared again as one that nobody was given.
      MtkId& last = (*msk)->last_mtk;
      last = MtkId(static_cast<uint16_t>(skip(last.value, 1, (*msk)->high.value)));
    }
    ladder.last_key_number = skip(ladder.last_key_number);
    ladder.epoch += std::min(commits, kCounterEnd);
    changes.push_back(LadderPut{id, std::move(ladder)});
  }
  return changes;
}

}  // namespace keymast::rekey
