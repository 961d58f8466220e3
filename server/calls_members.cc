// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

namespace keymast::server {

bool Calls::Membership(const Caller& caller, const core::CoreRequest& request) {
  const auto by_name = [&](const auto& asked, auto make) {
    const auto name = MemberOf(asked.name());
    if (!name) return Refuse(caller, NotThere(asked.name()));
    Do(caller, AskOf(asked), make(*name), [&](const controller::Reply&, core::CoreReply& reply) {
      groups::Member alone;
      alone.subscriber = name->subscriber;
      FillMember(name->channel, alone, *reply.mutable_member());
    });
  };
  switch (request.request_case()) {
    case core::CoreRequest::kCreateMember:
      return CreateMember(caller, request.create_member()), true;
    case core::CoreRequest::kBatchCreateMembers:
      return BatchCreateMembers(caller, request.batch_create_members()), true;
    case core::CoreRequest::kUpdateMember:
      return UpdateMember(caller, request.update_member()), true;
    case core::CoreRequest::kDeleteMember:
      return DeleteMember(caller, request.delete_member()), true;
    case core::CoreRequest::kJoinChannel:
      by_name(request.join_channel(), [](const MemberName& name) {
        return controller::Join{name.channel, name.subscriber};
      });
      return true;
    case core::CoreRequest::kLeaveChannel:
      by_name(request.leave_channel(), [](const MemberName& name) {
        return controller::Leave{name.channel, name.subscriber};
      });
      return true;
    case core::CoreRequest::kExpelMembers:
      return Expel(caller, request.expel_members()), true;
    default:
      return false;
  }
}

// FillMember shows a member as it is; of a check, or where it is gone again, as it was asked for.
void Calls::FillMember(const ChannelId& channel, const groups::Member& asked,
                       v1::Member& message) const {
  const auto found = state().channels.find(channel);
  const groups::Member* member = &asked;
  if (found != state().channels.end()) {
    const auto there = found->second.members.find(asked.subscriber);
    if (there != found->second.members.end()) member = &there->second;
  }
  Fill(message, shard_.controller(), channel, *member);
}

void Calls::CreateMember(const Caller& caller, const v1::CreateMemberRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return Refuse(caller, NotThere(request.parent()));
  const auto member = FromProto(request, identity_.profile);
  if (!member) return Refuse(caller, member.error());
  Do(
      caller, AskOf(request), controller::CreateMembers{*channel, {*member}},
      [&](const controller::Reply&, core::CoreReply& reply) {
        FillMember(*channel, member->member, *reply.mutable_member());
      },
      true);
}

void Calls::BatchCreateMembers(const Caller& caller, const v1::BatchCreateMembersRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return Refuse(caller, NotThere(request.parent()));
  if (auto wrong = CheckBatch(request.requests_size(), "requests")) return Refuse(caller, *wrong);
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
  Do(caller, AskOf(request), command, [&](const controller::Reply&, core::CoreReply& reply) {
    for (const controller::NewMember& made : command.members) {
      FillMember(*channel, made.member, *reply.mutable_batch_create_members()->add_members());
    }
  });
}

void Calls::UpdateMember(const Caller& caller, const v1::UpdateMemberRequest& request) {
  const auto command = FromProto(request, shard_.controller(), identity_.profile);
  if (!command) {
    const v1::Member& asked = request.member();
    return RefuseUnlessDone(caller, AskOf(request), command.error(), [&](core::CoreReply& reply) {
      *reply.mutable_member() = MemberMessage(asked.name()).value_or(WithoutEtag(asked));
    });
  }
  Do(caller, AskOf(request), *command, [&](const controller::Reply&, core::CoreReply& reply) {
    FillMember(command->channel, command->member, *reply.mutable_member());
  });
}

void Calls::DeleteMember(const Caller& caller, const v1::DeleteMemberRequest& request) {
  const auto name = MemberOf(request.name());
  if (!name) return Refuse(caller, NotThere(request.name()));
  Do(caller, AskOf(request),
     controller::DeleteMember{name->channel, name->subscriber, VersionOf(request.etag()),
                              request.allow_missing()},
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_member(); });
}

void Calls::Expel(const Caller& caller, const v1::ExpelMembersRequest& request) {
  if (auto wrong = CheckBatch(request.names_size(), "names")) return Refuse(caller, *wrong);
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, AskOf(request), *command, [](const controller::Reply& done, core::CoreReply& reply) {
    v1::ExpelMembersResponse& response = *reply.mutable_expel_members();
    response.set_remaining(done.remaining);
    if (!done.rekey) return;
    response.set_msk_id(ToProto(done.rekey->msk));
    *response.mutable_switch_time() = ToProto(done.rekey->switch_at);
  });
}

}  // namespace keymast::server
