// SPDX-License-Identifier: Apache-2.0
// Reads of one resource, or of several by name.
#include "server/audit_key.h"
#include "server/calls.h"
#include "server/masks.h"

namespace keymast::server {
namespace {

// TrimmedBy is a message with the fields that a request wants.
template <class Message, class Request>
Message TrimmedBy(const Request& request, Message message) {
  Trim(request.read_mask(), message);
  return message;
}

}  // namespace

const rekey::ChannelState* Calls::FindChannel(const std::string& name) const {
  const auto id = ChannelOf(name);
  const auto found = id ? state().channels.find(*id) : state().channels.end();
  return found == state().channels.end() ? nullptr : &found->second;
}

bool Calls::Read(const Caller& caller, const core::CoreRequest& request) {
  core::CoreReply reply;
  // `make` is nothing where the resource is not there.
  const auto one = [&](const auto& asked, const NameForm& form, const auto& make, auto* into) {
    using Message = std::remove_pointer_t<decltype(into)>;
    if (auto read = CheckReadMask(asked.read_mask(), *Message::descriptor()); !read) {
      return Refuse(caller, read.error());
    }
    std::optional<Message> message = make(asked.name());
    if (!message) return Refuse(caller, NoSuch(asked.name(), "name", form));
    *into = TrimmedBy(asked, std::move(*message));
    Answer(caller, std::move(reply));
  };
  switch (request.request_case()) {
    case core::CoreRequest::kGetChannel:
      one(
          request.get_channel(), kChannelForm,
          [this](const auto& name) { return ChannelMessage(name); }, reply.mutable_channel());
      return true;
    case core::CoreRequest::kGetSubscriber:
      one(
          request.get_subscriber(), kSubscriberForm,
          [this](const auto& name) { return SubscriberMessage(name); }, reply.mutable_subscriber());
      return true;
    case core::CoreRequest::kGetHeadend:
      one(
          request.get_headend(), kHeadendForm,
          [this](const auto& name) { return HeadendMessage(name); }, reply.mutable_headend());
      return true;
    case core::CoreRequest::kGetMember:
      one(
          request.get_member(), kMemberForm,
          [this](const auto& name) { return MemberMessage(name); }, reply.mutable_member());
      return true;
    case core::CoreRequest::kGetRekey:
      one(
          request.get_rekey(), kRekeyForm, [this](const auto& name) { return RekeyMessage(name); },
          reply.mutable_rekey());
      return true;
    case core::CoreRequest::kGetRekeySchedule:
      one(
          request.get_rekey_schedule(), kScheduleForm,
          [this](const auto& name) { return ScheduleMessage(name); },
          reply.mutable_rekey_schedule());
      return true;
    default:
      return ReadMany(caller, request) || ReadServer(caller, request);
  }
}

bool Calls::ReadMany(const Caller& caller, const core::CoreRequest& request) {
  core::CoreReply reply;
  const auto many = [&](const auto& asked, const NameForm& form, const auto& make, auto* into) {
    using Message = typename std::remove_pointer_t<decltype(into)>::value_type;
    if (auto wrong = CheckBatch(asked.names_size(), "names")) return Refuse(caller, *wrong);
    if (auto read = CheckReadMask(asked.read_mask(), *Message::descriptor()); !read) {
      return Refuse(caller, read.error());
    }
    for (int i = 0; i < asked.names_size(); ++i) {
      const std::string& name = asked.names(i);
      std::optional<Message> message = make(name);
      if (!message) {
        return Refuse(caller, NoSuch(name, "names[" + std::to_string(i) + "]", form));
      }
      *into->Add() = TrimmedBy(asked, std::move(*message));
    }
    Answer(caller, std::move(reply));
  };
  switch (request.request_case()) {
    case core::CoreRequest::kBatchGetChannels:
      many(
          request.batch_get_channels(), kChannelForm,
          [this](const auto& name) { return ChannelMessage(name); },
          reply.mutable_batch_get_channels()->mutable_channels());
      return true;
    case core::CoreRequest::kBatchGetSubscribers:
      many(
          request.batch_get_subscribers(), kSubscriberForm,
          [this](const auto& name) { return SubscriberMessage(name); },
          reply.mutable_batch_get_subscribers()->mutable_subscribers());
      return true;
    case core::CoreRequest::kBatchGetMembers: {
      const auto& asked = request.batch_get_members();
      if (!ChannelOf(asked.parent())) {
        return Refuse(caller, NoSuch(asked.parent(), "parent", kChannelForm)), true;
      }
      const std::string within = asked.parent() + "/members/";
      many(
          asked, kMemberForm,
          [&](const std::string& name) {
            return name.starts_with(within) ? MemberMessage(name) : std::nullopt;
          },
          reply.mutable_batch_get_members()->mutable_members());
      return true;
    }
    default:
      return false;
  }
}

std::optional<v1::Channel> Calls::ChannelMessage(const std::string& name) const {
  const rekey::ChannelState* channel = FindChannel(name);
  if (channel == nullptr) return std::nullopt;
  return ToProto(shard_.controller(), *channel);
}

std::optional<v1::Subscriber> Calls::SubscriberMessage(const std::string& name) const {
  const auto id = SubscriberOf(name);
  const auto found = id ? state().subscribers.find(*id) : state().subscribers.end();
  if (found == state().subscribers.end()) return std::nullopt;
  return ToProto(found->second);
}

std::optional<v1::Headend> Calls::HeadendMessage(const std::string& name) const {
  const auto id = HeadendOf(name);
  const auto found = id ? state().headends.find(*id) : state().headends.end();
  if (found == state().headends.end()) return std::nullopt;
  return ToProto(shard_.controller(), found->second);
}

std::optional<v1::Member> Calls::MemberMessage(const std::string& text) const {
  const auto name = MemberOf(text);
  const auto channel = name ? state().channels.find(name->channel) : state().channels.end();
  if (channel == state().channels.end()) return std::nullopt;
  const auto member = channel->second.members.find(name->subscriber);
  if (member == channel->second.members.end()) return std::nullopt;
  return ToProto(shard_.controller(), name->channel, member->second);
}

std::optional<v1::Rekey> Calls::RekeyMessage(const std::string& text) const {
  const auto name = RekeyOf(text);
  const auto channel = name ? state().channels.find(name->channel) : state().channels.end();
  if (channel == state().channels.end()) return std::nullopt;
  for (const rekey::Rekey& rekey : channel->second.history) {
    if (rekey.sequence == name->sequence) return ToProto(name->channel, rekey);
  }
  return std::nullopt;
}

std::optional<v1::RekeySchedule> Calls::ScheduleMessage(const std::string& text) const {
  const auto name = ScheduleOf(text);
  const auto channel = name ? state().channels.find(name->channel) : state().channels.end();
  if (channel == state().channels.end()) return std::nullopt;
  const auto found = channel->second.schedules.find(name->schedule);
  if (found == channel->second.schedules.end()) return std::nullopt;
  return ToProto(name->channel, found->second, shard_.Now());
}

bool Calls::ReadServer(const Caller& caller, const core::CoreRequest& request) {
  core::CoreReply reply;
  switch (request.request_case()) {
    case core::CoreRequest::kGetServerStatus:
      FillStatus(*reply.mutable_server_status());
      break;
    case core::CoreRequest::kGetOperation: {
      const auto id = OperationOf(request.get_operation().name());
      const auto found = id ? state().operations.find(*id) : state().operations.end();
      if (found == state().operations.end()) {
        return Refuse(caller, NoSuch(request.get_operation().name(), "name", kOperationForm)), true;
      }
      *reply.mutable_operation() = ToProto(found->second);
      break;
    }
    case core::CoreRequest::kMetrics:
      metrics_(*reply.mutable_metrics());
      clients_.Send(caller, reply,
                    true);  // also while the disk hangs: that is when it is looked at
      return true;
    case core::CoreRequest::kStateHash:
      reply.mutable_state_hash()->set_hash(std::string(AsText(state_hash_(state()))));
      break;
    default:
      return false;
  }
  Answer(caller, std::move(reply));
  return true;
}

void Calls::FillStatus(v1::ServerStatus& status) const {
  const Instant now = shard_.Now();
  status.set_version(KEYMAST_VERSION);
  status.set_import_public_key(std::string(AsText(import_key_.public_key)));
  status.set_identity(identity_.identity);
  status.set_incarnation(identity_.store.incarnation);
  status.set_epoch(identity_.store.epoch);
  status.set_revision(shard_.revision());
  *status.mutable_start_time() = ToProto(identity_.started);
  *status.mutable_uptime() = ToProto(now - identity_.started);
  status.set_store_state(static_cast<v1::StoreState>(shard_.store_state()));
  uint64_t members = 0;
  for (const auto& [id, channel] : state().channels) members += channel.members.size();
  status.set_channel_count(state().channels.size());
  status.set_subscriber_count(state().subscribers.size());
  status.set_member_count(members);
  const std::optional<uint64_t>& lost = identity_.store.possibly_lost_commits;
  status.set_possibly_lost_commits(lost.value_or(0));
  status.set_possibly_lost_commits_unknown(!lost);
  status.set_audit_public_key(std::string(AsText(AuditPublicKey(import_key_))));
  status.set_master_key_id(store_work_.key_in_use());
  status.mutable_audit()->set_sequence(state().audit.sequence);
  status.mutable_audit()->set_hash(std::string(AsText(state().audit.hash)));
  const std::vector<std::string_view> reasons = not_ready_();
  status.set_ready(reasons.empty());
  for (const std::string_view reason : reasons) status.add_not_ready(std::string(reason));
}

}  // namespace keymast::server
