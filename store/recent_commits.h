// SPDX-License-Identifier: Apache-2.0
// The changes of the newest commits, in memory: what Watch answers from.
#pragma once

#include <deque>

#include "store/store.h"

namespace keymast::store {

// RecentCommits keeps the newest commits since the store was opened, at most kCommits of them and
// kOctets of their keys and values, but always the newest. Not thread-safe.
class RecentCommits {
 public:
  static constexpr size_t kCommits = 1024;
  static constexpr size_t kOctets = size_t{1024} * 1024;

  // `base` is the revision at which the store was opened.
  explicit RecentCommits(Revision base) : oldest_(base), newest_(base) {}

  // Add takes the changes of commit newest() + 1, all of that revision.
  void Add(std::vector<WatchEvent> events);

  // Changes after oldest() are kept, and states from oldest() on can be told.
  Revision oldest() const { return oldest_; }
  Revision newest() const { return newest_; }

  // Find is kCompacted below oldest() and kInvalidArgument above newest().
  Status Find(Revision revision) const;
  // Since answers Store::Watch.
  Result<std::vector<WatchEvent>> Since(std::string_view prefix, Revision from, size_t limit) const;

 private:
  struct Commit {
    std::vector<WatchEvent> events;
    size_t octets = 0;
  };

  Revision oldest_;
  Revision newest_;
  size_t octets_ = 0;
  std::deque<Commit> commits_;  // those after oldest_, in order
};

}  // namespace keymast::store
