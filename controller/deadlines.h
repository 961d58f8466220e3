// SPDX-License-Identifier: Apache-2.0
// Deadlines of all channels: one live entry a channel in a heap. An entry that was overtaken stays
// until it comes to the top. Of ten thousand channels none is in a cache when its turn comes, so
// that nothing is looked up by name here.
#pragma once

#include <algorithm>
#include <vector>

#include "base/time.h"

namespace keymast::controller {

// Owner has an `Instant deadline`, kNever at first, that belongs to this class. It stays where it
// is until it is removed.
template <class Owner>
class Deadlines {
 public:
  // Set moves the owner's deadline; kNever takes it away.
  void Set(Owner& owner, Instant at) {
    if (owner.deadline == at) return;
    owner.deadline = at;
    if (at != kNever) {
      heap_.push_back({at, ++set_, &owner});
      std::push_heap(heap_.begin(), heap_.end());
    }
    Trim();
  }

  // Remove forgets an owner; it takes time in proportion to all of them.
  void Remove(Owner& owner) {
    owner.deadline = kNever;
    std::erase_if(heap_, [&owner](const Entry& entry) { return entry.owner == &owner; });
    std::make_heap(heap_.begin(), heap_.end());
    Trim();
  }

  // Clear forgets all owners, which may be gone already.
  void Clear() { heap_.clear(); }

  Instant Next() const { return heap_.empty() ? kNever : heap_.front().at; }

  // VisitNext calls `visit` for owners whose deadline is Next, in no order, for at most `most`.
  template <class Visit>
  void VisitNext(size_t most, const Visit& visit) const {
    if (!heap_.empty()) VisitFrom(0, most, visit);
  }

  // Pop takes the earliest owner off, which must then be Set again. Not while Next is kNever.
  Owner& Pop() {
    Owner& owner = *heap_.front().owner;
    Drop();
    owner.deadline = kNever;
    Trim();
    return owner;
  }

 private:
  struct Entry {
    Instant at;
    uint64_t order;  // equal deadlines come in the order they were set in: the same in every run
    Owner* owner;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  // The entries that are as early as the first one hang together at the top of the heap.
  template <class Visit>
  void VisitFrom(size_t index, size_t& most, const Visit& visit) const {
    if (most == 0 || index >= heap_.size() || heap_[index].at != Next()) return;
    Owner& owner = *heap_[index].owner;
    if (owner.deadline == Next()) {
      --most;
      visit(owner);
    }
    VisitFrom(2 * index + 1, most, visit);
    VisitFrom(2 * index + 2, most, visit);
  }

  void Drop() {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
  }
  void Trim() {
    while (!heap_.empty() && heap_.front().owner->deadline != heap_.front().at) Drop();
  }

  std::vector<Entry> heap_;
  uint64_t set_ = 0;
};

}  // namespace keymast::controller
