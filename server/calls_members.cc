// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr int kMaxBatch = 1000;

Failure Wrong(std::string field, std::string description) {
  return {Error::kInvalidArgument,
          field + " " + description,
          {{std::move(field), std::move(description)}},
          {},
          0};
}

}  // namespace

bool Calls::Membership(const Caller& caller, const core::CoreRequest& request) {
  const auto by_name = [&](const std::string& text, auto make) {
    const auto name = MemberOf(text);
    if (!name) return Refuse(caller, NotThere(text));
    Do(caller, make(*name), false,
       [&](const controller::Reply&, core::CoreReply& reply) { FillMember(*name, reply); });
  };
  switch (request.request_case()) {
    case core::CoreRequest::kCreateMember:
      return CreateMember(caller, request.create_member()), true;
    case core::CoreRequest::kBatchCreateMembers:
      return BatchCreateMembers(caller, request.batch_create_members()), true;
    case core::CoreRequest::kUpdateMember:
      return UpdateMember(caller, request.update_member()), true;
    case core::CoreRequest::kJoinChannel:
      by_name(request.join_channel().name(), [](const MemberName& name) {
        return controller::Join{name.channel, name.subscriber};
      });
      return true;
    case core::CoreRequest::kLeaveChannel:
      by_name(request.leave_channel().name(), [](const MemberName& name) {
        return controller::Leave{name.channel, name.subscriber};
      });
      return true;
    case core::CoreRequest::kExpelMembers:
      return Expel(caller, request.expel_members()), true;
    default:
      return false;
  }
}

void Calls::FillMember(const MemberName& name, core::CoreReply& reply) const {
  const auto& members = state().channels.at(name.channel).members;
  Fill(*reply.mutable_member(), shard_.controller(), name.channel, members.at(name.subscriber));
}

void Calls::CreateMember(const Caller& caller, const v1::CreateMemberRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return Refuse(caller, NotThere(request.parent()));
  const auto member = FromProto(request, identity_.profile);
  if (!member) return Refuse(caller, member.error());
  Do(
      caller, controller::CreateMembers{*channel, {*member}}, request.validate_only(),
      [&](const controller::Reply&, core::CoreReply& reply) {
        if (!request.validate_only())
          return FillMember({*channel, member->member.subscriber}, reply);
        *reply.mutable_member() = ToProto(shard_.controller(), *channel, member->member);
      },
      true);
}

void Calls::BatchCreateMembers(const Caller& caller, const v1::BatchCreateMembersRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return Refuse(caller, NotThere(request.parent()));
  if (request.requests_size() < 1 || request.requests_size() > kMaxBatch) {
    return Refuse(caller, Wrong("requests", "must have 1 to 1000 entries"));
  }
  controller::CreateMembers command{*channel, {}};
  for (int i = 0; i < request.requests_size(); ++i) {
    const v1::CreateMemberRequest& one = request.requests(i);
    const std::string prefix = "requests[" + std::to_string(i) + "].";
    if (!one.parent().empty() && one.parent() != request.parent()) {
      return Refuse(caller, Wrong(prefix + "parent", "must be that of the batch, or empty"));
    }
    if (one.validate_only()) return Refuse(caller, CheckInBatch(prefix));
    auto member = FromProto(one, identity_.profile, prefix);
    if (!member) return Refuse(caller, member.error());
    command.members.push_back(std::move(*member));
  }
  Do(caller, command, false, [&](const controller::Reply&, core::CoreReply& reply) {
    const auto& members = state().channels.at(*channel).members;
    for (const controller::NewMember& made : command.members) {
      Fill(*reply.mutable_batch_create_members()->add_members(), shard_.controller(), *channel,
           members.at(made.member.subscriber));
    }
  });
}

void Calls::UpdateMember(const Caller& caller, const v1::UpdateMemberRequest& request) {
  const auto command = FromProto(request, identity_.profile);
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, request.validate_only(),
     [&](const controller::Reply&, core::CoreReply& reply) {
       FillMember({command->channel, command->member.subscriber}, reply);
     });
}

void Calls::Expel(const Caller& caller, const v1::ExpelMembersRequest& request) {
  if (request.names_size() < 1 || request.names_size() > kMaxBatch) {
    return Refuse(caller, Wrong("names", "must have 1 to 1000 entries"));
  }
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, false, [](const controller::Reply& done, core::CoreReply& reply) {
    v1::ExpelMembersResponse& response = *reply.mutable_expel_members();
    response.set_remaining(done.remaining);
    if (!done.rekey) return;
    response.set_msk_id(ToProto(done.rekey->msk));
    *response.mutable_switch_time() = ToProto(done.rekey->switch_at);
  });
}

}  // namespace keymast::server
