// SPDX-License-Identifier: Apache-2.0
#include "controller/delivery.h"

#include <algorithm>

#include "base/check.h"

namespace keymast::controller {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<Duration, 4> kRepeatAfter = {milliseconds(500), seconds(1), seconds(2),
                                                  seconds(4)};
constexpr Duration kRetryAfter = seconds(10);

}  // namespace

void Delivery::Reserve(size_t members) {
  pushes_.reserve(members);
  slot_of_.reserve(members);
}

void Delivery::Add(const SubscriberId& member) {
  const auto [entry, fresh] = slot_of_.try_emplace(member, 0);
  if (fresh && free_.empty()) {
    entry->second = static_cast<uint32_t>(pushes_.size());
    pushes_.emplace_back();
  } else if (fresh) {
    entry->second = free_.back();
    free_.pop_back();
  }
  Push& push = pushes_[entry->second];
  const uint32_t generation = push.generation + 1;
  const std::array<uint32_t, kMostSends> counters = push.counters;
  push = Push{};
  push.member = member;
  push.generation = generation;
  // A push that begins again still takes the answer to what it sent before.
  if (!fresh) push.counters = counters;
  first_.push_back({entry->second, generation});
}

bool Delivery::Remove(const SubscriberId& member) {
  const auto entry = slot_of_.find(member);
  if (entry == slot_of_.end()) return false;
  Push& push = pushes_[entry->second];
  const uint32_t generation = push.generation + 1;
  push = Push{};
  push.generation = generation;
  free_.push_back(entry->second);
  slot_of_.erase(entry);
  return true;
}

Delivery::Push* Delivery::Find(Ticket ticket) {
  Push& push = pushes_[ticket.slot];
  return push.generation == ticket.generation ? &push : nullptr;
}

void Delivery::Arm(Ticket ticket, Instant due) { timers_.push({due, timers_set_++, ticket}); }

void Delivery::ArmNext(Ticket ticket, Push& push, Instant now, Duration give_up) {
  if (push.unreachable) return Arm(ticket, now + kRetryAfter);
  const Instant end = push.started + give_up;
  if (push.sends <= kRepeatAfter.size() && now + kRepeatAfter[push.sends - 1U] < end) {
    return Arm(ticket, now + kRepeatAfter[push.sends - 1U]);
  }
  push.silent = true;
  Arm(ticket, std::max(end, now));
}

void Delivery::Wake(Instant now, Duration give_up, std::vector<SubscriberId>& given_up) {
  while (!timers_.empty() && timers_.top().due <= now) {
    const Ticket ticket = timers_.top().ticket;
    timers_.pop();
    Push* push = Find(ticket);
    if (push == nullptr) continue;
    if (!push->silent) {
      repeats_.push_back(ticket);
      continue;
    }
    if (!wants_answer_) {
      Remove(SubscriberId(push->member));
      continue;
    }
    push->silent = false;
    push->unreachable = true;
    given_up.push_back(push->member);
    ArmNext(ticket, *push, now, give_up);
  }
}

std::deque<Delivery::Ticket>* Delivery::ReadyQueue() {
  for (std::deque<Ticket>* queue : {&first_, &repeats_}) {
    while (!queue->empty() && Find(queue->front()) == nullptr) queue->pop_front();
    if (!queue->empty()) return queue;
  }
  return nullptr;
}

const SubscriberId* Delivery::Ready() {
  const std::deque<Ticket>* queue = ReadyQueue();
  return queue == nullptr ? nullptr : &Find(queue->front())->member;
}

bool Delivery::Sent(Instant now, Duration give_up, std::optional<uint32_t> counter) {
  std::deque<Ticket>* queue = ReadyQueue();
  KEYMAST_CHECK(queue != nullptr);
  const Ticket ticket = queue->front();
  queue->pop_front();
  Push& push = *Find(ticket);
  const bool first = push.sends == 0;
  if (first) push.started = now;
  if (push.sends < kMostSends) ++push.sends;
  if (counter) {
    std::rotate(push.counters.begin(), push.counters.end() - 1, push.counters.end());
    push.counters[0] = *counter;
  }
  ArmNext(ticket, push, now, give_up);
  return first;
}

Instant Delivery::NextDue() {
  while (!timers_.empty() && Find(timers_.top().ticket) == nullptr) timers_.pop();
  return timers_.empty() ? kNever : timers_.top().due;
}

bool Delivery::IsUnreachable(const SubscriberId& member) const {
  const auto entry = slot_of_.find(member);
  return entry != slot_of_.end() && pushes_[entry->second].unreachable;
}

bool Delivery::IsPending(const SubscriberId& member, uint32_t counter) const {
  const auto entry = slot_of_.find(member);
  if (entry == slot_of_.end() || counter == 0) return false;
  const auto& counters = pushes_[entry->second].counters;
  return std::find(counters.begin(), counters.end(), counter) != counters.end();
}

}  // namespace keymast::controller
