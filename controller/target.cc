// SPDX-License-Identifier: Apache-2.0
#include "controller/target.h"

#include "controller/names.h"

namespace keymast::controller {
namespace {

template <class Ids>
std::vector<std::string> Values(const Ids& ids) {
  std::vector<std::string> values;
  for (const auto& id : ids) values.push_back(id.value);
  return values;
}

struct Targets {
  Target operator()(const CreateChannel& c) const { return {NameOf(c.channel.id), {}}; }
  Target operator()(const UpdateChannel& c) const { return {NameOf(c.id), {}}; }
  Target operator()(const DeleteChannel& c) const { return {NameOf(c.id), {}}; }
  Target operator()(const CreateSubscribers& c) const {
    if (c.subscribers.size() == 1) return {NameOf(c.subscribers.front().id), {}};
    Target target{"subscribers", {}};
    for (const NewSubscriber& one : c.subscribers) target.items.push_back(one.id.value);
    return target;
  }
  Target operator()(const DeleteSubscribers& c) const {
    if (c.ids.size() == 1) return {NameOf(c.ids.front()), {}};
    return {"subscribers", Values(c.ids)};
  }
  Target operator()(const CreateMembers& c) const {
    if (c.members.size() == 1) return {NameOf(c.channel, c.members.front().member.subscriber), {}};
    Target target{NameOf(c.channel), {}};
    for (const NewMember& one : c.members) target.items.push_back(one.member.subscriber.value);
    return target;
  }
  Target operator()(const UpdateMember& c) const {
    return {NameOf(c.channel, c.member.subscriber), {}};
  }
  Target operator()(const DeleteMember& c) const { return {NameOf(c.channel, c.subscriber), {}}; }
  Target operator()(const Join& c) const { return {NameOf(c.channel, c.subscriber), {}}; }
  Target operator()(const Leave& c) const { return {NameOf(c.channel, c.subscriber), {}}; }
  Target operator()(const Expel& c) const { return {NameOf(c.channel), Values(c.subscribers)}; }
  Target operator()(const CreateHeadend& c) const { return {NameOf(c.headend.id), {}}; }
  Target operator()(const UpdateHeadend& c) const { return {NameOf(c.id), {}}; }
  Target operator()(const DeleteHeadend& c) const { return {NameOf(c.id), {}}; }
  Target operator()(const RekeyNow& c) const { return {NameOf(c.channel), {}}; }
  Target operator()(const PutSchedule& c) const { return {NameOf(c.channel, c.schedule.id), {}}; }
  Target operator()(const DeleteSchedule& c) const { return {NameOf(c.channel, c.id), {}}; }
  Target operator()(const BeginOperation& c) const {
    return {NameOf(c.operation.id), c.operation.targets};
  }
  Target operator()(const CancelOperation& c) const { return {NameOf(c.id), {}}; }
  Target operator()(const DeleteOperation& c) const { return {NameOf(c.id), {}}; }
  Target operator()(const DeleteBackup& c) const { return {"backups/" + c.id, {}}; }
};

const rekey::ChannelState* Find(const rekey::State& state, const ChannelId& id) {
  const auto found = state.channels.find(id);
  return found == state.channels.end() ? nullptr : &found->second;
}

struct Revisions {
  const rekey::State& state;

  uint64_t Of(const ChannelId& id) const {
    const rekey::ChannelState* channel = Find(state, id);
    return channel == nullptr ? 0 : channel->channel.revision;
  }
  uint64_t Of(const SubscriberId& id) const {
    const auto found = state.subscribers.find(id);
    return found == state.subscribers.end() ? 0 : found->second.subscriber.revision;
  }
  uint64_t Of(const HeadendId& id) const {
    const auto found = state.headends.find(id);
    return found == state.headends.end() ? 0 : found->second.revision;
  }
  uint64_t Of(const ChannelId& id, const SubscriberId& subscriber) const {
    const rekey::ChannelState* channel = Find(state, id);
    if (channel == nullptr) return 0;
    const auto member = channel->members.find(subscriber);
    return member == channel->members.end() ? 0 : member->second.revision;
  }
  uint64_t Of(const ChannelId& id, const ScheduleId& schedule) const {
    const rekey::ChannelState* channel = Find(state, id);
    if (channel == nullptr) return 0;
    const auto found = channel->schedules.find(schedule);
    return found == channel->schedules.end() ? 0 : found->second.revision;
  }

  uint64_t operator()(const CreateChannel& c) const { return Of(c.channel.id); }
  uint64_t operator()(const UpdateChannel& c) const { return Of(c.id); }
  uint64_t operator()(const DeleteChannel& c) const { return Of(c.id); }
  uint64_t operator()(const CreateSubscribers& c) const {
    return c.subscribers.size() == 1 ? Of(c.subscribers.front().id) : 0;
  }
  uint64_t operator()(const DeleteSubscribers& c) const {
    return c.ids.size() == 1 ? Of(c.ids.front()) : 0;
  }
  uint64_t operator()(const CreateMembers& c) const {
    return c.members.size() == 1 ? Of(c.channel, c.members.front().member.subscriber)
                                 : Of(c.channel);
  }
  uint64_t operator()(const UpdateMember& c) const { return Of(c.channel, c.member.subscriber); }
  uint64_t operator()(const DeleteMember& c) const { return Of(c.channel, c.subscriber); }
  uint64_t operator()(const Join& c) const { return Of(c.channel, c.subscriber); }
  uint64_t operator()(const Leave& c) const { return Of(c.channel, c.subscriber); }
  uint64_t operator()(const Expel& c) const { return Of(c.channel); }
  uint64_t operator()(const CreateHeadend& c) const { return Of(c.headend.id); }
  uint64_t operator()(const UpdateHeadend& c) const { return Of(c.id); }
  uint64_t operator()(const DeleteHeadend& c) const { return Of(c.id); }
  uint64_t operator()(const RekeyNow& c) const { return Of(c.channel); }
  uint64_t operator()(const PutSchedule& c) const { return Of(c.channel, c.schedule.id); }
  uint64_t operator()(const DeleteSchedule& c) const { return Of(c.channel, c.id); }
  uint64_t operator()(const BeginOperation&) const { return 0; }
  uint64_t operator()(const CancelOperation&) const { return 0; }
  uint64_t operator()(const DeleteOperation&) const { return 0; }
  uint64_t operator()(const DeleteBackup&) const { return 0; }
};

}  // namespace

Target TargetOf(const Command& command) { return std::visit(Targets{}, command); }

uint64_t RevisionOf(const rekey::State& state, const Command& command) {
  return std::visit(Revisions{state}, command);
}

const ChannelId* ChannelOf(const Command& command) {
  if (const auto* expel = std::get_if<Expel>(&command)) return &expel->channel;
  if (const auto* rekey = std::get_if<RekeyNow>(&command)) return &rekey->channel;
  return nullptr;
}

}  // namespace keymast::controller
