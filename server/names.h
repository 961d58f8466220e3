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

// NameForm is the form of one kind of names, for who gave another.
struct NameForm {
  std::string_view text;
  bool (*is_of)(std::string_view name);
};
inline constexpr NameForm kChannelForm{
    "channels/CHANNEL", [](std::string_view name) { return ChannelOf(name).has_value(); }};
inline constexpr NameForm kSubscriberForm{
    "subscribers/SUBSCRIBER", [](std::string_view name) { return SubscriberOf(name).has_value(); }};
inline constexpr NameForm kHeadendForm{
    "headends/HEADEND", [](std::string_view name) { return HeadendOf(name).has_value(); }};
inline constexpr NameForm kMemberForm{
    "channels/CHANNEL/members/SUBSCRIBER",
    [](std::string_view name) { return MemberOf(name).has_value(); }};
inline constexpr NameForm kScheduleForm{
    "channels/CHANNEL/rekeySchedules/SCHEDULE",
    [](std::string_view name) { return ScheduleOf(name).has_value(); }};
inline constexpr NameForm kRekeyForm{"channels/CHANNEL/rekeys/NUMBER", [](std::string_view name) {
                                       return RekeyOf(name).has_value();
                                     }};
inline constexpr NameForm kOperationForm{
    "operations/OPERATION", [](std::string_view name) { return OperationOf(name).has_value(); }};

}  // namespace keymast::server
