// SPDX-License-Identifier: Apache-2.0
// Members that go: by themselves, at the end of their window, or expelled.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {

using rekey::RekeyReason;

namespace {

// Of the 65,535 Key Numbers of a group members take these by leaving themselves: some at once, then
// one each minute, and ever more rarely the fewer are left. It takes a month until half of them are
// gone, and as long for each half after that; none of the last ones goes so.
constexpr uint32_t kOwnLeavesAtOnce = 16;
constexpr Duration kOwnLeaveEach = std::chrono::minutes(1);
constexpr uint32_t kReservedNumbers = 256;

Rate RateOfOwnLeaves(const rekey::Ladder& ladder) {
  const uint32_t left = std::max<uint32_t>(rekey::KeyNumbersLeft(ladder), 1);
  return {kOwnLeavesAtOnce, kOwnLeaveEach * int64_t{rekey::kLastKeyNumber} / int64_t{left}};
}

}  // namespace

// CanShutOut is rekey's veto: an exclusion needs a Key Number, one already promised needs another.
bool Controller::Impl::CanShutOut(const Channel& channel) const {
  const rekey::Ladder& ladder = channel.ladder();
  const bool promised = channel.excluding && rekey::Excludes(ladder.next_msk_reason);
  return promised || rekey::CanMakeMsk(ladder);
}

// MayLeave: a member that leaves by itself takes none of the numbers that are kept for the
// operator.
bool Controller::Impl::MayLeave(const Channel& channel) const {
  const rekey::Ladder& ladder = channel.ladder();
  const bool takes_none = rekey::Excludes(ladder.next_msk_reason);
  return CanShutOut(channel) && (takes_none || rekey::KeyNumbersLeft(ladder) > kReservedNumbers);
}

void Controller::Impl::StopSending(Channel& channel, const SubscriberId& id) {
  for (auto* delivery : {&channel.current, &channel.next}) {
    if (*delivery) (*delivery)->Remove(id);
  }
  channel.pushed.erase(id);
}

void Controller::Impl::Withdraw(Channel& channel, const groups::Member& member) {
  StopSending(channel, member.subscriber);
  channel.window_ends.erase({member.entitled_until, member.subscriber});
  if (!member.joined) return;
  --channel.joined;
  if (member.confirmed >= channel.ladder().msk->id) --channel.confirmed;
}

void Controller::Impl::CountLeave(const Channel& channel, const SubscriberId& id, const Moment& m) {
  const rekey::SubscriberState& known = state.subscribers.at(id);
  groups::Subscriber subscriber = known.subscriber;
  keying.End(subscriber.identity, channel.id());
  ++subscriber.leaves;
  Put(rekey::SubscriberPut{std::move(subscriber), known.user_key}, m);
}

// EndJoin takes the mark away with the join: the change of keys that follows is decided in the same
// step.
void Controller::Impl::EndJoin(Channel& channel, groups::Member member, const Moment& m) {
  Withdraw(channel, member);
  const std::string name = NameOf(channel.id(), member.subscriber);
  const bool was_joined = std::exchange(member.joined, false);
  member.given = {};
  member.generation =
      std::max(member.generation + 1, static_cast<uint32_t>(channel.ladder().epoch));
  ++member.revision;
  CountLeave(channel, member.subscriber, m);
  Put(rekey::MemberPut{channel.id(), std::move(member)}, m);
  if (was_joined) Tell(Event::Kind::kLeft, channel.id(), name, m);
}

// AfterLeave changes the keys as the channel's policy says.
void Controller::Impl::AfterLeave(Channel& channel, const Moment& m) {
  const rekey::Ladder& ladder = channel.ladder();
  switch (channel.policy().leave) {
    case groups::LeavePolicy::kNextMsk:
      // The next MSK shuts the leaver out, unless it was given that one already.
      if (!ladder.next_msk) break;
      [[fallthrough]];
    case groups::LeavePolicy::kImmediate:
      ShutOut(channel, RekeyReason::kLeave, m);
      break;
    case groups::LeavePolicy::kBatched: {
      if (rekey::Excludes(ladder.next_msk_reason)) break;  // it joins the batch
      ShutOutBy(channel, m.now + channel.policy().batch_window, m);
      break;
    }
  }
}

// ShutOutBy plans the change of keys that leavers wait for. The change that is due anyway may come
// first; as an exclusion it is not delivered ahead.
void Controller::Impl::ShutOutBy(Channel& channel, Instant at, const Moment& m) {
  rekey::Ladder planned = channel.ladder();
  planned.next_msk_change = std::min(planned.next_msk_change, rekey::OnGrid(at));
  planned.next_msk_reason = RekeyReason::kLeave;
  Put(rekey::LadderPut{channel.id(), std::move(planned)}, m);
}

// AfterOwnLeave: nobody uses the Key Numbers up by joining and leaving. Beyond the rate leavers
// wait for each other.
void Controller::Impl::AfterOwnLeave(Channel& channel, const Moment& m) {
  const rekey::Ladder& ladder = channel.ladder();
  if (rekey::Excludes(ladder.next_msk_reason)) return;  // it joins those
  const bool waits_anyway =
      channel.policy().leave == groups::LeavePolicy::kNextMsk && !ladder.next_msk;
  if (waits_anyway) return;
  const Rate rate = RateOfOwnLeaves(ladder);
  const bool is_in_rate = channel.own_leaves.Allows(rate, m.now);
  const Instant next = channel.own_leaves.full_until - rate.each * (rate.burst - 1);
  channel.own_leaves.Count(rate, std::max(m.now, next));
  if (is_in_rate) return AfterLeave(channel, m);
  ShutOutBy(channel, next, m);
}

void Controller::Impl::Remove(Channel& channel, const SubscriberId& subscriber, const Moment& m) {
  const groups::Member& member = channel.durable->members.at(subscriber);
  Withdraw(channel, member);
  if (member.HoldsKeys()) CountLeave(channel, subscriber, m);
  std::erase(subscribers.at(subscriber).memberships, channel.id());
  Put(rekey::MemberDeleted{channel.id(), subscriber}, m);
  Tell(Event::Kind::kExpelled, channel.id(), NameOf(channel.id(), subscriber), m);
}

// EndWindows makes those leave whose entitlement ended. Where no other key can follow they keep
// their marks, and are sent nothing any more.
void Controller::Impl::EndWindows(Channel& channel, const Moment& m) {
  bool any = false;
  const bool can_shut_out = CanShutOut(channel);
  while (!channel.window_ends.empty() && channel.window_ends.begin()->first <= m.now) {
    const SubscriberId id = channel.window_ends.begin()->second;
    if (!can_shut_out) {
      StopSending(channel, id);
      channel.window_ends.erase(channel.window_ends.begin());
      continue;
    }
    EndJoin(channel, channel.durable->members.at(id), m);
    any = true;
  }
  if (any) AfterLeave(channel, m);
}

Controller::Impl::Outcome Controller::Impl::Handle(const Leave& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.channel, command.subscriber);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  const auto member = channel->durable->members.find(command.subscriber);
  if (member == channel->durable->members.end()) return Refuse(Error::kNotFound, name, kNotThere);
  if (!member->second.HoldsKeys()) {
    return Refuse(Error::kFailedPrecondition, name, "has not joined");
  }
  if (!CanShutOut(*channel)) return Refuse(Error::kIdsExhausted, name, kNoNumberLeft);
  if (m == nullptr) return Reply{};
  EndJoin(*channel, member->second, *m);
  AfterLeave(*channel, *m);
  Schedule(*channel, now);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const DeleteMember& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.channel, command.subscriber);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  const auto member = channel->durable->members.find(command.subscriber);
  if (member == channel->durable->members.end()) {
    if (command.allow_missing) return Reply{};
    return Refuse(Error::kNotFound, name, kNotThere);
  }
  if (groups::IsAnother(command.expected, member->second)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  const bool holds_keys = member->second.HoldsKeys();
  if (holds_keys && !CanShutOut(*channel)) return Refuse(Error::kIdsExhausted, name, kNoNumberLeft);
  if (m == nullptr) return Reply{};
  Remove(*channel, command.subscriber, *m);
  Reply reply;
  if (holds_keys) reply.rekey = ShutOut(*channel, RekeyReason::kExclusion, *m);
  Schedule(*channel, now);
  return reply;
}

Controller::Impl::Outcome Controller::Impl::Handle(const Expel& command, Instant now,
                                                   const Moment* m) {
  const std::string parent = NameOf(command.channel);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, parent, kNotThere);
  if (command.subscribers.empty()) {
    return RefuseFields(Error::kInvalidArgument, parent, {{"names", "must name a member"}});
  }
  if (groups::IsAnother(command.expected, channel->durable->channel)) {
    return Refuse(Error::kEtagMismatch, parent, kIsAnother);
  }
  const std::set<SubscriberId> leavers(command.subscribers.begin(), command.subscribers.end());
  for (const SubscriberId& id : leavers) {
    if (channel->durable->members.contains(id)) continue;
    return Refuse(Error::kNotFound, NameOf(command.channel, id), kNotThere);
  }
  if (!CanShutOut(*channel)) return Refuse(Error::kIdsExhausted, parent, kNoNumberLeft);
  Reply reply;
  if (m == nullptr) {
    const auto is_joined = [&](const SubscriberId& id) {
      return channel->durable->members.at(id).joined;
    };
    reply.remaining = channel->joined - size_t(std::ranges::count_if(leavers, is_joined));
    return reply;
  }
  for (const SubscriberId& id : leavers) Remove(*channel, id, *m);
  reply.rekey = ShutOut(*channel, RekeyReason::kExclusion, *m);
  reply.remaining = channel->joined;
  Schedule(*channel, now);
  return reply;
}

}  // namespace keymast::controller
