// SPDX-License-Identifier: Apache-2.0
#include "controller/target.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "controller/names.h"

namespace keymast::controller {
namespace {

struct Target {
  std::string resource;
  std::vector<std::string> items;
};

// No id has a `=`: items with it are no names.
std::string LevelItem(std::string_view level) { return "level=" + std::string(level); }

std::string KeyIdOf(const rekey::Rekey& rekey) {
  const uint32_t msk = rekey.msk.value();
  const std::array<uint8_t, 4> octets = {static_cast<uint8_t>(msk >> 24),
                                         static_cast<uint8_t>(msk >> 16),
                                         static_cast<uint8_t>(msk >> 8), static_cast<uint8_t>(msk)};
  std::string text = ToHex(octets);
  if (rekey.level == rekey::KeyLevel::kMtk) text += "." + std::to_string(rekey.mtk.value);
  return text;
}

template <class Ids>
std::vector<std::string> Values(const Ids& ids) {
  std::vector<std::string> values;
  for (const auto& id : ids) values.push_back(id.value);
  return values;
}

// ItemsOf is the subject of an operation, and what it is carried out on.
std::vector<std::string> ItemsOf(const rekey::Operation& operation) {
  std::vector<std::string> items = operation.targets;
  switch (operation.kind) {
    case rekey::OperationKind::kBackup:
      items.insert(items.begin(), "backups/" + operation.subject);
      break;
    case rekey::OperationKind::kMasterKey:
      items.push_back(operation.subject);  // the new one, behind the old one
      break;
    case rekey::OperationKind::kRekeyChannels:
      items.insert(items.begin(), LevelItem(operation.subject));
      break;
  }
  return items;
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
  Target operator()(const UpdateSubscriber& c) const { return {NameOf(c.id), {}}; }
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
  Target operator()(const RekeyNow& c) const {
    return {NameOf(c.channel), {LevelItem(c.level == rekey::KeyLevel::kMsk ? "msk" : "mtk")}};
  }
  Target operator()(const PutSchedule& c) const { return {NameOf(c.channel, c.schedule.id), {}}; }
  Target operator()(const DeleteSchedule& c) const { return {NameOf(c.channel, c.id), {}}; }
  Target operator()(const BeginOperation& c) const {
    return {NameOf(c.operation.id), ItemsOf(c.operation)};
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
  uint64_t operator()(const UpdateSubscriber& c) const { return Of(c.id); }
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

uint64_t RevisionOf(const rekey::State& state, const Command& command) {
  return std::visit(Revisions{state}, command);
}

// TakenAlong gathers names of what a deletion takes along: a channel may have a million members.
class TakenAlong {
 public:
  explicit TakenAlong(std::vector<std::string>& items) : items_(items), first_(items.size()) {}
  template <class... Ids>
  void Add(const Ids&... ids) {
    if (++count_ <= kMostNamed) items_.push_back(NameOf(ids...));
  }
  void AddMembersOf(const rekey::ChannelState& channel) {
    const size_t all = count_ + channel.members.size();
    for (auto at = channel.members.begin(); at != channel.members.end() && count_ < kMostNamed;
         ++at) {
      Add(channel.channel.id, at->first);
    }
    count_ = all;
  }
  void End() {
    std::sort(items_.begin() + static_cast<std::ptrdiff_t>(first_), items_.end());
    if (count_ > kMostNamed) items_.push_back("more=" + std::to_string(count_ - kMostNamed));
  }

 private:
  std::vector<std::string>& items_;
  size_t first_;
  size_t count_ = 0;
};

// Headends lose a channel that is deleted, and its members are members no more.
void TakeAlong(const rekey::State& state, const DeleteChannel& command,
               std::vector<std::string>& items) {
  const rekey::ChannelState* channel = Find(state, command.id);
  if (channel == nullptr) return;
  TakenAlong taken(items);
  for (const auto& [id, headend] : state.headends) {
    const auto& channels = headend.channels;
    if (std::find(channels.begin(), channels.end(), command.id) != channels.end()) taken.Add(id);
  }
  taken.AddMembersOf(*channel);
  taken.End();
}

}  // namespace

audit::Record RecordOf(const rekey::State& state, const Command& command, const Asker& by) {
  Target target = std::visit(Targets{}, command);
  audit::Record record;
  record.principal = by.principal;
  record.method = by.method;
  record.request = by.request;
  record.trace = by.trace;
  record.resource = std::move(target.resource);
  record.items = std::move(target.items);
  record.revision_before = RevisionOf(state, command);
  if (const auto* gone = std::get_if<DeleteChannel>(&command)) {
    TakeAlong(state, *gone, record.items);
  }
  return record;
}

void Complete(audit::Record& record, const rekey::State& state, const Command& command,
              std::span<const rekey::Change> changes) {
  record.revision_after = RevisionOf(state, command);
  record.key_ids = KeysMade(changes);
  if (!std::holds_alternative<DeleteSubscribers>(command)) return;
  TakenAlong taken(record.items);
  for (const rekey::Change& change : changes) {
    const auto* member = std::get_if<rekey::MemberDeleted>(&change);
    if (member != nullptr) taken.Add(member->id, member->subscriber);
  }
  taken.End();
}

std::vector<std::string> KeysMade(std::span<const rekey::Change> changes) {
  std::vector<std::string> ids;
  for (const rekey::Change& change : changes) {
    const auto* made = std::get_if<rekey::RekeyRecorded>(&change);
    if (made != nullptr) ids.push_back(KeyIdOf(made->rekey));
  }
  return ids;
}

}  // namespace keymast::controller
