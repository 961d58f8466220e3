// SPDX-License-Identifier: Apache-2.0
// Resource names as the API spells them, and failures that carry them.
#pragma once

#include "base/error.h"
#include "base/ids.h"

namespace keymast::controller {

inline constexpr const char* kNotThere = "does not exist";
inline constexpr const char* kIsAnother = "was changed, or made anew, meanwhile";
inline constexpr const char* kNoNumberLeft = "has no MSK number left in its key group";

inline std::string NameOf(const ChannelId& id) { return "channels/" + id.value; }
inline std::string NameOf(const SubscriberId& id) { return "subscribers/" + id.value; }
inline std::string NameOf(const HeadendId& id) { return "headends/" + id.value; }
inline std::string NameOf(const ChannelId& channel, const SubscriberId& member) {
  constexpr std::string_view kMembers = "/members/";
  std::string name = NameOf(channel);
  name.reserve(name.size() + kMembers.size() + member.value.size());
  return name.append(kMembers).append(member.value);
}
inline std::string NameOf(const ChannelId& channel, const ScheduleId& schedule) {
  return NameOf(channel) + "/rekeySchedules/" + schedule.value;
}
inline std::string NameOf(const OperationId& id) { return "operations/" + id.value; }
inline std::string NameOf(const ChannelId& channel, uint64_t rekey) {
  return NameOf(channel) + "/rekeys/" + std::to_string(rekey);
}

// Refuse is a failure that concerns `resource`; its message begins with the name.
inline tl::unexpected<Failure> Refuse(Error error, const std::string& resource,
                                      const std::string& what) {
  return tl::unexpected<Failure>(Failure{error, resource + " " + what, {}, resource, 0});
}

// RefuseFields is a failure for fields that are wrong.
inline tl::unexpected<Failure> RefuseFields(Error error, const std::string& resource,
                                            std::vector<FieldViolation> violations) {
  std::string message = violations.front().field + " " + violations.front().description;
  return tl::unexpected<Failure>(
      Failure{error, std::move(message), std::move(violations), resource, 0});
}

}  // namespace keymast::controller
