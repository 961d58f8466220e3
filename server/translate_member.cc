// SPDX-License-Identifier: Apache-2.0
#include "server/masks.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

void ReadWindowAndEndpoint(const v1::Member& message, uint16_t default_port,
                           const std::string& path, groups::Member& member,
                           Violations& violations) {
  if (message.has_entitlement_start()) {
    member.entitled_from =
        FromProto(message.entitlement_start(), path + "entitlement_start", violations);
  }
  if (message.has_entitlement_end()) {
    member.entitled_until =
        FromProto(message.entitlement_end(), path + "entitlement_end", violations);
  }
  const auto endpoint = ParseEndpoint(message.msk_endpoint(), default_port);
  if (endpoint) {
    member.msk_endpoint = *endpoint;
  } else {
    violations.Add(path + "msk_endpoint",
                   "must be a unicast address, with a port or without: 192.0.2.7:2271");
  }
}

v1::Reachability ToProto(controller::Reachability reachability) {
  return static_cast<v1::Reachability>(reachability);
}

}  // namespace

Outcome<controller::NewMember> FromProto(const v1::CreateMemberRequest& request,
                                         const mikey::Profile3gpp& profile,
                                         const std::string& prefix) {
  Violations violations;
  controller::NewMember created;
  created.join = request.join();
  created.member.subscriber = SubscriberId(request.member_id());
  if (!groups::IsResourceId(request.member_id())) {
    violations.Add(prefix + "member_id", "must be the id of a subscriber");
  }
  ReadWindowAndEndpoint(request.member(), profile.msk_port, prefix + "member.", created.member,
                        violations);
  if (!violations.empty()) return std::move(violations).Failed(request.parent());
  return created;
}

Outcome<controller::UpdateMember> FromProto(const v1::UpdateMemberRequest& request,
                                            const controller::Controller& controller,
                                            const mikey::Profile3gpp& profile) {
  const v1::Member& asked = request.member();
  const auto name = MemberOf(asked.name());
  const auto& channels = controller.state().channels;
  const auto channel = name ? channels.find(name->channel) : channels.end();
  if (channel == channels.end() || !channel->second.members.contains(name->subscriber)) {
    return tl::unexpected(NoSuch(asked.name(), "member.name", kMemberForm));
  }
  v1::Member merged =
      ToProto(controller, name->channel, channel->second.members.at(name->subscriber));
  constexpr std::string_view kChangeable[] = {"entitlement_start", "entitlement_end",
                                              "msk_endpoint"};
  if (auto read = Merge(asked, &request.update_mask(), kChangeable, merged); !read) {
    return tl::unexpected(read.error());
  }
  Violations violations;
  controller::UpdateMember command{name->channel, {}, VersionOf(asked.etag())};
  command.member.subscriber = name->subscriber;
  ReadWindowAndEndpoint(merged, profile.msk_port, "member.", command.member, violations);
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  return command;
}

Outcome<controller::Expel> FromProto(const v1::ExpelMembersRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return tl::unexpected(NoSuch(request.parent(), "parent", kChannelForm));
  controller::Expel command{*channel, {}, VersionOf(request.etag())};
  Violations violations;
  for (int i = 0; i < request.names_size(); ++i) {
    const auto name = MemberOf(request.names(i));
    if (name && name->channel == *channel) {
      command.subscribers.push_back(name->subscriber);
    } else {
      violations.Add("names[" + std::to_string(i) + "]", "must be a member of " + request.parent());
    }
  }
  if (!violations.empty()) return std::move(violations).Failed(request.parent());
  return command;
}

void Fill(v1::Member& message, const controller::Controller& controller, const ChannelId& channel,
          const groups::Member& member) {
  message.set_name(NameOf(channel, member.subscriber));
  if (member.entitled_from != Instant::min()) {
    *message.mutable_entitlement_start() = ToProto(member.entitled_from);
  }
  if (member.entitled_until != kNever) {
    *message.mutable_entitlement_end() = ToProto(member.entitled_until);
  }
  message.set_msk_endpoint(ToString(member.msk_endpoint));
  message.set_joined(member.joined);
  message.set_reachability(ToProto(controller.ReachabilityOf(channel, member.subscriber)));
  if (member.confirmed.number.value != 0) {
    message.set_confirmed_msk_id(ToProto(member.confirmed));
  }
  *message.mutable_create_time() = ToProto(member.created);
  message.set_etag(EtagOf(groups::VersionOf(member)));
  // Both ways to be sent keys unasked are under what a user key gives.
  const auto subscriber = controller.state().subscribers.find(member.subscriber);
  const bool has_key =
      subscriber != controller.state().subscribers.end() && !subscriber->second.user_key.empty();
  message.set_delivery(has_key && member.TakesKeys()        ? v1::KEYS
                       : has_key && !member.no_msk_messages ? v1::MSK_MESSAGES
                                                            : v1::ON_REQUEST);
}

v1::Member ToProto(const controller::Controller& controller, const ChannelId& channel,
                   const groups::Member& member) {
  v1::Member message;
  Fill(message, controller, channel, member);
  return message;
}

}  // namespace keymast::server
