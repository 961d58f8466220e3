// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr int kMaxBatch = 1000;

Failure TooMany(const char* field) {
  return {Error::kInvalidArgument,
          "a batch has 1 to 1000 entries",
          {{field, "must have 1 to 1000 entries"}},
          {},
          0};
}

}  // namespace

bool Calls::Command(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kCreateChannel:
      return CreateChannel(caller, request.create_channel()), true;
    case core::CoreRequest::kUpdateChannel:
      return UpdateChannel(caller, request.update_channel()), true;
    case core::CoreRequest::kDeleteChannel:
      return DeleteChannel(caller, request.delete_channel()), true;
    case core::CoreRequest::kCreateSubscriber:
      return CreateSubscriber(caller, request.create_subscriber()), true;
    case core::CoreRequest::kBatchCreateSubscribers:
      return BatchCreateSubscribers(caller, request.batch_create_subscribers()), true;
    case core::CoreRequest::kDeleteSubscriber:
      return DeleteSubscriber(caller, request.delete_subscriber()), true;
    case core::CoreRequest::kCreateHeadend:
      return CreateHeadend(caller, request.create_headend()), true;
    case core::CoreRequest::kDeleteHeadend:
      return DeleteHeadend(caller, request.delete_headend()), true;
    case core::CoreRequest::kRekeyNow:
      return RekeyNow(caller, request.rekey_now()), true;
    default:
      return false;
  }
}

void Calls::CreateChannel(const Caller& caller, const v1::CreateChannelRequest& request) {
  const auto command = FromProto(request, identity_.profile);
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, request.validate_only(),
     [&](const controller::Reply&, core::CoreReply& reply) {
       const auto made = state().channels.find(command->channel.id);
       rekey::ChannelState checked;  // of a check: the definition alone
       if (made == state().channels.end()) checked.channel = command->channel;
       *reply.mutable_channel() =
           ToProto(shard_.controller(), made == state().channels.end() ? checked : made->second);
     });
}

void Calls::UpdateChannel(const Caller& caller, const v1::UpdateChannelRequest& request) {
  const auto command = FromProto(request, state());
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, request.validate_only(),
     [&](const controller::Reply&, core::CoreReply& reply) {
       *reply.mutable_channel() = ToProto(shard_.controller(), state().channels.at(command->id));
     });
}

void Calls::DeleteChannel(const Caller& caller, const v1::DeleteChannelRequest& request) {
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, false,
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_channel(); });
}

void Calls::CreateSubscriber(const Caller& caller, const v1::CreateSubscriberRequest& request) {
  auto subscriber = FromProto(request, import_key_);
  if (!subscriber) return Refuse(caller, subscriber.error());
  const groups::Subscriber asked{subscriber->id, subscriber->identity, {}, 0};
  Do(
      caller, controller::CreateSubscribers{{std::move(*subscriber)}}, request.validate_only(),
      [&](const controller::Reply&, core::CoreReply& reply) {
        const auto made = state().subscribers.find(asked.id);
        *reply.mutable_subscriber() =
            ToProto(made == state().subscribers.end() ? asked : made->second.subscriber);
      },
      true);
}

void Calls::BatchCreateSubscribers(const Caller& caller,
                                   const v1::BatchCreateSubscribersRequest& request) {
  if (request.requests_size() < 1 || request.requests_size() > kMaxBatch) {
    return Refuse(caller, TooMany("requests"));
  }
  controller::CreateSubscribers command;
  std::vector<SubscriberId> ids;
  for (int i = 0; i < request.requests_size(); ++i) {
    const std::string prefix = "requests[" + std::to_string(i) + "].";
    if (request.requests(i).validate_only()) return Refuse(caller, CheckInBatch(prefix));
    auto one = FromProto(request.requests(i), import_key_, prefix);
    if (!one) return Refuse(caller, one.error());
    ids.push_back(one->id);
    command.subscribers.push_back(std::move(*one));
  }
  Do(caller, command, false, [&](const controller::Reply&, core::CoreReply& reply) {
    for (const SubscriberId& id : ids) {
      *reply.mutable_batch_create_subscribers()->add_subscribers() =
          ToProto(state().subscribers.at(id).subscriber);
    }
  });
}

void Calls::DeleteSubscriber(const Caller& caller, const v1::DeleteSubscriberRequest& request) {
  const auto id = SubscriberOf(request.name());
  if (!id) return Refuse(caller, NotThere(request.name()));
  Do(caller, controller::DeleteSubscriber{*id, request.force()}, false,
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_subscriber(); });
}

void Calls::CreateHeadend(const Caller& caller, const v1::CreateHeadendRequest& request) {
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, request.validate_only(),
     [&](const controller::Reply&, core::CoreReply& reply) {
       const auto made = state().headends.find(command->headend.id);
       *reply.mutable_headend() = ToProto(
           shard_.controller(), made == state().headends.end() ? command->headend : made->second);
     });
}

void Calls::DeleteHeadend(const Caller& caller, const v1::DeleteHeadendRequest& request) {
  const auto id = HeadendOf(request.name());
  if (!id) return Refuse(caller, NotThere(request.name()));
  Do(caller, controller::DeleteHeadend{*id}, false,
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_headend(); });
}

void Calls::RekeyNow(const Caller& caller, const v1::RekeyNowRequest& request) {
  const auto command = FromProto(request);
  if (!command) return Refuse(caller, command.error());
  Do(caller, *command, false, [&](const controller::Reply& done, core::CoreReply& reply) {
    reply.mutable_rekey();
    if (done.rekey) *reply.mutable_rekey() = ToProto(command->channel, *done.rekey);
  });
}

}  // namespace keymast::server
