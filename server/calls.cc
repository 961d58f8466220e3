// SPDX-License-Identifier: Apache-2.0
#include "server/calls.h"

#include "base/failpoint.h"
#include "server/unmade.h"

namespace keymast::server {
namespace {

// Answers that wait for a disk that hangs take no more memory than this, and one answer.
constexpr size_t kMaxHeld = 64 << 20;
constexpr uint32_t kSoonMs = 100;
constexpr uint32_t kRetryMs = 1000;

// WithoutBatch names the fields as who asked for one thing knows them.
Failure WithoutBatch(Failure failure) {
  constexpr std::string_view kFirst = "requests[0].";
  for (FieldViolation& violation : failure.violations) {
    if (violation.field.starts_with(kFirst)) violation.field.erase(0, kFirst.size());
  }
  return failure;
}

}  // namespace

std::optional<Failure> CheckBatch(int size, const char* field) {
  if (size >= 1 && size <= kMaxBatch) return std::nullopt;
  return Wrong(field, "must have 1 to 1000 entries");
}

Failure NotTrue(Error) {
  return {Error::kUnavailable, "the store failed meanwhile; ask again", {}, {}, kSoonMs};
}

Calls::Calls(Clients& clients, Shard& shard, const crypto::KeyPair& import_key, Identity identity,
             StoreWork& store_work, NotReady not_ready, Metrics metrics, StateHash state_hash)
    : clients_(clients),
      shard_(shard),
      store_work_(store_work),
      import_key_(import_key),
      identity_(std::move(identity)),
      not_ready_(std::move(not_ready)),
      metrics_(std::move(metrics)),
      state_hash_(std::move(state_hash)),
      page_tokens_(import_key.private_key),
      digests_(import_key.private_key) {}

controller::Asker Calls::AskerOf(const core::CoreRequest& request) const {
  controller::Asker asker;
  asker.principal = request.principal();
  asker.method = request.method();
  if (request.trace_id().size() == TraceId().octets.size()) {
    TraceId& trace = asker.trace.emplace();
    const ByteView octets = AsBytes(request.trace_id());
    std::copy(octets.begin(), octets.end(), trace.octets.begin());
  }
  constexpr std::string_view kChannels = "channels/";
  asker.scope.is_whole = !request.has_scope();
  for (const std::string& name : request.scope().channels()) {
    if (name.starts_with(kChannels)) asker.scope.allows.push_back(name.substr(kChannels.size()));
  }
  asker.quota = {request.quota().channels(), request.quota().members()};
  return asker;
}

void Calls::OnRequest(ClientId client, const core::CoreRequest& request) {
  const Caller caller{client, request.call()};
  asker_ = AskerOf(request);
  if (Stream(caller, request)) return;
  if (held_ > kMaxHeld && !request.has_metrics()) {
    return clients_.SendError(
        caller, {Error::kTooManyRequests, "too many answers wait for the disk", {}, {}, kRetryMs});
  }
  if (Read(caller, request) || List(caller, request) || Membership(caller, request) ||
      Subscription(caller, request) || Command(caller, request) || Calendar(caller, request) ||
      Operation(caller, request) || Store(caller, request)) {
    return;
  }
  Refuse(caller, {Error::kUnimplemented, "this server does not know the request", {}, {}, 0});
}

Failure Calls::NotMade(Error error) const {
  switch (error) {
    case Error::kNoSpace:
      return {error, "the store has no space left; nothing was changed", {}, {}, kRetryMs};
    case Error::kAuditBlocked:
      return shard_.NotOnRecord();
    case Error::kOutcomeUnknown:
      return {
          error, "whether the change was made is not known; read before trying again", {}, {}, 0};
    case Error::kBatchTooLarge:
      return {error, "the change does not fit into one commit; ask for less at once", {}, {}, 0};
    case Error::kFailedPrecondition:  // of what is done behind the commit
      return {error, "it is on record, but the file system does not let it be done", {}, {}, 0};
    case Error::kConflict:
      return {error, "the store was changed meanwhile; nothing was changed here", {}, {}, kSoonMs};
    case Error::kFenced:
      return {error, "another keymastd has taken over this store", {}, {}, kRetryMs};
    default:
      return {Error::kStoreClosed,
              "the store failed and is closed for writing until a restart, which shows whether the "
              "change was made",
              {},
              {},
              0};
  }
}

Pipeline::Effect Calls::Held(const Caller& caller, core::CoreReply& reply, Why why) {
  std::string frame = Clients::FrameOf(caller, reply, true);
  held_ += frame.size();
  return [this, caller, why = std::move(why),
          frame = std::move(frame)](const keymast::Status& status) {
    held_ -= frame.size();
    if (!status) return clients_.SendError(caller, why(status.error()));
    PassFailpoint("server.reply.before");
    clients_.SendFrame(caller.client, frame);
  };
}

void Calls::Answer(const Caller& caller, core::CoreReply reply) {
  shard_.Behind(Held(caller, reply, NotTrue));
}

// A refusal rests on the working state as much as an answer does.
void Calls::Refuse(const Caller& caller, const Failure& failure) {
  core::CoreReply reply;
  *reply.mutable_error() = ErrorOf(failure);
  Answer(caller, std::move(reply));
}

const rekey::KeptRequest* Calls::KeptOf(const std::string& request_id) const {
  const auto id = RequestIdOf(request_id);
  return id ? state().requests.Find(*id, shard_.Now()) : nullptr;
}

void Calls::Do(const Caller& caller, const Ask& ask, const controller::Command& command,
               const FillReply& fill, bool one, const Finish& finish) {
  if (!ask.request_id.empty()) {
    asker_.request = RequestIdOf(ask.request_id);
    if (!asker_.request) return Refuse(caller, Wrong("request_id", "must be a UUID"));
    asker_.digest = digests_.Of(asker_.method, ask.request, ask.secrets);
  }
  auto unable = shard_.Unable();
  // What comes again is on record.
  if (!unable && KeptOf(ask.request_id) == nullptr) unable = shard_.CannotRecord();
  if (unable && !ask.validate_only) return Refuse(caller, *unable);
  controller::Step step;
  auto done = shard_.controller().Do(command, shard_.Now(), ask.validate_only, step, asker_);
  if (!done) {
    return Refuse(caller, one ? WithoutBatch(std::move(done.error())) : std::move(done.error()));
  }
  google::protobuf::Arena arena(arena_block_.Options());
  auto& reply = *google::protobuf::Arena::CreateMessage<core::CoreReply>(&arena);
  PassFailpoint("server.call.decided");
  fill(*done, reply);
  // What was checked is not made, and what was made before may be gone.
  if (ask.validate_only || done->is_repeated) LeaveOutUnmade(reply);
  reply.set_datagrams(static_cast<uint32_t>(step.datagrams.size()));
  Pipeline::Effect answer = Held(caller, reply, [this](Error error) { return NotMade(error); });
  if (finish && !ask.validate_only) {
    answer = [finish, answer = std::move(answer)](const keymast::Status& status) {
      status ? finish(answer) : answer(status);
    };
  }
  shard_.Take(std::move(step), std::move(answer), {asker_.principal, asker_.trace});
}

void Calls::RefuseUnlessDone(const Caller& caller, const Ask& ask, const Failure& failure,
                             const std::function<void(core::CoreReply&)>& fill) {
  const rekey::KeptRequest* kept = ask.validate_only ? nullptr : KeptOf(ask.request_id);
  if (kept == nullptr) return Refuse(caller, failure);
  if (kept->digest != digests_.Of(asker_.method, ask.request, ask.secrets)) {
    return Refuse(caller, controller::RequestIdReused());
  }
  core::CoreReply reply;
  fill(reply);
  Answer(caller, std::move(reply));
}

void Calls::OnClosed(ClientId client) {
  shard_.parts().watches.Forget(client);
  std::erase_if(waiting_, [client](const Waiting& one) { return one.caller.client == client; });
  for (const HeadendId& headend : shard_.parts().headends.Forget(client)) {
    shard_.Take(shard_.controller().OnHeadendDisconnected(headend, shard_.Now()));
  }
}

}  // namespace keymast::server
