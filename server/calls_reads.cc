// SPDX-License-Identifier: Apache-2.0
// Reads. Lists are in the order of ids; a page ends early where its frame would get too long.
#include <algorithm>
#include <cstdlib>

#include "server/calls.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr size_t kDefaultPage = 100;
constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxPageOctets = framing::kMaxFrame - 64 * 1024;

// PageSize is nothing for a size below zero, which is a mistake (AIP-158).
std::optional<size_t> PageSize(int32_t asked) {
  if (asked < 0) return std::nullopt;
  return asked == 0 ? kDefaultPage : std::min(static_cast<size_t>(asked), kMaxPage);
}

Failure BadPageSize() {
  return {Error::kInvalidArgument,
          "page_size is below zero",
          {{"page_size", "must be 1 to 1000, or 0 for the default"}},
          {},
          0};
}

Failure BadToken() {
  return {Error::kInvalidArgument,
          "page_token is not one that this list call gave",
          {{"page_token", "must be the next_page_token of the same call"}},
          {},
          0};
}

// FirstBehind gives the first `count` keys of an unordered map behind `after`, in order: one pass,
// and as much memory as a page.
template <class Map>
std::vector<typename Map::key_type> FirstBehind(const Map& map, const std::string& after,
                                                size_t count) {
  std::vector<typename Map::key_type> heap;  // its greatest on top
  for (const auto& [key, value] : map) {
    if (key.value <= after) continue;
    if (heap.size() == count) {
      if (key >= heap.front()) continue;
      std::pop_heap(heap.begin(), heap.end());
      heap.pop_back();
    }
    heap.push_back(key);
    std::push_heap(heap.begin(), heap.end());
  }
  std::sort_heap(heap.begin(), heap.end());
  return heap;
}

// OnePage fills a page from candidates in order, of which there is one more than a page has where
// more follow. `add` appends one and gives its octets, `remove` takes the last one back.
template <class Id, class Add, class Remove>
std::optional<Id> OnePage(const std::vector<Id>& candidates, size_t page, Add add, Remove remove) {
  size_t octets = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (i == page) return candidates[i - 1];
    octets += add(candidates[i]) + 8;  // with tag and length
    if (octets > kMaxPageOctets && i > 0) {
      remove();
      return candidates[i - 1];
    }
  }
  return std::nullopt;
}

template <class Map>
std::vector<typename Map::key_type> OrderedBehind(const Map& map, const std::string& after,
                                                  size_t count) {
  std::vector<typename Map::key_type> keys;
  auto at = map.upper_bound(typename Map::key_type(after));
  for (; at != map.end() && keys.size() < count; ++at) keys.push_back(at->first);
  return keys;
}

}  // namespace

bool Calls::Read(const Caller& caller, const core::CoreRequest& request) {
  core::CoreReply reply;
  const auto one = [&](const auto& map, const auto& id, const std::string& name, auto fill) {
    const auto found = id ? map.find(*id) : map.end();
    if (found == map.end()) return Refuse(caller, NotThere(name));
    fill(found->second);
    Answer(caller, std::move(reply));
  };
  switch (request.request_case()) {
    case core::CoreRequest::kGetChannel: {
      const std::string& name = request.get_channel().name();
      one(state().channels, ChannelOf(name), name, [&](const rekey::ChannelState& channel) {
        *reply.mutable_channel() = ToProto(shard_.controller(), channel);
      });
      return true;
    }
    case core::CoreRequest::kGetSubscriber: {
      const std::string& name = request.get_subscriber().name();
      one(state().subscribers, SubscriberOf(name), name, [&](const rekey::SubscriberState& found) {
        *reply.mutable_subscriber() = ToProto(found.subscriber);
      });
      return true;
    }
    case core::CoreRequest::kGetHeadend: {
      const std::string& name = request.get_headend().name();
      one(state().headends, HeadendOf(name), name, [&](const groups::Headend& headend) {
        *reply.mutable_headend() = ToProto(shard_.controller(), headend);
      });
      return true;
    }
    case core::CoreRequest::kGetMember:
      return GetMember(caller, request.get_member().name()), true;
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
    default:
      return ReadServer(caller, request);
  }
}

bool Calls::ReadServer(const Caller& caller, const core::CoreRequest& request) {
  core::CoreReply reply;
  switch (request.request_case()) {
    case core::CoreRequest::kGetServerStatus:
      FillStatus(*reply.mutable_server_status());
      break;
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

void Calls::GetMember(const Caller& caller, const std::string& text) {
  const auto name = MemberOf(text);
  const auto channel = name ? state().channels.find(name->channel) : state().channels.end();
  if (channel == state().channels.end() || !channel->second.members.contains(name->subscriber)) {
    return Refuse(caller, NotThere(text));
  }
  core::CoreReply reply;
  FillMember(*name, reply);
  Answer(caller, std::move(reply));
}

void Calls::ListChannels(const Caller& caller, const v1::ListChannelsRequest& request) {
  const auto after = page_tokens_.Read("channels", request.page_token());
  if (!after) return Refuse(caller, BadToken());
  const auto page = PageSize(request.page_size());
  if (!page) return Refuse(caller, BadPageSize());
  core::CoreReply reply;
  v1::ListChannelsResponse& list = *reply.mutable_list_channels();
  const auto last = OnePage(
      OrderedBehind(state().channels, *after, *page + 1), *page,
      [&](const ChannelId& id) {
        *list.add_channels() = ToProto(shard_.controller(), state().channels.at(id));
        return list.channels().rbegin()->ByteSizeLong();
      },
      [&] { list.mutable_channels()->RemoveLast(); });
  if (last) list.set_next_page_token(page_tokens_.Make("channels", last->value));
  Answer(caller, std::move(reply));
}

void Calls::ListSubscribers(const Caller& caller, const v1::ListSubscribersRequest& request) {
  const auto after = page_tokens_.Read("subscribers", request.page_token());
  if (!after) return Refuse(caller, BadToken());
  const auto page = PageSize(request.page_size());
  if (!page) return Refuse(caller, BadPageSize());
  core::CoreReply reply;
  v1::ListSubscribersResponse& list = *reply.mutable_list_subscribers();
  const auto last = OnePage(
      FirstBehind(state().subscribers, *after, *page + 1), *page,
      [&](const SubscriberId& id) {
        *list.add_subscribers() = ToProto(state().subscribers.at(id).subscriber);
        return list.subscribers().rbegin()->ByteSizeLong();
      },
      [&] { list.mutable_subscribers()->RemoveLast(); });
  if (last) list.set_next_page_token(page_tokens_.Make("subscribers", last->value));
  Answer(caller, std::move(reply));
}

void Calls::ListMembers(const Caller& caller, const v1::ListMembersRequest& request) {
  const auto id = ChannelOf(request.parent());
  const auto channel = id ? state().channels.find(*id) : state().channels.end();
  if (channel == state().channels.end()) return Refuse(caller, NotThere(request.parent()));
  const std::string call = "members of " + request.parent();
  const auto after = page_tokens_.Read(call, request.page_token());
  if (!after) return Refuse(caller, BadToken());
  const auto page = PageSize(request.page_size());
  if (!page) return Refuse(caller, BadPageSize());
  core::CoreReply reply;
  v1::ListMembersResponse& list = *reply.mutable_list_members();
  const auto& members = channel->second.members;
  const auto last = OnePage(
      FirstBehind(members, *after, *page + 1), *page,
      [&](const SubscriberId& member) {
        *list.add_members() = ToProto(shard_.controller(), *id, members.at(member));
        return list.members().rbegin()->ByteSizeLong();
      },
      [&] { list.mutable_members()->RemoveLast(); });
  if (last) list.set_next_page_token(page_tokens_.Make(call, last->value));
  Answer(caller, std::move(reply));
}

void Calls::ListHeadends(const Caller& caller, const v1::ListHeadendsRequest& request) {
  const auto after = page_tokens_.Read("headends", request.page_token());
  if (!after) return Refuse(caller, BadToken());
  const auto page = PageSize(request.page_size());
  if (!page) return Refuse(caller, BadPageSize());
  core::CoreReply reply;
  v1::ListHeadendsResponse& list = *reply.mutable_list_headends();
  const auto last = OnePage(
      OrderedBehind(state().headends, *after, *page + 1), *page,
      [&](const HeadendId& id) {
        *list.add_headends() = ToProto(shard_.controller(), state().headends.at(id));
        return list.headends().rbegin()->ByteSizeLong();
      },
      [&] { list.mutable_headends()->RemoveLast(); });
  if (last) list.set_next_page_token(page_tokens_.Make("headends", last->value));
  Answer(caller, std::move(reply));
}

void Calls::ListRekeys(const Caller& caller, const v1::ListRekeysRequest& request) {
  const auto id = ChannelOf(request.parent());
  const auto channel = id ? state().channels.find(*id) : state().channels.end();
  if (channel == state().channels.end()) return Refuse(caller, NotThere(request.parent()));
  const std::string call = "rekeys of " + request.parent();
  const auto token = page_tokens_.Read(call, request.page_token());
  if (!token) return Refuse(caller, BadToken());
  uint64_t below = UINT64_MAX;
  if (!token->empty()) below = std::strtoull(token->c_str(), nullptr, 10);
  const auto page = PageSize(request.page_size());
  if (!page) return Refuse(caller, BadPageSize());
  core::CoreReply reply;
  v1::ListRekeysResponse& list = *reply.mutable_list_rekeys();
  const auto& history = channel->second.history;
  for (auto rekey = history.rbegin(); rekey != history.rend(); ++rekey) {
    if (rekey->sequence >= below) continue;
    if (static_cast<size_t>(list.rekeys_size()) == *page) {
      list.set_next_page_token(page_tokens_.Make(call, std::to_string(std::prev(rekey)->sequence)));
      break;
    }
    *list.add_rekeys() = ToProto(*id, *rekey);
  }
  Answer(caller, std::move(reply));
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
  const std::vector<std::string_view> reasons = not_ready_();
  status.set_ready(reasons.empty());
  for (const std::string_view reason : reasons) status.add_not_ready(std::string(reason));
}

}  // namespace keymast::server
