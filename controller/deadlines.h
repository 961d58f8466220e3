// SPDX-License-Identifier: Apache-2.0
// Deadlines of all channels: one live entry a channel in a heap. An entry that was overtaken stays
// until it comes to the top.
#pragma once

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "base/ids.h"
#include "base/time.h"

namespace keymast::controller {

class Deadlines {
 public:
  // Set moves the channel's deadline; kNever takes it away.
  void Set(const ChannelId& channel, Instant at) {
    Instant& live = live_.try_emplace(channel, kNever).first->second;
    if (live == at) return;
    live = at;
    if (at != kNever) heap_.push({at, channel});
    Trim();
  }

  void Remove(const ChannelId& channel) {
    live_.erase(channel);
    Trim();
  }

  void Clear() {
    live_.clear();
    heap_ = {};
  }

  Instant Next() const { return heap_.empty() ? kNever : heap_.top().at; }

  // Pop takes the earliest channel off, which must then be Set again. Not while Next is kNever.
  ChannelId Pop() {
    ChannelId channel = heap_.top().channel;
    heap_.pop();
    live_[channel] = kNever;
    Trim();
    return channel;
  }

 private:
  struct Entry {
    Instant at;
    ChannelId channel;
    // Ties go by name, so that the order of equal deadlines is the same in every run.
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.at != b.at ? a.at > b.at : a.channel > b.channel;
    }
  };

  void Trim() {
    while (!heap_.empty()) {
      const auto live = live_.find(heap_.top().channel);
      if (live != live_.end() && live->second == heap_.top().at) return;
      heap_.pop();
    }
  }

  std::priority_queue<Entry> heap_;
  std::unordered_map<ChannelId, Instant> live_;
};

}  // namespace keymast::controller
