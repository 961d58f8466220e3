// SPDX-License-Identifier: Apache-2.0
// Lists: which resources there are, and what an order needs of each.
#include "server/audit_listing.h"
#include "server/calls.h"
#include "server/listing.h"

namespace keymast::server {
namespace {

template <class Request>
const google::protobuf::FieldMask* MaskOf(const Request& request) {
  if constexpr (requires { request.read_mask(); }) {
    return &request.read_mask();
  } else {
    return nullptr;
  }
}

template <class Message, class Request>
tl::expected<Listing, Failure> ReadListing(const Request& request, const std::string& collection,
                                           const PageTokens& tokens, std::string_view time_field,
                                           bool is_newest_first = false) {
  return Listing::Read({collection, request.page_size(), request.page_token(), request.filter(),
                        request.order_by(), MaskOf(request), time_field, is_newest_first},
                       *Message::descriptor(), tokens);
}

constexpr std::string_view kCreateTime = "create_time";

Place PlaceBy(const Listing& listing, Instant time, const std::string& id) {
  return {listing.is_by_time() ? ToUnixNanos(time) : 0, id};
}

// A number as a text in whose order it stands.
std::string Ordered(uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits;
}

}  // namespace

bool Calls::List(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kListChannels:
      return ListChannels(caller, request.list_channels()), true;
    case core::CoreRequest::kListSubscribers:
      return ListSubscribers(caller, request.list_subscribers()), true;
    case core::CoreRequest::kListMembers:
      return ListMembers(caller, request.list_members()), true;
    case core::CoreRequest::kListHeadends:
      return ListHeadends(caller, request.list_headends()), true;
    case core::CoreRequest::kListRekeys:
      return ListRekeys(caller, request.list_rekeys()), true;
    case core::CoreRequest::kListRekeySchedules:
      return ListSchedules(caller, request.list_rekey_schedules()), true;
    case core::CoreRequest::kListOperations:
      return ListOperations(caller, request.list_operations()), true;
    case core::CoreRequest::kListAuditRecords:
      return ListAudit(caller, request.list_audit_records()), true;
    default:
      return false;
  }
}

void Calls::ListChannels(const Caller& caller, const v1::ListChannelsRequest& request) {
  const auto listing = ReadListing<v1::Channel>(request, "channels", page_tokens_, kCreateTime);
  if (!listing) return Refuse(caller, listing.error());
  const auto picked = listing->Pick(state().channels, [&](const auto& one) {
    return asker_.scope.Has(one.first)
               ? std::optional(PlaceBy(*listing, one.second.channel.created, one.first.value))
               : std::nullopt;
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_channels();
  listing->Fill(
      picked, *list.mutable_channels(),
      [&](const Place& place) {
        return ToProto(shard_.controller(), state().channels.at(ChannelId(place.id)));
      },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

void Calls::ListSubscribers(const Caller& caller, const v1::ListSubscribersRequest& request) {
  const auto listing =
      ReadListing<v1::Subscriber>(request, "subscribers", page_tokens_, kCreateTime);
  if (!listing) return Refuse(caller, listing.error());
  const auto picked = listing->Pick(state().subscribers, [&](const auto& one) {
    return std::optional(PlaceBy(*listing, one.second.subscriber.created, one.first.value));
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_subscribers();
  listing->Fill(
      picked, *list.mutable_subscribers(),
      [&](const Place& place) { return ToProto(state().subscribers.at(SubscriberId(place.id))); },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

void Calls::ListMembers(const Caller& caller, const v1::ListMembersRequest& request) {
  const rekey::ChannelState* channel = FindChannel(request.parent());
  if (channel == nullptr) return Refuse(caller, NoSuch(request.parent(), "parent", kChannelForm));
  const auto listing =
      ReadListing<v1::Member>(request, "members of " + request.parent(), page_tokens_, kCreateTime);
  if (!listing) return Refuse(caller, listing.error());
  const auto picked = listing->Pick(channel->members, [&](const auto& one) {
    return std::optional(PlaceBy(*listing, one.second.created, one.first.value));
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_members();
  listing->Fill(
      picked, *list.mutable_members(),
      [&](const Place& place) {
        return ToProto(shard_.controller(), channel->channel.id,
                       channel->members.at(SubscriberId(place.id)));
      },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

// A headend is shown to who may see all of its channels.
void Calls::ListHeadends(const Caller& caller, const v1::ListHeadendsRequest& request) {
  const auto listing = ReadListing<v1::Headend>(request, "headends", page_tokens_, kCreateTime);
  if (!listing) return Refuse(caller, listing.error());
  const auto may_see = [this](const groups::Headend& headend) {
    if (asker_.scope.is_whole) return true;
    const auto& channels = headend.channels;
    return !channels.empty() &&
           std::all_of(channels.begin(), channels.end(),
                       [this](const auto& id) { return asker_.scope.Has(id); });
  };
  const auto picked = listing->Pick(state().headends, [&](const auto& one) {
    return may_see(one.second)
               ? std::optional(PlaceBy(*listing, one.second.created, one.first.value))
               : std::nullopt;
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_headends();
  listing->Fill(
      picked, *list.mutable_headends(),
      [&](const Place& place) {
        return ToProto(shard_.controller(), state().headends.at(HeadendId(place.id)));
      },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

void Calls::ListRekeys(const Caller& caller, const v1::ListRekeysRequest& request) {
  const rekey::ChannelState* channel = FindChannel(request.parent());
  if (channel == nullptr) return Refuse(caller, NoSuch(request.parent(), "parent", kChannelForm));
  const auto listing = ReadListing<v1::Rekey>(request, "rekeys of " + request.parent(),
                                              page_tokens_, "prepare_time", true);
  if (!listing) return Refuse(caller, listing.error());
  const auto picked = listing->Pick(channel->history, [&](const rekey::Rekey& rekey) {
    return std::optional(PlaceBy(*listing, rekey.prepared_at, Ordered(rekey.sequence)));
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_rekeys();
  const uint64_t first = channel->history.empty() ? 0 : channel->history.front().sequence;
  listing->Fill(
      picked, *list.mutable_rekeys(),
      [&](const Place& place) {
        const uint64_t sequence = std::stoull(place.id);
        return ToProto(channel->channel.id, channel->history[sequence - first]);
      },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

void Calls::ListSchedules(const Caller& caller, const v1::ListRekeySchedulesRequest& request) {
  const rekey::ChannelState* channel = FindChannel(request.parent());
  if (channel == nullptr) return Refuse(caller, NoSuch(request.parent(), "parent", kChannelForm));
  const auto listing = ReadListing<v1::RekeySchedule>(request, "schedules of " + request.parent(),
                                                      page_tokens_, kCreateTime);
  if (!listing) return Refuse(caller, listing.error());
  const auto picked = listing->Pick(channel->schedules, [&](const auto& one) {
    return std::optional(PlaceBy(*listing, one.second.created, one.first.value));
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_rekey_schedules();
  listing->Fill(
      picked, *list.mutable_rekey_schedules(),
      [&](const Place& place) {
        return ToProto(channel->channel.id, channel->schedules.at(ScheduleId(place.id)),
                       shard_.Now());
      },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

void Calls::ListOperations(const Caller& caller, const v1::ListOperationsRequest& request) {
  const auto listing = ReadListing<v1::Operation>(request, "operations", page_tokens_, kCreateTime);
  if (!listing) return Refuse(caller, listing.error());
  const auto picked = listing->Pick(state().operations, [&](const auto& one) {
    return std::optional(PlaceBy(*listing, one.second.begun, one.first.value));
  });
  core::CoreReply reply;
  auto& list = *reply.mutable_list_operations();
  listing->Fill(
      picked, *list.mutable_operations(),
      [&](const Place& place) { return ToProto(state().operations.at(OperationId(place.id))); },
      *list.mutable_next_page_token());
  Answer(caller, std::move(reply));
}

// The audit log is read from the store: what is not durable yet is not in it.
void Calls::ListAudit(const Caller& caller, const v1::ListAuditRecordsRequest& request) {
  const auto listing = AuditListing::Read(request, page_tokens_);
  if (!listing) return Refuse(caller, listing.error());
  const auto records = shard_.parts().durable.Audit(listing->after(), listing->wanted());
  if (!records) {
    return Refuse(caller, {records.error(), "the audit log cannot be read here", {}, {}, 0});
  }
  core::CoreReply reply;
  listing->Fill(*records, *reply.mutable_list_audit_records());
  Answer(caller, std::move(reply));
}

}  // namespace keymast::server
