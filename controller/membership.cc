// SPDX-License-Identifier: Apache-2.0
// Commands that bring members in.
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

void CheckMember(const groups::Member& member, const std::string& path,
                 std::vector<FieldViolation>& wrong) {
  if (member.msk_endpoint.IsUnset() || member.msk_endpoint.IsMulticast()) {
    wrong.push_back({path + "msk_endpoint", "must be a unicast address and port"});
  }
  if (member.entitled_until <= member.entitled_from) {
    wrong.push_back({path + "entitlement_end", "must be later than entitlement_start"});
  }
}

std::vector<FieldViolation> Check(const CreateMembers& command) {
  std::vector<FieldViolation> wrong;
  for (size_t i = 0; i < command.members.size(); ++i) {
    CheckMember(command.members[i].member, "requests[" + std::to_string(i) + "].member.", wrong);
  }
  return wrong;
}

struct WhyNot {
  Error error;
  const char* what;
};

// WhyNotTakenIn: whom an operator makes join is sent MSK messages, which are under its user key.
std::optional<WhyNot> WhyNotTakenIn(const groups::Member& member,
                                    const rekey::SubscriberState& subscriber, Instant now) {
  if (!member.EntitledAt(now)) return WhyNot{Error::kNotEntitled, "is not entitled now"};
  if (!subscriber.user_key.empty()) return std::nullopt;
  return WhyNot{Error::kFailedPrecondition, "has no user key: it joins by its certificate"};
}

}  // namespace

uint32_t FirstReportT(Instant now) {
  return static_cast<uint32_t>(
      std::clamp<int64_t>(ToUnixNanos(now) / 1'000'000'000, 0, UINT32_MAX / 2));
}

// Deliver begins to push what the ladder has to a member: the MSK of now, unless it is being shut
// out, and the next one.
void Controller::Impl::Deliver(Channel& channel, const SubscriberId& subscriber, const Moment& m) {
  for (auto* delivery : {&channel.current, &channel.next}) {
    if (*delivery) (*delivery)->Add(subscriber);
  }
  SendMsks(channel, m);
}

// MarkJoined counts a member in, which the caller puts: false where it was in.
bool Controller::Impl::MarkJoined(Channel& channel, groups::Member& member, const Moment& m) {
  if (std::exchange(member.joined, true)) return false;
  ++member.revision;
  ++channel.joined;
  if (member.confirmed >= channel.ladder().msk->id) ++channel.confirmed;
  Tell(Event::Kind::kJoined, channel.id(), NameOf(channel.id(), member.subscriber), m);
  return true;
}

// Unconfirm forgets what a member, which the caller puts, said that it has.
void Controller::Impl::Unconfirm(Channel& channel, groups::Member& member) {
  if (member.confirmed >= channel.ladder().msk->id) --channel.confirmed;
  member.confirmed = {};
}

// TakeIn makes a member join: keys by unicast now, and traffic keys without waiting for the next
// repetition.
void Controller::Impl::TakeIn(Channel& channel, groups::Member member, const Moment& m) {
  const SubscriberId id = member.subscriber;
  const bool was_silent = std::exchange(member.no_msk_messages, false);
  if (MarkJoined(channel, member, m)) {
    if (member.entitled_until != kNever) channel.window_ends.emplace(member.entitled_until, id);
    Put(rekey::MemberPut{channel.id(), std::move(member)}, m);
  } else if (member.confirmed != MskId{} || was_silent) {
    // Who joins again may have lost what it confirmed, and gets it also after a restart of ours.
    Unconfirm(channel, member);
    Put(rekey::MemberPut{channel.id(), std::move(member)}, m);
  }
  Deliver(channel, id, m);
}

Controller::Impl::Outcome Controller::Impl::Handle(const CreateMembers& command, Instant now,
                                                   const Moment* m) {
  const std::string parent = NameOf(command.channel);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, parent, kNotThere);
  std::vector<FieldViolation> wrong = Check(command);
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, parent, std::move(wrong));
  std::set<std::string_view> ids;
  for (const NewMember& one : command.members) {
    const SubscriberId& id = one.member.subscriber;
    if (!state.subscribers.contains(id)) {
      return Refuse(Error::kNotFound, NameOf(id), kNotThere);
    }
    if (channel->durable->members.contains(id) || !ids.insert(id.value).second) {
      return Refuse(Error::kAlreadyExists, NameOf(command.channel, id), "exists already");
    }
    const auto why = WhyNotTakenIn(one.member, state.subscribers.at(id), now);
    if (one.join && why) return Refuse(why->error, NameOf(command.channel, id), why->what);
  }
  // The lead must suffice for all of them.
  wrong = groups::CheckPolicy(channel->policy(),
                              channel->durable->members.size() + command.members.size());
  if (!wrong.empty()) return RefuseFields(Error::kPolicyViolation, parent, std::move(wrong));
  if (auto over = OverQuota(0, command.members.size())) return tl::unexpected(std::move(*over));
  if (m == nullptr) return Reply{};

  bool joined = false;
  m->step.changes.reserve(m->step.changes.size() + command.members.size());
  m->step.events.reserve(m->step.events.size() + command.members.size());
  for (const NewMember& one : command.members) {
    groups::Member member = one.member;
    member.joined = false;
    member.confirmed = {};
    member.created = now;
    member.revision = 1;
    member.given = {};
    // Whoever had this name before was excluded since, which raised the epoch.
    member.generation = static_cast<uint32_t>(channel->ladder().epoch);
    // Whoever had its name before reported under the same R: nothing of that counts again.
    member.report_t = FirstReportT(now);
    member.takes_keys = false;
    subscribers.at(member.subscriber).memberships.push_back(command.channel);
    Tell(Event::Kind::kCreated, command.channel, NameOf(command.channel, member.subscriber), *m);
    if (one.join) {
      Put(rekey::MemberPut{command.channel, member}, *m);
      TakeIn(*channel, std::move(member), *m);
      joined = true;
    } else {
      Put(rekey::MemberPut{command.channel, std::move(member)}, *m);
    }
  }
  if (joined) Hasten(*channel, *m);
  Schedule(*channel, now);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const Join& command, Instant now,
                                                   const Moment* m) {
  const std::string name = NameOf(command.channel, command.subscriber);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  const auto member = channel->durable->members.find(command.subscriber);
  if (member == channel->durable->members.end()) return Refuse(Error::kNotFound, name, kNotThere);
  const auto& subscriber = state.subscribers.at(command.subscriber);
  if (const auto why = WhyNotTakenIn(member->second, subscriber, now)) {
    return Refuse(why->error, name, why->what);
  }
  if (m == nullptr) return Reply{};
  TakeIn(*channel, member->second, *m);
  Hasten(*channel, *m);
  Schedule(*channel, now);
  return Reply{};
}

Controller::Impl::Outcome Controller::Impl::Handle(const UpdateMember& command, Instant now,
                                                   const Moment* m) {
  const SubscriberId& id = command.member.subscriber;
  const std::string name = NameOf(command.channel, id);
  Channel* channel = Find(command.channel);
  if (channel == nullptr) return Refuse(Error::kNotFound, NameOf(command.channel), kNotThere);
  const auto found = channel->durable->members.find(id);
  if (found == channel->durable->members.end()) return Refuse(Error::kNotFound, name, kNotThere);
  groups::Member member = found->second;
  if (groups::IsAnother(command.expected, member)) {
    return Refuse(Error::kEtagMismatch, name, kIsAnother);
  }
  std::vector<FieldViolation> wrong;
  CheckMember(command.member, "member.", wrong);
  if (!wrong.empty()) return RefuseFields(Error::kInvalidArgument, name, std::move(wrong));
  // Whoever is not entitled is given and sent nothing, and is shut out (MIKEYv2 §10).
  const bool ends = member.HoldsKeys() && !command.member.EntitledAt(now);
  if (ends && !CanShutOut(*channel)) return Refuse(Error::kIdsExhausted, name, kNoNumberLeft);
  if (m == nullptr) return Reply{};

  const bool moved = member.msk_endpoint != command.member.msk_endpoint;
  channel->window_ends.erase({member.entitled_until, id});
  member.entitled_from = command.member.entitled_from;
  member.entitled_until = command.member.entitled_until;
  member.msk_endpoint = command.member.msk_endpoint;
  ++member.revision;
  if (member.HoldsKeys() && member.entitled_until != kNever) {
    channel->window_ends.emplace(member.entitled_until, id);
  }
  Put(rekey::MemberPut{command.channel, member}, *m);
  Tell(Event::Kind::kUpdated, command.channel, name, *m);
  if (moved) {
    // A push under way goes on to where the member is now.
    for (auto* delivery : {&channel->current, &channel->next}) {
      if (*delivery && (*delivery)->Holds(id)) (*delivery)->Add(id);
    }
  }
  if (ends) {
    EndJoin(*channel, member, *m);
    AfterLeave(*channel, *m);
  }
  Run(*channel, *m);
  return Reply{};
}

}  // namespace keymast::controller
