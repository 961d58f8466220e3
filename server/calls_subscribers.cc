// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

namespace keymast::server {

bool Calls::Subscription(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kCreateSubscriber:
      return CreateSubscriber(caller, request.create_subscriber()), true;
    case core::CoreRequest::kBatchCreateSubscribers:
      return BatchCreateSubscribers(caller, request.batch_create_subscribers()), true;
    case core::CoreRequest::kUpdateSubscriber:
      return UpdateSubscriber(caller, request.update_subscriber()), true;
    case core::CoreRequest::kDeleteSubscriber:
      return DeleteSubscriber(caller, request.delete_subscriber()), true;
    case core::CoreRequest::kBatchDeleteSubscribers:
      return BatchDeleteSubscribers(caller, request.batch_delete_subscribers()), true;
    default:
      return false;
  }
}

void Calls::CreateSubscriber(const Caller& caller, const v1::CreateSubscriberRequest& request) {
  const auto subscriber = FromProto(request, import_key_);
  if (!subscriber) return Refuse(caller, subscriber.error());
  const rekey::SubscriberState asked{{subscriber->id, subscriber->identity, {}, 0},
                                     subscriber->user_key};
  Ask ask = AskOf(request);
  ask.secrets = {subscriber->user_key.view()};
  Do(
      caller, ask, controller::CreateSubscribers{{*subscriber}},
      [&](const controller::Reply&, core::CoreReply& reply) {
        const auto made = state().subscribers.find(subscriber->id);
        *reply.mutable_subscriber() =
            ToProto(made == state().subscribers.end() ? asked : made->second);
      },
      true);
}

void Calls::BatchCreateSubscribers(const Caller& caller,
                                   const v1::BatchCreateSubscribersRequest& request) {
  if (auto wrong = CheckBatch(request.requests_size(), "requests")) return Refuse(caller, *wrong);
  controller::CreateSubscribers command;
  for (int i = 0; i < request.requests_size(); ++i) {
    const std::string prefix = "requests[" + std::to_string(i) + "].";
    const v1::CreateSubscriberRequest& entry = request.requests(i);
    if (auto wrong = CheckEntry(entry, request.request_id(), prefix)) return Refuse(caller, *wrong);
    auto one = FromProto(entry, import_key_, prefix);
    if (!one) return Refuse(caller, one.error());
    command.subscribers.push_back(std::move(*one));
  }
  Ask ask = AskOf(request);
  for (const controller::NewSubscriber& one : command.subscribers) {
    ask.secrets.push_back(one.user_key.view());
  }
  Do(caller, ask, command, [&](const controller::Reply&, core::CoreReply& reply) {
    for (const controller::NewSubscriber& one : command.subscribers) {
      const auto made = state().subscribers.find(one.id);
      const bool is_there = made != state().subscribers.end();
      *reply.mutable_batch_create_subscribers()->add_subscribers() =
          ToProto(is_there ? made->second
                           : rekey::SubscriberState{{one.id, one.identity, {}, 0}, one.user_key});
    }
  });
}

// One that comes again when the subscriber is gone finds nothing: what it asked for is in a box
// that is bound to the subscriber.
void Calls::UpdateSubscriber(const Caller& caller, const v1::UpdateSubscriberRequest& request) {
  const auto command = FromProto(request, shard_.controller(), import_key_);
  if (!command) return Refuse(caller, command.error());
  Ask ask = AskOf(request);
  ask.secrets = {command->user_key.view()};
  Do(caller, ask, *command, [&](const controller::Reply&, core::CoreReply& reply) {
    *reply.mutable_subscriber() = ToProto(state().subscribers.at(command->id));
    if (request.validate_only()) reply.mutable_subscriber()->set_has_user_key(true);
  });
}

void Calls::DeleteSubscriber(const Caller& caller, const v1::DeleteSubscriberRequest& request) {
  const auto id = SubscriberOf(request.name());
  if (!id) return Refuse(caller, NoSuch(request.name(), "name", kSubscriberForm));
  Do(caller, AskOf(request),
     controller::DeleteSubscribers{
         {*id}, request.force(), request.allow_missing(), VersionOf(request.etag())},
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_subscriber(); });
}

void Calls::BatchDeleteSubscribers(const Caller& caller,
                                   const v1::BatchDeleteSubscribersRequest& request) {
  if (auto wrong = CheckBatch(request.names_size(), "names")) return Refuse(caller, *wrong);
  controller::DeleteSubscribers command{{}, request.force(), request.allow_missing(), {}};
  for (int i = 0; i < request.names_size(); ++i) {
    const auto id = SubscriberOf(request.names(i));
    if (!id) {
      const std::string field = "names[" + std::to_string(i) + "]";
      return Refuse(caller, NoSuch(request.names(i), field, kSubscriberForm));
    }
    command.ids.push_back(*id);
  }
  Do(caller, AskOf(request), command, [](const controller::Reply&, core::CoreReply& reply) {
    reply.mutable_batch_delete_subscribers();
  });
}

}  // namespace keymast::server
