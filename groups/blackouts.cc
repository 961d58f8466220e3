// SPDX-License-Identifier: Apache-2.0
#include "groups/blackouts.h"

#include <algorithm>

namespace keymast::groups {
namespace {

// It bounds what a calendar can cost, whatever it holds: windows that join more often have no end.
constexpr int kMostJoined = 4096;
constexpr Duration kLongestWait = std::chrono::hours(24 * 366);

}  // namespace

std::optional<Instant> Blackouts::End(Instant at, Instant limit) {
  if (at == kNever) return std::nullopt;
  if (at < first_ || at >= reached_) first_ = reached_ = at;
  for (int joined = 0; reached_ <= limit; ++joined) {
    const auto further = WindowEnd(reached_);
    if (!further) break;
    reached_ = *further;
    if (joined >= kMostJoined) return kNever;
  }
  return reached_ == at ? std::nullopt : std::optional(reached_);
}

std::optional<Instant> Blackouts::End(Instant at) {
  if (at == kNever) return std::nullopt;
  const Instant limit = at + kLongestWait;
  const auto end = End(at, limit);
  return end > limit ? kNever : end;
}

Instant Blackouts::Next(Instant at) const {
  Instant next = kNever;
  for (const Windows& windows : windows_) next = std::min(next, windows.NextBegin(at));
  return next;
}

std::optional<Instant> Blackouts::Windows::EndAt(Instant at) {
  if (at < from_ || at >= next_) {
    // Windows of one schedule may overlap: the last that has begun goes on longest.
    begun_ = beginnings_.LatestIn(at - length_ + Duration(1), at);
    from_ = at;
    next_ = beginnings_.After(at);
  }
  if (!begun_ || *begun_ + length_ <= at) return std::nullopt;
  return *begun_ + length_;
}

// WindowEnd is the end of the windows that `at` falls into, the latest one.
std::optional<Instant> Blackouts::WindowEnd(Instant at) {
  std::optional<Instant> end;
  steps_ += windows_.size();
  for (Windows& windows : windows_) end = std::max(end, windows.EndAt(at));
  return end;
}

}  // namespace keymast::groups
