// SPDX-License-Identifier: Apache-2.0
// The requests of keymast-api: each is one command, one read, or one frame of a stream.
#pragma once

#include "server/names.h"
#include "server/page_token.h"
#include "server/shard.h"

namespace keymast::server {

// NotTrue is for an answer that changed nothing, but showed a change that did not become true.
Failure NotTrue(Error error);

// CheckInBatch is for a request of a batch that wants only to be checked: `prefix` is its path.
Failure CheckInBatch(const std::string& prefix);

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
        NotReady not_ready, Metrics metrics, StateHash state_hash);

  void OnRequest(ClientId client, const core::CoreRequest& request);
  void OnClosed(ClientId client);

 private:
  // Commands (calls_commands.cc).
  bool Command(const Caller& caller, const core::CoreRequest& request);
  void CreateChannel(const Caller& caller, const v1::CreateChannelRequest& request);
  void UpdateChannel(const Caller& caller, const v1::UpdateChannelRequest& request);
  void DeleteChannel(const Caller& caller, const v1::DeleteChannelRequest& request);
  void CreateSubscriber(const Caller& caller, const v1::CreateSubscriberRequest& request);
  void BatchCreateSubscribers(const Caller& caller,
                              const v1::BatchCreateSubscribersRequest& request);
  void DeleteSubscriber(const Caller& caller, const v1::DeleteSubscriberRequest& request);
  void CreateHeadend(const Caller& caller, const v1::CreateHeadendRequest& request);
  void DeleteHeadend(const Caller& caller, const v1::DeleteHeadendRequest& request);
  void RekeyNow(const Caller& caller, const v1::RekeyNowRequest& request);

  // Membership (calls_members.cc).
  bool Membership(const Caller& caller, const core::CoreRequest& request);
  void CreateMember(const Caller& caller, const v1::CreateMemberRequest& request);
  void BatchCreateMembers(const Caller& caller, const v1::BatchCreateMembersRequest& request);
  void UpdateMember(const Caller& caller, const v1::UpdateMemberRequest& request);
  void Expel(const Caller& caller, const v1::ExpelMembersRequest& request);
  void FillMember(const MemberName& name, core::CoreReply& reply) const;

  // Reads (calls_reads.cc).
  bool Read(const Caller& caller, const core::CoreRequest& request);
  bool ReadServer(const Caller& caller, const core::CoreRequest& request);
  void GetMember(const Caller& caller, const std::string& text);
  void ListChannels(const Caller& caller, const v1::ListChannelsRequest& request);
  void ListSubscribers(const Caller& caller, const v1::ListSubscribersRequest& request);
  void ListMembers(const Caller& caller, const v1::ListMembersRequest& request);
  void ListHeadends(const Caller& caller, const v1::ListHeadendsRequest& request);
  void ListRekeys(const Caller& caller, const v1::ListRekeysRequest& request);
  void FillStatus(v1::ServerStatus& status) const;

  // Streams (calls_streams.cc).
  bool Stream(const Caller& caller, const core::CoreRequest& request);
  void Watch(const Caller& caller, const v1::WatchRequest& request);
  void Report(const Caller& caller, const v1::HeadendReport& report);
  void SendToHeadend(HeadendStreams::Answer& answer, const keymast::Status& status);
  void Cancel(const Caller& caller);

  // Do carries out a command; `fill` writes the answer from the state behind it. The answer leaves
  // when the command is durable. `one`: the command is a batch of one that was not asked for as a
  // batch.
  using FillReply = std::function<void(const controller::Reply&, core::CoreReply&)>;
  void Do(const Caller& caller, const controller::Command& command, bool validate_only,
          const FillReply& fill, bool one = false);
  // Answer leaves when everything decided so far is durable: it shows the working state.
  void Answer(const Caller& caller, core::CoreReply reply);
  void Refuse(const Caller& caller, const Failure& failure);
  // Held is the effect that sends an answer, or what `why` makes of the error.
  Pipeline::Effect Held(const Caller& caller, core::CoreReply& reply, Failure (*why)(Error));

  const rekey::State& state() const { return shard_.controller().state(); }

  Clients& clients_;
  Shard& shard_;
  const crypto::KeyPair& import_key_;
  const Identity identity_;
  const NotReady not_ready_;
  const Metrics metrics_;
  const StateHash state_hash_;
  const PageTokens page_tokens_;
  const ArenaBlock arena_block_;  // of the answer that is being written
  std::string principal_;         // who asks now
  size_t held_ = 0;               // octets of answers that wait for the disk
};

}  // namespace keymast::server
