// SPDX-License-Identifier: Apache-2.0
// The requests of keymast-api: each is one command, one read, or one frame of a stream.
#pragma once

#include "server/names.h"
#include "server/page_token.h"
#include "server/request_digest.h"
#include "server/shard.h"
#include "server/store_work.h"
#include "server/translate.h"

namespace keymast::server {

// NotTrue is for an answer that changed nothing, but showed a change that did not become true.
Failure NotTrue(Error error);

// CheckBatch wants 1 to 1000 entries in `field`.
std::optional<Failure> CheckBatch(int size, const char* field);
inline constexpr int kMaxBatch = 1000;

// CheckEntry wants of an entry of a batch, with the path `prefix`, nothing that only the batch as a
// whole can have.
template <class Entry>
std::optional<Failure> CheckEntry(const Entry& entry, const std::string& batch_request_id,
                                  const std::string& prefix) {
  if (entry.validate_only()) {
    return Wrong(prefix + "validate_only", "must not be set: a batch is made as a whole");
  }
  if (!entry.request_id().empty() && entry.request_id() != batch_request_id) {
    return Wrong(prefix + "request_id", "must be that of the batch, or empty");
  }
  return std::nullopt;
}

class Calls {
 public:
  // Identity is what this server is called, and how it speaks.
  struct Identity {
    std::string identity;
    mikey::Profile3gpp profile;
    Instant started{};
    About store;
  };
  // Says why the server is not ready; nothing when it is.
  using NotReady = std::function<std::vector<std::string_view>()>;
  // Makes the metrics snapshot and the state hash, which need more than the shard.
  using Metrics = std::function<void(core::MetricsSnapshot&)>;
  using StateHash = std::function<std::array<uint8_t, 32>(const rekey::State&)>;

  Calls(Clients& clients, Shard& shard, const crypto::KeyPair& import_key, Identity identity,
        StoreWork& store_work, NotReady not_ready, Metrics metrics, StateHash state_hash);

  void OnRequest(ClientId client, const core::CoreRequest& request);
  void OnClosed(ClientId client);
  // Turn answers who waits for operations; NextDeadline is when it is due next.
  void Turn();
  Instant NextDeadline() const;

 private:
  // Ask is what all commands are asked with.
  struct Ask {
    const google::protobuf::Message& request;
    std::string request_id;
    bool validate_only = false;
    std::vector<ByteView> secrets = {};  // in the place of sealed credentials
  };
  template <class Request>
  static Ask AskOf(const Request& request) {
    Ask ask{request, request.request_id(), false, {}};
    if constexpr (requires { request.validate_only(); }) {
      ask.validate_only = request.validate_only();
    }
    return ask;
  }

  // Commands (calls_commands.cc).
  bool Command(const Caller& caller, const core::CoreRequest& request);
  void CreateChannel(const Caller& caller, const v1::CreateChannelRequest& request);
  void UpdateChannel(const Caller& caller, const v1::UpdateChannelRequest& request);
  void DeleteChannel(const Caller& caller, const v1::DeleteChannelRequest& request);
  void FillChannel(const groups::Channel& asked, core::CoreReply& reply) const;
  void CreateHeadend(const Caller& caller, const v1::CreateHeadendRequest& request);
  void UpdateHeadend(const Caller& caller, const v1::UpdateHeadendRequest& request);
  void DeleteHeadend(const Caller& caller, const v1::DeleteHeadendRequest& request);
  void FillHeadend(const groups::Headend& asked, core::CoreReply& reply) const;
  void RekeyNow(const Caller& caller, const v1::RekeyNowRequest& request);

  // Subscribers (calls_subscribers.cc).
  bool Subscription(const Caller& caller, const core::CoreRequest& request);
  void CreateSubscriber(const Caller& caller, const v1::CreateSubscriberRequest& request);
  void BatchCreateSubscribers(const Caller& caller,
                              const v1::BatchCreateSubscribersRequest& request);
  void UpdateSubscriber(const Caller& caller, const v1::UpdateSubscriberRequest& request);
  void DeleteSubscriber(const Caller& caller, const v1::DeleteSubscriberRequest& request);
  void BatchDeleteSubscribers(const Caller& caller,
                              const v1::BatchDeleteSubscribersRequest& request);

  // Membership (calls_members.cc).
  bool Membership(const Caller& caller, const core::CoreRequest& request);
  void CreateMember(const Caller& caller, const v1::CreateMemberRequest& request);
  void BatchCreateMembers(const Caller& caller, const v1::BatchCreateMembersRequest& request);
  void UpdateMember(const Caller& caller, const v1::UpdateMemberRequest& request);
  void DeleteMember(const Caller& caller, const v1::DeleteMemberRequest& request);
  void Expel(const Caller& caller, const v1::ExpelMembersRequest& request);
  void FillChecked(const ChannelId& channel, groups::Member member, bool joined,
                   v1::Member& message) const;
  void FillMember(const ChannelId& channel, const groups::Member& asked, v1::Member& message) const;

  // Calendars and plans (calls_calendar.cc).
  bool Calendar(const Caller& caller, const core::CoreRequest& request);
  void UpdateSchedule(const Caller& caller, const v1::UpdateRekeyScheduleRequest& request);
  void PutSchedule(const Caller& caller, const Ask& ask,
                   const Outcome<controller::PutSchedule>& command);
  void DeleteSchedule(const Caller& caller, const v1::DeleteRekeyScheduleRequest& request);
  void ListUpcoming(const Caller& caller, const v1::ListUpcomingRekeysRequest& request);
  void ListConflicts(const Caller& caller, const v1::ListRekeyConflictsRequest& request);
  void PlanRekey(const Caller& caller, const v1::PlanRekeyRequest& request);

  // The store (calls_store.cc).
  bool Store(const Caller& caller, const core::CoreRequest& request);
  void CreateBackup(const Caller& caller, const v1::CreateBackupRequest& request);
  void GetBackup(const Caller& caller, const v1::GetBackupRequest& request);
  void ListBackups(const Caller& caller, const v1::ListBackupsRequest& request);
  void DeleteBackup(const Caller& caller, const v1::DeleteBackupRequest& request);
  void RotateMasterKey(const Caller& caller, const v1::RotateMasterKeyRequest& request);

  // Operations (calls_operations.cc).
  bool Operation(const Caller& caller, const core::CoreRequest& request);
  void Begin(const Caller& caller, const Ask& ask, rekey::Operation operation);
  void RekeyChannels(const Caller& caller, const v1::RekeyChannelsRequest& request);
  void CancelOperation(const Caller& caller, const v1::CancelOperationRequest& request);
  void DeleteOperation(const Caller& caller, const v1::DeleteOperationRequest& request);
  void WaitOperation(const Caller& caller, const v1::WaitOperationRequest& request);
  void AnswerWaiting();

  // Reads (calls_reads.cc) and lists (calls_lists.cc).
  bool Read(const Caller& caller, const core::CoreRequest& request);
  bool ReadMany(const Caller& caller, const core::CoreRequest& request);
  bool ReadServer(const Caller& caller, const core::CoreRequest& request);
  bool List(const Caller& caller, const core::CoreRequest& request);
  void ListChannels(const Caller& caller, const v1::ListChannelsRequest& request);
  void ListSubscribers(const Caller& caller, const v1::ListSubscribersRequest& request);
  void ListMembers(const Caller& caller, const v1::ListMembersRequest& request);
  void ListHeadends(const Caller& caller, const v1::ListHeadendsRequest& request);
  void ListRekeys(const Caller& caller, const v1::ListRekeysRequest& request);
  void ListSchedules(const Caller& caller, const v1::ListRekeySchedulesRequest& request);
  void ListOperations(const Caller& caller, const v1::ListOperationsRequest& request);
  void ListAudit(const Caller& caller, const v1::ListAuditRecordsRequest& request);
  void FillStatus(v1::ServerStatus& status) const;
  const rekey::ChannelState* FindChannel(const std::string& name) const;
  // Each is nothing where the resource is not there.
  std::optional<v1::Channel> ChannelMessage(const std::string& name) const;
  std::optional<v1::Subscriber> SubscriberMessage(const std::string& name) const;
  std::optional<v1::Headend> HeadendMessage(const std::string& name) const;
  std::optional<v1::Member> MemberMessage(const std::string& text) const;
  std::optional<v1::Rekey> RekeyMessage(const std::string& text) const;
  std::optional<v1::RekeySchedule> ScheduleMessage(const std::string& text) const;

  // Streams (calls_streams.cc).
  bool Stream(const Caller& caller, const core::CoreRequest& request);
  void Watch(const Caller& caller, const v1::WatchRequest& request);
  void Report(const Caller& caller, const v1::HeadendReport& report);
  void SendToHeadend(HeadendStreams::Answer& answer, const keymast::Status& status);
  void Cancel(const Caller& caller);

  // Do carries out a command; `fill` writes the answer from the state behind it, in which what a
  // repeated request made may be gone again. The answer leaves when the command is durable, or with
  // `finish` when that calls what it is given, then. `one`: the command is a batch of one that was
  // not asked for as a batch.
  using FillReply = std::function<void(const controller::Reply&, core::CoreReply&)>;
  using Finish = std::function<void(const Pipeline::Effect& answer)>;
  void Do(const Caller& caller, const Ask& ask, const controller::Command& command,
          const FillReply& fill, bool one = false, const Finish& finish = {});
  // KeptOf is a request of this id that was carried out, or null.
  const rekey::KeptRequest* KeptOf(const std::string& request_id) const;
  // RefuseUnlessDone refuses what cannot be asked for, but for what was carried out before, when it
  // could: `fill` writes that answer.
  void RefuseUnlessDone(const Caller& caller, const Ask& ask, const Failure& failure,
                        const std::function<void(core::CoreReply&)>& fill);
  // WithoutEtag is a resource that is gone, as it was asked for.
  template <class Message>
  static Message WithoutEtag(Message message) {
    message.clear_etag();
    return message;
  }
  controller::Asker AskerOf(const core::CoreRequest& request) const;
  // Answer leaves when everything decided so far is durable: it shows the working state.
  void Answer(const Caller& caller, core::CoreReply reply);
  void Refuse(const Caller& caller, const Failure& failure);
  // Held is the effect that sends an answer, or what `why` makes of the error.
  using Why = std::function<Failure(Error)>;
  Pipeline::Effect Held(const Caller& caller, core::CoreReply& reply, Why why);
  // NotMade says why a change that was decided did not become true.
  Failure NotMade(Error error) const;

  const rekey::State& state() const { return shard_.controller().state(); }

  Clients& clients_;
  Shard& shard_;
  StoreWork& store_work_;
  const crypto::KeyPair& import_key_;
  const Identity identity_;
  const NotReady not_ready_;
  const Metrics metrics_;
  const StateHash state_hash_;
  const PageTokens page_tokens_;
  const ArenaBlock arena_block_;  // of the answer that is being written
  const Digests digests_;
  controller::Asker asker_;  // who asks now
  struct Waiting {
    Caller caller;
    OperationId operation;
    Instant until;
  };
  std::vector<Waiting> waiting_;  // for operations to be done
  size_t held_ = 0;               // octets of answers that wait for the disk
};

}  // namespace keymast::server
