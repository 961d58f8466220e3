// SPDX-License-Identifier: Apache-2.0
#include "records/page.h"

#include <algorithm>

#include "records/fields.h"

namespace keymast::records {
namespace {

// The rows of each kind: id, and what Fields reads and writes.
using RetiredGroup = std::pair<rekey::KeyGroupName, KeyNumber>;
using Departed = std::pair<uint32_t, uint32_t>;

template <class C>
void Fields(C& c, Ref<C, RetiredGroup> group) {
  All(c, group.first, group.second);
}

template <class C>
void Fields(C& c, Ref<C, Departed> departed) {
  All(c, departed.first, departed.second);
}

template <class C>
void Fields(C& c, Ref<C, audit::Head> head) {
  All(c, head.sequence);
  Fixed(c, head.hash);
  All(c, head.checkpoint, head.checkpoint_at);
}

// Numbers: those of format 4 follow where one of them says something, and behind these the head of
// the audit log when there is one.
template <class C, class State>
void Numbers(C& c, State& state) {
  All(c, state.muk_counter.end, state.unknown_groups);
  const auto has_audit = [&state] { return state.audit.sequence != 0; };
  const auto says_more = [&state, &has_audit] {
    return state.lost_report_t != 0 || state.tickets.past != Instant::min() || has_audit();
  };
  if constexpr (C::kReads) {
    if (!c.ok() || c.empty()) return;
    All(c, state.lost_report_t, state.tickets.past);
    if (c.ok() && !c.empty()) {
      Fields(c, state.audit);
      if (!has_audit()) c.Refuse();
    }
    if (!says_more()) c.Refuse();
  } else if (says_more()) {
    All(c, state.lost_report_t, state.tickets.past);
    if (has_audit()) Fields(c, state.audit);
  }
}

std::string_view IdOf(const groups::Member& member) { return member.subscriber.value; }
std::string_view IdOf(const rekey::SubscriberState& state) { return state.subscriber.id.value; }
std::string IdOf(const RetiredGroup& group) { return RetiredRow(group.first); }
std::string IdOf(const Departed& departed) { return DepartedRow(departed.first); }
std::string IdOf(const rekey::SpentTicket& ticket) { return SpentRow(ticket); }
std::string IdOf(const rekey::KeptRequest& request) { return RequestRow(request.sequence); }

const SubscriberId& KeyOf(const groups::Member& member) { return member.subscriber; }
const SubscriberId& KeyOf(const rekey::SubscriberState& state) { return state.subscriber.id; }

// ReadRows reads the rows of a page with many, checked to be in rising order from `first` on.
template <class Row>
Result<std::vector<Row>> ReadRows(const std::string& first, ByteView body) {
  Decoder decoder(body);
  std::vector<Row> rows(Count(decoder, 0, UINT16_MAX));
  for (size_t i = 0; i < rows.size(); ++i) {
    Fields(decoder, rows[i]);
    if (!decoder.ok()) return Err(Error::kCorrupt);
    const auto id = IdOf(rows[i]);
    if (i == 0 ? id < first : id <= IdOf(rows[i - 1])) return Err(Error::kCorrupt);
  }
  if (!decoder.Finished()) return Err(Error::kCorrupt);
  return rows;
}

// Cut divides rows, in order of id, into pages of at most `most`; full pages are left room to grow.
template <class Row>
std::vector<PageBody> Cut(const PageName& name, std::vector<const Row*> rows, size_t most) {
  std::sort(rows.begin(), rows.end(),
            [](const Row* a, const Row* b) { return IdOf(*a) < IdOf(*b); });
  const size_t pages = rows.size() <= most ? 1 : (rows.size() * 4 + most * 3 - 1) / (most * 3);
  std::vector<PageBody> cut;
  for (size_t page = 0; page < pages && !rows.empty(); ++page) {
    const size_t begin = rows.size() * page / pages;
    const size_t end = rows.size() * (page + 1) / pages;
    PageBody& one = cut.emplace_back(PageBody{name, {}});
    if (page > 0) one.name.first = IdOf(*rows[begin]);
    Encoder encoder(one.body);
    Count(encoder, end - begin, UINT16_MAX);
    for (size_t i = begin; i < end; ++i) Fields(encoder, *rows[i]);
    KEYMAST_CHECK(encoder.ok());
  }
  return cut;
}

// One is a page with one row.
template <class Write>
std::vector<PageBody> One(const PageName& name, const Write& write) {
  std::vector<PageBody> pages(1, PageBody{name, {}});
  Encoder encoder(pages.front().body);
  write(encoder);
  KEYMAST_CHECK(encoder.ok());
  return pages;
}

Status ReadHead(const PageName& name, ByteView body, rekey::State& state) {
  Decoder decoder(body);
  rekey::ChannelState channel;
  Head(decoder, channel);
  if (!decoder.Finished() || channel.channel.id != name.channel) return Err(Error::kCorrupt);
  state.channels[name.channel] = std::move(channel);
  return {};
}

Status ReadHeadend(const PageName& name, ByteView body, rekey::State& state) {
  Decoder decoder(body);
  groups::Headend headend;
  Fields(decoder, headend);
  if (!decoder.Finished() || headend.id.value != name.first) return Err(Error::kCorrupt);
  state.headends[headend.id] = std::move(headend);
  return {};
}

Status ReadOperation(const PageName& name, ByteView body, rekey::State& state) {
  Decoder decoder(body);
  rekey::Operation operation;
  Fields(decoder, operation);
  if (!decoder.Finished() || operation.id.value != name.first) return Err(Error::kCorrupt);
  state.operations[operation.id] = std::move(operation);
  return {};
}

Status ReadRequests(const PageName& name, ByteView body, rekey::State& state) {
  const auto rows = ReadRows<rekey::KeptRequest>(name.first, body);
  if (!rows) return Err(rows.error());
  for (const rekey::KeptRequest& request : *rows) state.requests.Keep(request);
  return {};
}

Status ReadTicketKey(const PageName& name, ByteView body, rekey::State& state) {
  Decoder decoder(body);
  rekey::TicketKey key;
  Fields(decoder, key);
  if (!decoder.Finished() || SealingRow(key.number) != name.first) return Err(Error::kCorrupt);
  state.tickets.keys[key.number] = std::move(key);
  return {};
}

Status ReadSpentTickets(const PageName& name, ByteView body, rekey::State& state) {
  const auto rows = ReadRows<rekey::SpentTicket>(name.first, body);
  if (!rows) return Err(rows.error());
  state.tickets.spent.insert(rows->begin(), rows->end());
  return {};
}

Status ReadNumbers(ByteView body, rekey::State& state) {
  Decoder decoder(body);
  Numbers(decoder, state);
  if (!decoder.Finished()) return Err(Error::kCorrupt);
  return {};
}

// AddRows puts rows into a table that will have some `expected` of them. Nearly all time of a start
// would be waiting for memory: for nodes that move each time a table grows, and for what lies in
// the bucket of each row. So a table is made as large as it will be, and the buckets of a whole
// page are looked at first: these loads do not wait for each other.
template <class Table, class Row>
void AddRows(Table& table, std::vector<Row> rows, size_t expected) {
  if (table.bucket_count() < expected) table.reserve(expected);
  size_t taken = 0;
  for (const Row& row : rows) {
    const size_t bucket = table.bucket(KeyOf(row));
    if (table.begin(bucket) != table.end(bucket)) ++taken;
  }
  KEYMAST_CHECK(taken <= rows.size());
  for (Row& row : rows) {
    SubscriberId id = KeyOf(row);
    table.insert_or_assign(std::move(id), std::move(row));
  }
}

Status ReadMembers(const PageName& name, ByteView body, rekey::State& state, size_t expected) {
  auto rows = ReadRows<groups::Member>(name.first, body);
  if (!rows) return Err(rows.error());
  const auto channel = state.channels.find(name.channel);
  if (channel != state.channels.end()) AddRows(channel->second.members, std::move(*rows), expected);
  return {};
}

Status ReadSubscribers(const PageName& name, ByteView body, rekey::State& state, size_t expected) {
  auto rows = ReadRows<rekey::SubscriberState>(name.first, body);
  if (!rows) return Err(rows.error());
  AddRows(state.subscribers, std::move(*rows), expected);
  return {};
}

Status ReadRetired(const PageName& name, ByteView body, rekey::State& state) {
  const auto rows = ReadRows<RetiredGroup>(name.first, body);
  if (!rows) return Err(rows.error());
  state.retired.insert(rows->begin(), rows->end());
  return {};
}

Status ReadDeparted(const PageName& name, ByteView body, rekey::State& state) {
  const auto rows = ReadRows<Departed>(name.first, body);
  if (!rows) return Err(rows.error());
  state.departed.insert(rows->begin(), rows->end());
  return {};
}

// CutMap divides the entries of a map.
template <class Map>
std::vector<PageBody> CutMap(const PageName& name, const Map& map, size_t most) {
  using Row = std::pair<typename Map::key_type, typename Map::mapped_type>;
  const std::vector<Row> rows(map.begin(), map.end());
  std::vector<const Row*> pointers;
  pointers.reserve(rows.size());
  for (const Row& row : rows) pointers.push_back(&row);
  return Cut(name, std::move(pointers), most);
}

struct Row {
  PageName operator()(const rekey::ChannelPut& change) const { return HeadOf(change.channel.id); }
  PageName operator()(const rekey::ChannelDeleted& change) const { return HeadOf(change.id); }
  PageName operator()(const rekey::LadderPut& change) const { return HeadOf(change.id); }
  PageName operator()(const rekey::PositionsPut& change) const { return HeadOf(change.id); }
  PageName operator()(const rekey::RekeyRecorded& change) const { return HeadOf(change.id); }
  PageName operator()(const rekey::SubscriberPut& change) const {
    return {PageKind::kSubscribers, {}, change.subscriber.id.value};
  }
  PageName operator()(const rekey::SubscriberDeleted& change) const {
    return {PageKind::kSubscribers, {}, change.id.value};
  }
  PageName operator()(const rekey::MemberPut& change) const {
    return {PageKind::kMembers, change.id, change.member.subscriber.value};
  }
  PageName operator()(const rekey::MemberDeleted& change) const {
    return {PageKind::kMembers, change.id, change.subscriber.value};
  }
  PageName operator()(const rekey::MemberConfirmed& change) const {
    return {PageKind::kMembers, change.id, change.subscriber.value};
  }
  PageName operator()(const rekey::HeadendPut& change) const {
    return {PageKind::kHeadend, {}, change.headend.id.value};
  }
  PageName operator()(const rekey::HeadendDeleted& change) const {
    return {PageKind::kHeadend, {}, change.id.value};
  }
  PageName operator()(const rekey::MukCounterReserved&) const { return {}; }
  PageName operator()(const rekey::UnknownGroupsSkipped&) const { return {}; }
  PageName operator()(const rekey::KeyGroupRetired& change) const {
    return {PageKind::kRetired, {}, RetiredRow(change.group)};
  }
  PageName operator()(const rekey::TicketKeyPut& change) const {
    return {PageKind::kTicketKey, {}, SealingRow(change.key.number)};
  }
  PageName operator()(const rekey::TicketKeyDropped& change) const {
    return {PageKind::kTicketKey, {}, SealingRow(change.number)};
  }
  PageName operator()(const rekey::TicketSpent& change) const {
    return {PageKind::kSpentTickets, {}, SpentRow(change.ticket)};
  }
  PageName operator()(const rekey::TicketForgotten& change) const {
    return {PageKind::kSpentTickets, {}, SpentRow(change.ticket)};
  }
  PageName operator()(const rekey::TicketsPast&) const { return {}; }
  PageName operator()(const rekey::ReportsSkipped&) const { return {}; }
  PageName operator()(const rekey::Audited&) const { return {}; }
  PageName operator()(const rekey::SchedulePut& change) const { return HeadOf(change.id); }
  PageName operator()(const rekey::ScheduleDeleted& change) const { return HeadOf(change.id); }
  PageName operator()(const rekey::RequestKept& change) const {
    return {PageKind::kRequests, {}, RequestRow(change.request.sequence)};
  }
  PageName operator()(const rekey::RequestForgotten& change) const {
    return {PageKind::kRequests, {}, RequestRow(change.sequence)};
  }
  PageName operator()(const rekey::OperationPut& change) const {
    return {PageKind::kOperation, {}, change.operation.id.value};
  }
  PageName operator()(const rekey::OperationMoved& change) const {
    return {PageKind::kOperation, {}, change.id.value};
  }
  PageName operator()(const rekey::OperationForgotten& change) const {
    return {PageKind::kOperation, {}, change.id.value};
  }
  PageName operator()(const rekey::DepartedKept& change) const {
    return {PageKind::kDeparted, {}, DepartedRow(change.place)};
  }
  static PageName HeadOf(const ChannelId& id) { return {PageKind::kHead, id, {}}; }
};

}  // namespace

PageName RowOf(const rekey::Change& change) { return std::visit(Row{}, change); }

std::string RetiredRow(const rekey::KeyGroupName& group) {
  const auto high = static_cast<uint8_t>(group.second.value >> 8);
  const auto low = static_cast<uint8_t>(group.second.value & 0xff);
  return ToHex(group.first.octets) + ToHex(Bytes{high, low});
}

std::string DepartedRow(uint32_t place) {
  std::array<uint8_t, 4> octets{};
  Writer(octets).U32(place);
  return ToHex(octets);
}

std::string SpentRow(const rekey::SpentTicket& ticket) {
  std::array<uint8_t, 8> expiry{};
  Writer writer(expiry);
  const auto nanos = static_cast<uint64_t>(ToUnixNanos(ticket.expiry));
  writer.U32(static_cast<uint32_t>(nanos >> 32));
  writer.U32(static_cast<uint32_t>(nanos));
  return ToHex(expiry) + ToHex(ticket.id);
}

std::string RequestRow(uint64_t sequence) {
  std::array<uint8_t, 8> octets{};
  Writer(octets).U64(sequence);
  return ToHex(octets);
}

std::string SealingRow(uint8_t number) { return ToHex(ByteView(&number, 1)); }

std::string RowPrefix(const PageName& name) {
  std::string prefix(kPagePrefix);
  prefix += static_cast<char>(name.kind);
  prefix += '/';
  if (name.kind == PageKind::kMembers) prefix += name.channel.value + '/';
  return prefix;
}

std::string PageKey(const PageName& name) {
  return RowPrefix(name) + (name.kind == PageKind::kHead ? name.channel.value : name.first);
}

Result<PageName> ParsePageKey(std::string_view key) {
  constexpr size_t kKindAt = kPagePrefix.size();
  if (key.size() < kKindAt + 2 || !key.starts_with(kPagePrefix) || key[kKindAt + 1] != '/') {
    return Err(Error::kCorrupt);
  }
  if (std::string_view("cdhkmnoqrst").find(key[kKindAt]) == std::string_view::npos) {
    return Err(Error::kCorrupt);
  }
  PageName name{static_cast<PageKind>(key[kKindAt]), {}, std::string(key.substr(kKindAt + 2))};
  if (name.kind == PageKind::kHead) name.channel.value = std::exchange(name.first, {});
  if (name.kind == PageKind::kMembers) {
    // Ids of resources have no slash.
    const size_t slash = name.first.find('/');
    if (slash == std::string::npos) return Err(Error::kCorrupt);
    name.channel.value = name.first.substr(0, slash);
    name.first.erase(0, slash + 1);
  }
  return name;
}

Status ReadPage(const PageName& name, ByteView body, rekey::State& state, size_t expected) {
  switch (name.kind) {
    case PageKind::kHead:
      return ReadHead(name, body, state);
    case PageKind::kHeadend:
      return ReadHeadend(name, body, state);
    case PageKind::kMembers:
      return ReadMembers(name, body, state, expected);
    case PageKind::kNumbers:
      return ReadNumbers(body, state);
    case PageKind::kOperation:
      return ReadOperation(name, body, state);
    case PageKind::kRequests:
      return ReadRequests(name, body, state);
    case PageKind::kDeparted:
      return ReadDeparted(name, body, state);
    case PageKind::kRetired:
      return ReadRetired(name, body, state);
    case PageKind::kSubscribers:
      return ReadSubscribers(name, body, state, expected);
    case PageKind::kTicketKey:
      return ReadTicketKey(name, body, state);
    case PageKind::kSpentTickets:
      return ReadSpentTickets(name, body, state);
  }
  return Err(Error::kCorrupt);
}

std::vector<PageBody> WritePages(const PageName& name, const rekey::State& rows, size_t most) {
  const auto channel = rows.channels.find(name.channel);
  switch (name.kind) {
    case PageKind::kHead:
      if (channel == rows.channels.end()) return {};
      return One(name, [&](Encoder& encoder) { Head(encoder, channel->second); });
    case PageKind::kHeadend: {
      const auto headend = rows.headends.find(HeadendId(name.first));
      if (headend == rows.headends.end()) return {};
      return One(name, [&](Encoder& encoder) { Fields(encoder, headend->second); });
    }
    case PageKind::kMembers: {
      std::vector<const groups::Member*> members;
      if (channel == rows.channels.end()) return {};
      for (const auto& [id, member] : channel->second.members) members.push_back(&member);
      return Cut(name, std::move(members), most);
    }
    case PageKind::kNumbers:
      return One(name, [&](Encoder& encoder) { Numbers(encoder, rows); });
    case PageKind::kOperation: {
      const auto operation = rows.operations.find(OperationId(name.first));
      if (operation == rows.operations.end()) return {};
      return One(name, [&](Encoder& encoder) { Fields(encoder, operation->second); });
    }
    case PageKind::kRequests: {
      std::vector<const rekey::KeptRequest*> requests;
      for (const auto& [age, request] : rows.requests.by_age()) requests.push_back(&request);
      return Cut(name, std::move(requests), most);
    }
    case PageKind::kDeparted:
      return CutMap(name, rows.departed, most);
    case PageKind::kRetired:
      return CutMap(name, rows.retired, most);
    case PageKind::kSubscribers: {
      std::vector<const rekey::SubscriberState*> subscribers;
      for (const auto& [id, subscriber] : rows.subscribers) subscribers.push_back(&subscriber);
      return Cut(name, std::move(subscribers), most);
    }
    case PageKind::kTicketKey: {
      if (rows.tickets.keys.empty()) return {};
      const rekey::TicketKey& key = rows.tickets.keys.begin()->second;
      return One(name, [&](Encoder& encoder) { Fields(encoder, key); });
    }
    case PageKind::kSpentTickets: {
      std::vector<const rekey::SpentTicket*> tickets;
      for (const rekey::SpentTicket& ticket : rows.tickets.spent) tickets.push_back(&ticket);
      return Cut(name, std::move(tickets), most);
    }
  }
  return {};
}

}  // namespace keymast::records
