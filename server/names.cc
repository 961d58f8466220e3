// SPDX-License-Identifier: Apache-2.0
#include "server/names.h"

#include <charconv>

#include "groups/group.h"

namespace keymast::server {
namespace {

constexpr std::string_view kChannels = "channels/";
constexpr std::string_view kMembers = "/members/";
constexpr std::string_view kSubscribers = "subscribers/";
constexpr std::string_view kHeadends = "headends/";
constexpr std::string_view kSchedules = "/rekeySchedules/";
constexpr std::string_view kRekeys = "/rekeys/";
constexpr std::string_view kOperations = "operations/";

template <class Id>
std::optional<Id> Parse(std::string_view name, std::string_view collection) {
  if (!name.starts_with(collection)) return std::nullopt;
  name.remove_prefix(collection.size());
  if (!groups::IsResourceId(name)) return std::nullopt;
  return Id(std::string(name));
}

}  // namespace

std::string NameOf(const ChannelId& channel) { return std::string(kChannels) + channel.value; }
std::string NameOf(const SubscriberId& subscriber) {
  return std::string(kSubscribers) + subscriber.value;
}
std::string NameOf(const HeadendId& headend) { return std::string(kHeadends) + headend.value; }
std::string NameOf(const ChannelId& channel, const SubscriberId& subscriber) {
  return NameOf(channel) + std::string(kMembers) + subscriber.value;
}
std::string NameOf(const ChannelId& channel, const ScheduleId& schedule) {
  return NameOf(channel) + std::string(kSchedules) + schedule.value;
}
std::string NameOf(const OperationId& operation) {
  return std::string(kOperations) + operation.value;
}
std::string RekeyName(const ChannelId& channel, uint64_t sequence) {
  return NameOf(channel) + "/rekeys/" + std::to_string(sequence);
}

std::optional<ChannelId> ChannelOf(std::string_view name) {
  return Parse<ChannelId>(name, kChannels);
}
std::optional<SubscriberId> SubscriberOf(std::string_view name) {
  return Parse<SubscriberId>(name, kSubscribers);
}
std::optional<HeadendId> HeadendOf(std::string_view name) {
  return Parse<HeadendId>(name, kHeadends);
}

std::optional<OperationId> OperationOf(std::string_view name) {
  return Parse<OperationId>(name, kOperations);
}

namespace {

// Split divides `channels/x/members/y` into the channel and what follows the collection.
std::optional<std::pair<ChannelId, std::string_view>> SplitAt(std::string_view name,
                                                              std::string_view collection) {
  const size_t middle = name.find(collection);
  if (middle == std::string_view::npos) return std::nullopt;
  auto channel = ChannelOf(name.substr(0, middle));
  if (!channel) return std::nullopt;
  return std::pair(std::move(*channel), name.substr(middle + collection.size()));
}

}  // namespace

std::optional<MemberName> MemberOf(std::string_view name) {
  const auto parts = SplitAt(name, kMembers);
  if (!parts || !groups::IsResourceId(parts->second)) return std::nullopt;
  return MemberName{parts->first, SubscriberId(std::string(parts->second))};
}

std::optional<ScheduleName> ScheduleOf(std::string_view name) {
  const auto parts = SplitAt(name, kSchedules);
  if (!parts || !groups::IsResourceId(parts->second)) return std::nullopt;
  return ScheduleName{parts->first, ScheduleId(std::string(parts->second))};
}

std::optional<RekeyPlace> RekeyOf(std::string_view name) {
  const auto parts = SplitAt(name, kRekeys);
  if (!parts) return std::nullopt;
  RekeyPlace place{parts->first, 0};
  const char* end = parts->second.data() + parts->second.size();
  const auto [stop, error] = std::from_chars(parts->second.data(), end, place.sequence);
  const bool is_number = error == std::errc() && stop == end && place.sequence != 0;
  return is_number ? std::optional(place) : std::nullopt;
}

}  // namespace keymast::server
