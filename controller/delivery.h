// SPDX-License-Identifier: Apache-2.0
// Delivery is one MSK on its way to the members of a channel: who still owes its verification, and
// when each is sent the message again. It builds no messages.
//
// A push is repeated 0.5, 1, 2 and 4 s after the message before, given up after the policy's time
// and from then on tried every 10 s. A member that confirmed leaves no trace here. Where members
// are not asked to answer (V flag), the push ends with its last repetition.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace keymast::controller {

class Delivery {
 public:
  Delivery(MskId msk, bool wants_answer) : msk_(msk), wants_answer_(wants_answer) {}
  MskId msk() const { return msk_; }

  // Reserve makes room for `members` pushes.
  void Reserve(size_t members);

  // Add queues a first message to `member`; a push under way begins again.
  void Add(const SubscriberId& member);
  // Remove ends the push; false when there was none.
  bool Remove(const SubscriberId& member);

  // Wake queues the repetitions that are due at `now`, and appends to `given_up` the members whose
  // time ran out just now.
  void Wake(Instant now, Duration give_up, std::vector<SubscriberId>& given_up);

  // Ready is the next member to be sent to, first messages before repetitions; null when none is.
  const SubscriberId* Ready();
  // Sent records that the ready member was sent a message; true when it was its first. Without a
  // counter (the message could not be built) the member is tried again later.
  bool Sent(Instant now, Duration give_up, std::optional<uint32_t> counter);

  // NextDue is when the next repetition or give-up is due; kNever when none is.
  Instant NextDue();

  bool Holds(const SubscriberId& member) const { return slot_of_.contains(member); }
  bool IsUnreachable(const SubscriberId& member) const;
  // IsPending is true when `counter` is one of the last sent to `member` in this push.
  bool IsPending(const SubscriberId& member, uint32_t counter) const;
  size_t size() const { return slot_of_.size(); }

 private:
  static constexpr size_t kMostSends = 5;  // the first message and four repetitions

  struct Push {
    SubscriberId member;
    uint32_t generation = 0;  // tells a reused slot from the one an old entry meant
    uint8_t sends = 0;
    bool unreachable = false;
    bool silent = false;  // the last repetition is out: what is due next is giving up
    Instant started{};
    std::array<uint32_t, kMostSends> counters{};  // 0: none
  };
  struct Ticket {
    uint32_t slot = 0;
    uint32_t generation = 0;
  };
  struct Timer {
    Instant due;
    uint64_t order = 0;  // equal instants keep the order they were set in
    Ticket ticket;
    friend bool operator<(const Timer& a, const Timer& b) {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };

  Push* Find(Ticket ticket);
  void Arm(Ticket ticket, Instant due);
  void ArmNext(Ticket ticket, Push& push, Instant now, Duration give_up);
  std::deque<Ticket>* ReadyQueue();

  MskId msk_;
  bool wants_answer_;
  std::vector<Push> pushes_;
  std::vector<uint32_t> free_;
  std::unordered_map<SubscriberId, uint32_t> slot_of_;
  std::priority_queue<Timer> timers_;
  uint64_t timers_set_ = 0;
  std::deque<Ticket> first_;
  std::deque<Ticket> repeats_;
};

}  // namespace keymast::controller
