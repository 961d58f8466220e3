// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

namespace keymast::server {
namespace {

// Take puts into a member what an update can change.
void Take(const groups::Member& asked, groups::Member& member) {
  member.entitled_from = asked.entitled_from;
  member.entitled_until = asked.entitled_until;
  member.msk_endpoint = asked.msk_endpoint;
}

}  // namespace

bool Calls::Membership(const Caller& caller, const core::CoreRequest& request) {
  const auto by_name = [&](const auto& asked, bool joins, auto make) {
    const auto name = MemberOf(asked.name());
    if (!name) return Refuse(caller, NoSuch(asked.name(), "name", kMemberForm));
    Do(caller, AskOf(asked), make(*name), [&](const controller::Reply&, core::CoreReply& reply) {
      if (asked.validate_only()) {
        groups::Member member = state().channels.at(name->channel).members.at(name->subscriber);
        if (joins) member.no_msk_messages = false;
        return FillChecked(name->channel, std::move(member), joins, *reply.mutable_member());
      }
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
      by_name(request.join_channel(), true, [](const MemberName& name) {
        return controller::Join{name.channel, name.subscriber};
      });
      return true;
    case core::CoreRequest::kLeaveChannel:
      by_name(request.leave_channel(), false, [](const MemberName& name) {
        return controller::Leave{name.channel, name.subscriber};
      });
      return true;
    case core::CoreRequest::kExpelMembers:
      return Expel(caller, request.expel_members()), true;
    default:
      return false;
  }
}

// FillChecked shows a member as it would be.
void Calls::FillChecked(const ChannelId& channel, groups::Member member, bool joined,
                        v1::Member& message) const {
  member.joined = joined;
  Fill(message, shard_.controller(), channel, member);
  if (!joined) message.set_reachability(v1::IDLE);
}

// FillMember shows a member as it is; where it is gone again, as it was asked for.
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
  if (!channel) return Refuse(caller, NoSuch(request.parent(), "parent", kChannelForm));
  const auto member = FromProto(request, identity_.profile);
  if (!member) return Refuse(caller, member.error());
  Do(
      caller, AskOf(request), controller::CreateMembers{*channel, {*member}},
      [&](const controller::Reply&, core::CoreReply& reply) {
        if (request.validate_only()) {
          return FillChecked(*channel, member->member, member->join, *reply.mutable_member());
        }
        FillMember(*channel, member->member, *reply.mutable_member());
      },
      true);
}

void Calls::BatchCreateMembers(const Caller& caller, const v1::BatchCreateMembersRequest& request) {
  const auto channel = ChannelOf(request.parent());
  if (!channel) return Refuse(caller, NoSuch(request.parent(), "parent", kChannelForm));
  if (auto wrong = CheckBatch(request.requests_size(), "requests")) return Refuse(caller, *wrong);
  controller::CreateMembers command{*channel, {}};
  for (int i = 0; i < request.requests_size(); ++i) {
    const v1::CreateMemberRequest& one = request.requests(i);
    const std::string prefix = "requests[" + std::to_string(i) + "].";
    if (!one.parent().empty() && one.parent() != request.parent()) {
      return Refuse(caller, Wrong(prefix + "parent", "must be that of the batch, or empty"));
    }
    if (auto wrong = CheckEntry(one, request.request_id(), prefix)) return Refuse(caller, *wrong);
    auto member = FromProto(one, identity_.profile, prefix);
    if (!member) return Refuse(caller, member.error());
    command.members.push_back(std::move(*member));
  }
  Do(caller, AskOf(request), command, [&](const controller::Reply&, core::CoreReply& reply) {
    for (const controller::NewMember& made : command.members) {
      v1::Member& member = *reply.mutable_batch_create_members()->add_members();
      if (request.validate_only()) {
        FillChecked(*channel, made.member, made.join, member);
      } else {
        FillMember(*channel, made.member, member);
      }
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
    groups::Member member =
        state().channels.at(command->channel).members.at(command->member.subscriber);
    if (request.validate_only()) {
      Take(command->member, member);
      const bool stays = member.joined && member.EntitledAt(shard_.Now());
      return FillChecked(command->channel, std::move(member), stays, *reply.mutable_member());
    }
    *reply.mutable_member() = ToProto(shard_.controller(), command->channel, member);
  });
}

void Calls::DeleteMember(const Caller& caller, const v1::DeleteMemberRequest& request) {
  const auto name = MemberOf(request.name());
  if (!name) return Refuse(caller, NoSuch(request.name(), "name", kMemberForm));
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
