// SPDX-License-Identifier: Apache-2.0
// Resource names of the API: `channels/x`, `channels/x/members/y`, `subscribers/y`, `headends/z`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace keymast::server {

struct MemberName {
  ChannelId channel;
  SubscriberId subscriber;
};
struct ScheduleName {
  ChannelId channel;
  ScheduleId schedule;
};
struct RekeyPlace {
  ChannelId channel;
  uint64_t sequence = 0;
};

std::string NameOf(const ChannelId& channel);
std::string NameOf(const SubscriberId& subscriber);
std::string NameOf(const HeadendId& headend);
std::string NameOf(const ChannelId& channel, const SubscriberId& subscriber);
std::string NameOf(const ChannelId& channel, const ScheduleId& schedule);
std::string NameOf(const OperationId& operation);
std::string RekeyName(const ChannelId& channel, uint64_t sequence);

// Each is nothing when the name has another form or an id that no resource can have.
std::optional<ChannelId> ChannelOf(std::string_view name);
std::optional<SubscriberId> SubscriberOf(std::string_view name);
std::optional<HeadendId> HeadendOf(std::string_view name);
std::optional<MemberName> MemberOf(std::string_view name);
std::optional<ScheduleName> ScheduleOf(std::string_view name);
std::optional<RekeyPlace> RekeyOf(std::string_view name);
std::optional<OperationId> OperationOf(std::string_view name);

}  // namespace keymast::server
