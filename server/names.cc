// SPDX-License-Identifier: Apache-2.0
#include "server/names.h"

#include "groups/group.h"

namespace keymast::server {
namespace {

constexpr std::string_view kChannels = "channels/";
constexpr std::string_view kMembers = "/members/";
constexpr std::string_view kSubscribers = "subscribers/";
constexpr std::string_view kHeadends = "headends/";

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

std::optional<MemberName> MemberOf(std::string_view name) {
  const size_t middle = name.find(kMembers);
  if (middle == std::string_view::npos) return std::nullopt;
  const auto channel = ChannelOf(name.substr(0, middle));
  const std::string_view id = name.substr(middle + kMembers.size());
  if (!channel || !groups::IsResourceId(id)) return std::nullopt;
  return MemberName{*channel, SubscriberId(std::string(id))};
}

}  // namespace keymast::server
