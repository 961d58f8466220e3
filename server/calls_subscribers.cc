// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

namespace keymast::server {

bool Calls::Subscription(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kCreateSubscriber:
      return CreateSubscriber(caller, request.create_subscriber()), true;
    case core::CoreRequest::kBatchCreateSubscribers:
      return BatchCreateSubscribers(caller, request.batch_create_subscribers()), true;
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
    if (request.requests(i).validate_only()) return Refuse(caller, CheckInBatch(prefix));
    auto one = FromProto(request.requests(i), import_key_, prefix);
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

void Calls::DeleteSubscriber(const Caller& caller, const v1::DeleteSubscriberRequest& request) {
  const auto id = SubscriberOf(request.name());
  if (!id) return Refuse(caller, NotThere(request.name()));
  Do(caller, AskOf(request),
     controller::DeleteSubscribers{
         {*id}, request.force(), request.allow_missing(), VersionOf(request.etag())},
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_subscriber(); });
}

void Calls::BatchDeleteSubscribers(const Caller& caller,
                                   const v1::BatchDeleteSubscribersRequest& request) {
  if (auto wrong = CheckBatch(request.names_size(), "names")) return Refuse(caller, *wrong);
  controller::DeleteSubscribers command{{}, request.force(), request.allow_missing(), {}};
  for (const std::string& name : request.names()) {
    const auto id = SubscriberOf(name);
    if (!id) return Refuse(caller, NotThere(name));
    command.ids.push_back(*id);
  }
  Do(caller, AskOf(request), command, [](const controller::Reply&, core::CoreReply& reply) {
    reply.mutable_batch_delete_subscribers();
  });
}

}  // namespace keymast::server
