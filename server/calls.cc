// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

namespace keymast::server {
namespace {

// Why an answer that was ready did not become true.
Failure NotDurable(Error error) {
  switch (error) {
    case Error::kNoSpace:
      return {error, "the store has no space left; nothing was changed", {}, {}, 1000};
    case Error::kOutcomeUnknown:
      return {
          error, "whether the change was made is not known; read before trying again", {}, {}, 0};
    case Error::kBatchTooLarge:
      return {error, "the change does not fit into one commit; ask for less at once", {}, {}, 0};
    default:
      return {error, "the store failed; nothing more is written until a restart", {}, {}, 0};
  }
}

}  // namespace

Calls::Calls(Clients& clients, Shard& shard, const crypto::KeyPair& import_key, Identity identity,
             Metrics metrics, StateHash state_hash)
    : clients_(clients),
      shard_(shard),
      import_key_(import_key),
      identity_(std::move(identity)),
      metrics_(std::move(metrics)),
      state_hash_(std::move(state_hash)),
      page_tokens_(import_key.private_key) {}

void Calls::OnRequest(ClientId client, const core::CoreRequest& request) {
  const Caller caller{client, request.call()};
  if (Stream(caller, request) || Read(caller, request) || Membership(caller, request) ||
      Command(caller, request)) {
    return;
  }
  Refuse(caller, {Error::kUnimplemented, "this server does not know the request", {}, {}, 0});
}

void Calls::SendOutcome(const Caller& caller, const keymast::Status& status,
                        const core::CoreReply& reply) {
  if (!status) return clients_.SendError(caller, NotDurable(status.error()));
  core::CoreReply copy = reply;
  clients_.Send(caller, copy, true);
}

void Calls::Answer(const Caller& caller, core::CoreReply reply) {
  shard_.Behind([this, caller, reply = std::move(reply)](const keymast::Status& status) {
    SendOutcome(caller, status, reply);
  });
}

// A refusal rests on the working state as much as an answer does.
void Calls::Refuse(const Caller& caller, Failure failure) {
  core::CoreReply reply;
  *reply.mutable_error() = ErrorOf(failure);
  Answer(caller, std::move(reply));
}

void Calls::Do(const Caller& caller, const controller::Command& command, bool validate_only,
               const FillReply& fill) {
  if (auto unable = shard_.Unable(); unable && !validate_only) {
    return Refuse(caller, std::move(*unable));
  }
  controller::Step step;
  auto done = shard_.controller().Do(command, shard_.Now(), validate_only, step);
  if (!done) return Refuse(caller, std::move(done.error()));
  core::CoreReply reply;
  fill(*done, reply);
  shard_.Take(std::move(step),
              [this, caller, reply = std::move(reply)](const keymast::Status& status) {
                SendOutcome(caller, status, reply);
              });
}

void Calls::OnClosed(ClientId client) {
  shard_.parts().watches.Forget(client);
  for (const HeadendId& headend : shard_.parts().headends.Forget(client)) {
    shard_.Take(shard_.controller().OnHeadendDisconnected(headend, shard_.Now()));
  }
}

}  // namespace keymast::server
