// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

namespace keymast::server {

bool Calls::Command(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kCreateChannel:
      return CreateChannel(caller, request.create_channel()), true;
    case core::CoreRequest::kUpdateChannel:
      return UpdateChannel(caller, request.update_channel()), true;
    case core::CoreRequest::kDeleteChannel:
      return DeleteChannel(caller, request.delete_channel()), true;
    case core::CoreRequest::kCreateHeadend:
      return CreateHeadend(caller, request.create_headend()), true;
    case core::CoreRequest::kUpdateHeadend:
      return UpdateHeadend(caller, request.update_headend()), true;
    case core::CoreRequest::kDeleteHeadend:
      return DeleteHeadend(caller, request.delete_headend()), true;
    case core::CoreRequest::kRekeyNow:
      return RekeyNow(caller, request.rekey_now()), true;
    default:
      return false;
  }
}

// FillChannel: of a check, or where it is gone again, the definition alone.
void Calls::FillChannel(const groups::Channel& asked, core::CoreReply& reply) const {
  const auto found = state().channels.find(asked.id);
  rekey::ChannelState alone;
  if (found == state().channels.end()) alone.channel = asked;
  *reply.mutable_channel() =
      ToProto(shard_.controller(), found == state().channels.end() ? alone : found->second);
}

void Calls::CreateChannel(const Caller& caller, const v1::CreateChannelRequest& request) {
  const auto command = FromProto(request, identity_.profile);
  if (!command) return Refuse(caller, command.error());
  Do(caller, AskOf(request), *command, [&](const controller::Reply&, core::CoreReply& reply) {
    FillChannel(command->channel, reply);
  });
}

void Calls::UpdateChannel(const Caller& caller, const v1::UpdateChannelRequest& request) {
  const auto command = FromProto(request, shard_.controller());
  if (!command) {
    const v1::Channel& asked = request.channel();
    return RefuseUnlessDone(caller, AskOf(request), command.error(), [&](core::CoreReply& reply) {
      *reply.mutable_channel() = ChannelMessage(asked.name()).value_or(WithoutEtag(asked));
    });
  }
  Do(caller, AskOf(request), *command, [&](const controller::Reply&, core::CoreReply& reply) {
    groups::Channel channel = state().channels.at(command->id).channel;
    FillChannel(channel, reply);
    if (!request.validate_only()) return;
    channel.display_name = command->display_name;
    channel.policy = command->policy;
    FillChangeable(*reply.mutable_channel(), shard_.controller(), channel);
  });
}

void Calls::DeleteChannel(const Caller& caller, const v1::DeleteChannelRequest& request) {
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, AskOf(request), *command,
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_channel(); });
}

void Calls::FillHeadend(const groups::Headend& asked, core::CoreReply& reply) const {
  const auto found = state().headends.find(asked.id);
  *reply.mutable_headend() =
      ToProto(shard_.controller(), found == state().headends.end() ? asked : found->second);
}

void Calls::CreateHeadend(const Caller& caller, const v1::CreateHeadendRequest& request) {
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, AskOf(request), *command, [&](const controller::Reply&, core::CoreReply& reply) {
    FillHeadend(command->headend, reply);
  });
}

void Calls::UpdateHeadend(const Caller& caller, const v1::UpdateHeadendRequest& request) {
  const auto command = FromProto(request, shard_.controller());
  if (!command) {
    const v1::Headend& asked = request.headend();
    return RefuseUnlessDone(caller, AskOf(request), command.error(), [&](core::CoreReply& reply) {
      *reply.mutable_headend() = HeadendMessage(asked.name()).value_or(WithoutEtag(asked));
    });
  }
  Do(caller, AskOf(request), *command, [&](const controller::Reply&, core::CoreReply& reply) {
    groups::Headend headend = state().headends.at(command->id);
    if (request.validate_only()) headend.channels = command->channels;
    *reply.mutable_headend() = ToProto(shard_.controller(), headend);
  });
}

void Calls::DeleteHeadend(const Caller& caller, const v1::DeleteHeadendRequest& request) {
  const auto id = HeadendOf(request.name());
  if (!id) return Refuse(caller, NoSuch(request.name(), "name", kHeadendForm));
  Do(caller, AskOf(request),
     controller::DeleteHeadend{*id, VersionOf(request.etag()), request.allow_missing()},
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_headend(); });
}

void Calls::RekeyNow(const Caller& caller, const v1::RekeyNowRequest& request) {
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, AskOf(request), *command, [&](const controller::Reply& done, core::CoreReply& reply) {
    reply.mutable_rekey();
    if (!done.rekey) return;
    v1::Rekey& rekey = *reply.mutable_rekey();
    rekey = ToProto(command->channel, *done.rekey);
    if (!request.validate_only() || done.rekey->sequence != 0) return;
    // Of a check: nothing is prepared, and no keys are there.
    rekey.clear_name();
    rekey.clear_msk_id();
    rekey.clear_mtk_id();
    rekey.clear_prepare_time();
  });
}

}  // namespace keymast::server
