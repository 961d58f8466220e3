// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/records/dice.h"

#include "base/check.h"
#include "records/codec.h"

namespace keymast::records {
namespace {

constexpr SrtpProfile kProfiles[] = {
    SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32,
    SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAesCm256HmacSha1_80};

}  // namespace

std::string Dice::Text(size_t most) {
  std::string text(Below(most + 1), 'x');
  for (char& c : text) c = static_cast<char>(engine_());
  return text;
}

crypto::Key32 Dice::Key() {
  auto key = crypto::Key32::OfSize(Below(33));
  for (uint8_t& octet : key.mutable_view()) octet = Of<uint8_t>();
  return key;
}

Endpoint Dice::Address() {
  Endpoint endpoint;
  const bool v4 = OneIn(2);
  endpoint.family = v4 ? Endpoint::Family::kIpv4 : Endpoint::Family::kIpv6;
  for (size_t i = 0; i < (v4 ? 4U : 16U); ++i) endpoint.address[i] = Of<uint8_t>();
  endpoint.port = Of<uint16_t>();
  return endpoint;
}

groups::Channel Dice::Channel(ChannelId id) {
  groups::Channel channel;
  channel.id = std::move(id);
  channel.display_name = Text(255);
  channel.multicast = {Address(), Text(40), Of<uint8_t>(), static_cast<uint8_t>(Below(128)), {}};
  channel.multicast.sources.resize(Below(groups::kMaxSources + 1));
  for (Endpoint& source : channel.multicast.sources) source = Address();
  channel.streams.resize(Below(4));
  for (groups::Stream& stream : channel.streams) {
    stream = {Text(9),  Of<uint16_t>(), Ssrc(Of<uint32_t>()), Of<uint8_t>(),
              Text(30), Text(255),      std::nullopt};
    if (OneIn(2)) stream.initial_sequence = Of<uint16_t>();
  }
  channel.key_domain.octets = {Of<uint8_t>(), Of<uint8_t>(), Of<uint8_t>()};
  channel.key_group = KeyGroup(Of<uint16_t>());
  channel.profile = kProfiles[Below(std::size(kProfiles))];
  groups::KeyPolicy& policy = channel.policy;
  for (Duration* duration :
       {&policy.mtk_period, &policy.mtk_lead, &policy.mtk_repetition, &policy.msk_period,
        &policy.msk_lead, &policy.msk_give_up, &policy.exclusion_lead, &policy.batch_window,
        &policy.msk_longest_life}) {
    *duration = Duration(Of<int64_t>());
  }
  policy.leave = static_cast<groups::LeavePolicy>(1 + Below(3));
  policy.mtk_ids_per_msk = Of<uint16_t>();
  policy.max_datagram = Of<uint16_t>();
  policy.msk_pacing_rate = Of<uint32_t>();
  channel.created = Time();
  channel.revision = Number();
  return channel;
}

rekey::Msk Dice::AMsk() {
  rekey::Msk msk;
  msk.id = Msk();
  msk.key = Key();
  msk.seed = Key();
  for (uint8_t& octet : msk.rand) octet = Of<uint8_t>();
  msk.low = MtkId(Of<uint16_t>());
  msk.high = MtkId(Of<uint16_t>());
  msk.counter = {Number(), Number()};
  msk.last_mtk = MtkId(Of<uint16_t>());
  msk.made = Time();
  msk.ends = Time();
  return msk;
}

rekey::Ladder Dice::Ladder() {
  rekey::Ladder ladder;
  if (!OneIn(4)) ladder.msk = AMsk();
  if (OneIn(2)) ladder.next_msk = AMsk();
  for (auto* slot : {&ladder.active, &ladder.prepared, &ladder.old}) {
    if (OneIn(2)) *slot = Slot();
  }
  ladder.last_key_number = KeyNumber(Of<uint16_t>());
  ladder.epoch = Number();
  ladder.next_msk_change = OneIn(2) ? kNever : Time();
  ladder.next_msk_reason = static_cast<rekey::RekeyReason>(1 + Below(10));
  if (OneIn(3)) ladder.next_msk_origin = {ScheduleId(Text(63)), OneIn(2) ? kNever : Time()};
  return ladder;
}

rekey::Rekey Dice::Rekey() {
  return {Number(),
          static_cast<rekey::KeyLevel>(1 + Below(2)),
          static_cast<rekey::RekeyReason>(1 + Below(10)),
          Msk(),
          MtkId(Of<uint16_t>()),
          Time(),
          Time(),
          Number()};
}

groups::Member Dice::Member(SubscriberId id) {
  groups::Member member;
  member.subscriber = std::move(id);
  if (OneIn(2)) member.entitled_from = Time();
  if (OneIn(2)) member.entitled_until = Time();
  member.msk_endpoint = Address();
  member.joined = OneIn(2);
  member.confirmed = Msk();
  member.created = Time();
  member.revision = Number();
  if (OneIn(2)) member.given = {KeyGroup(Of<uint16_t>()), KeyNumber(1 + Of<uint8_t>())};
  if (OneIn(2)) member.generation = 1 + Of<uint8_t>();
  member.no_msk_messages = OneIn(2);
  member.takes_keys = OneIn(2);
  if (OneIn(2)) member.report_t = 1 + Of<uint16_t>();
  return member;
}

groups::Headend Dice::Headend(HeadendId id) {
  groups::Headend headend;
  headend.id = std::move(id);
  for (uint8_t& octet : headend.public_key) octet = Of<uint8_t>();
  headend.channels.resize(Below(4));
  for (ChannelId& channel : headend.channels) channel = AChannel();
  headend.created = Time();
  headend.revision = Number();
  return headend;
}

std::map<Ssrc, rekey::Position> Dice::Positions() {
  std::map<Ssrc, rekey::Position> positions;
  for (size_t i = Below(4); i > 0; --i) {
    positions[Ssrc(Of<uint32_t>())] = {PacketIndex(Number()), Msk(), MtkId(Of<uint16_t>())};
  }
  return positions;
}

rekey::KeyGroupName Dice::Group() {
  return {KeyDomainId{{1, 2, static_cast<uint8_t>(Below(2))}},
          KeyGroup(static_cast<uint16_t>(Below(12)))};
}

// TicketKey is one of a few numbers, SpentTicket one of a few tickets: so that they meet.
rekey::TicketKey Dice::TicketKey() {
  return {static_cast<uint8_t>(Below(4)), Key(), Time(), Time()};
}

rekey::SpentTicket Dice::SpentTicket() {
  rekey::SpentTicket ticket{Instant(std::chrono::seconds(Below(9))), {}};
  ticket.id.back() = static_cast<uint8_t>(Below(99));
  return ticket;
}

groups::Schedule Dice::Schedule(ScheduleId id) {
  return {std::move(id),
          static_cast<groups::Timing>(1 + Below(3)),
          Duration(Of<int64_t>()),
          Time(),
          Text(40),
          Time(),
          Duration(Of<int64_t>()),
          Duration(Of<int64_t>()),
          OneIn(2),
          Time(),
          Number()};
}

rekey::KeptRequest Dice::Request(uint64_t sequence) {
  rekey::KeptRequest request;
  request.sequence = sequence;
  for (uint8_t& octet : request.id.octets) octet = Of<uint8_t>();
  for (uint8_t& octet : request.digest.octets) octet = Of<uint8_t>();
  request.at = Time();
  if (OneIn(2)) {
    request.rekey = Rekey();
    if (!rekey::KeptRequest::IsWhole(*request.rekey)) request.rekey->msk.number = KeyNumber(1);
  }
  // As format 5 had it.
  if (OneIn(4)) request.rekey.emplace().sequence = 1 + Below(1000);
  request.remaining = Number();
  request.made = Text(63);
  return request;
}

rekey::Progress Dice::Progress() {
  rekey::Progress progress;
  progress.done = Number();
  progress.total = Number();
  progress.cancelling = OneIn(2);
  progress.ended = OneIn(2) ? kNever : Time();
  progress.failed = OneIn(2);
  progress.error = static_cast<Error>(Below(kErrorCount));
  progress.message = Text(255);
  progress.notes.resize(Below(3));
  for (std::string& note : progress.notes) note = Text(60);
  return progress;
}

rekey::Operation Dice::Operation(OperationId id) {
  rekey::Operation operation;
  operation.id = std::move(id);
  operation.kind = static_cast<rekey::OperationKind>(1 + Below(3));
  operation.principal = Text(63);
  operation.begun = Time();
  operation.subject = Text(63);
  operation.targets.resize(Below(4));
  for (std::string& target : operation.targets) target = Text(63);
  operation.spread = Duration(Of<int64_t>());
  operation.progress = Progress();
  return operation;
}

audit::Record Dice::AuditRecord() {
  audit::Record record;
  record.sequence = Number();
  record.time = Time();
  record.principal = Text(63);
  record.method = OneIn(4) ? std::string(audit::kCheckpoint) : Text(40);
  if (OneIn(2)) record.request = Request(1).id;
  record.resource = Text(255);
  record.items.resize(Below(4));
  for (std::string& item : record.items) item = Text(63);
  record.revision_before = Number();
  record.revision_after = Number();
  record.key_ids.resize(Below(3));
  for (std::string& key : record.key_ids) key = Text(14);
  if (OneIn(2)) record.trace.emplace();
  for (uint8_t& octet : record.hash) octet = Of<uint8_t>();
  if (OneIn(2)) record.signature.assign(64, Of<uint8_t>());
  return record;
}

uint32_t Dice::Leaves() { return OneIn(2) ? 0 : 1 + static_cast<uint32_t>(Below(3)); }

std::vector<Bytes> Dice::Certificates() {
  std::vector<Bytes> certificates(OneIn(2) ? 0 : 1 + Below(4));
  for (Bytes& certificate : certificates) certificate.assign(1 + Below(20), 0x30);
  return certificates;
}

rekey::Change Dice::Value(size_t alternative) {
  const ChannelId channel(Text(255));
  const SubscriberId subscriber(Text(63));
  switch (alternative) {
    case 0:
      return rekey::ChannelPut{Channel(channel)};
    case 1:
      return rekey::ChannelDeleted{channel};
    case 2:
      return rekey::LadderPut{channel, Ladder()};
    case 3:
      return rekey::PositionsPut{channel, Positions()};
    case 4:
      return rekey::RekeyRecorded{channel, Rekey()};
    case 5:
      return rekey::SubscriberPut{
          {subscriber, Text(255), Time(), Number(), Leaves(), Certificates()}, Key()};
    case 6:
      return rekey::SubscriberDeleted{subscriber};
    case 7:
      return rekey::MemberPut{channel, Member(subscriber)};
    case 8:
      return rekey::MemberDeleted{channel, subscriber};
    case 9:
      return rekey::MemberConfirmed{channel, subscriber, Msk()};
    case 10:
      return rekey::HeadendPut{Headend(HeadendId(Text(63)))};
    case 11:
      return rekey::HeadendDeleted{HeadendId(Text(63))};
    case 12:
      return rekey::MukCounterReserved{Number()};
    case 13:
      return rekey::KeyGroupRetired{Group(), KeyNumber(Of<uint16_t>())};
    case 14:
      return rekey::UnknownGroupsSkipped{KeyNumber(Of<uint16_t>())};
    case 15:
      return rekey::TicketKeyPut{TicketKey()};
    case 16:
      return rekey::TicketKeyDropped{Of<uint8_t>()};
    case 17:
      return rekey::TicketSpent{SpentTicket()};
    case 18:
      return rekey::TicketForgotten{SpentTicket()};
    case 19:
      return rekey::TicketsPast{Time()};
    case 20:
      return rekey::DepartedKept{Of<uint32_t>(), Of<uint32_t>()};
    case 21:
      return rekey::ReportsSkipped{Of<uint32_t>()};
    case 22:
      return rekey::SchedulePut{channel, Schedule(ScheduleId(Text(63)))};
    case 23:
      return rekey::ScheduleDeleted{channel, ScheduleId(Text(63))};
    case 24:
      return rekey::RequestKept{Request(Number())};
    case 25:
      return rekey::RequestForgotten{Number()};
    case 26:
      return rekey::Audited{AuditRecord()};
    case 27:
      return rekey::OperationPut{Operation(OperationId(Text(63)))};
    case 28:
      return rekey::OperationMoved{OperationId(Text(63)), Progress()};
    case 29:
      return rekey::OperationForgotten{OperationId(Text(63))};
    default:
      CheckFailed("a kind of change without random values", __FILE__, __LINE__);
  }
}

rekey::Change Dice::Event() {
  const ChannelId channel = AChannel();
  const SubscriberId subscriber = ASubscriber();
  switch (Below(46)) {
    case 0:
    case 1:
      return rekey::ChannelPut{Channel(channel)};
    case 2:
      if (OneIn(3)) return rekey::ChannelDeleted{channel};
      return rekey::SubscriberDeleted{subscriber};
    case 3:
      return rekey::LadderPut{channel, Ladder()};
    case 4:
      return rekey::PositionsPut{channel, Positions()};
    case 5:
    case 6: {
      rekey::Rekey rekey = Rekey();
      rekey.sequence = Below(400);
      return rekey::RekeyRecorded{channel, rekey};
    }
    case 7:
    case 8:
      return rekey::SubscriberDeleted{subscriber};
    case 9:
    case 10:
    case 11:
      return rekey::SubscriberPut{
          {subscriber, Text(20), Time(), Number(), Leaves(), Certificates()}, Key()};
    case 12:
    case 13:
    case 14:
      return rekey::MemberDeleted{channel, subscriber};
    case 15:
    case 16:
      return rekey::MemberConfirmed{channel, subscriber, Msk()};
    case 17:
      return rekey::HeadendPut{Headend(AHeadend())};
    case 18:
      return rekey::HeadendDeleted{AHeadend()};
    case 19:
      return rekey::MukCounterReserved{Number() >> 8};
    case 20:
      return rekey::KeyGroupRetired{Group(), KeyNumber(Of<uint16_t>())};
    case 21:
      return rekey::UnknownGroupsSkipped{KeyNumber(static_cast<uint16_t>(Below(100)))};
    case 22:
      return rekey::TicketKeyPut{TicketKey()};
    case 23:
      return rekey::TicketKeyDropped{static_cast<uint8_t>(Below(4))};
    case 24:
    case 25:
      return rekey::TicketSpent{SpentTicket()};
    case 26:
      return rekey::TicketForgotten{SpentTicket()};
    case 27:
      return rekey::TicketsPast{Time()};
    case 28:
    case 29:
      return rekey::DepartedKept{static_cast<uint32_t>(Below(99)), 1U + Of<uint16_t>()};
    case 30:
      return rekey::ReportsSkipped{static_cast<uint32_t>(Below(1000))};
    case 31:
    case 32:
      return rekey::SchedulePut{channel, Schedule(ScheduleId("s" + std::to_string(Below(4))))};
    case 33:
      return rekey::ScheduleDeleted{channel, ScheduleId("s" + std::to_string(Below(4)))};
    case 34:
    case 35:
      return rekey::RequestKept{Request(++requests_)};
    case 36:
      return rekey::RequestForgotten{requests_ > 9 ? requests_ - 9 : 1};
    case 37:
    case 38: {
      audit::Record record = AuditRecord();
      record.sequence = ++audited_;
      return rekey::Audited{std::move(record)};
    }
    case 39:
      return rekey::OperationPut{Operation(AnOperation())};
    case 40:
      return rekey::OperationMoved{AnOperation(), Progress()};
    case 41:
      return rekey::OperationForgotten{AnOperation()};
    default:
      return rekey::MemberPut{channel, Member(subscriber)};
  }
}

crypto::SecretBytes Canonical(const rekey::State& state) {
  crypto::SecretBytes octets;
  ForEachPart(state,
              [&](const rekey::Change& part) { KEYMAST_CHECK(Append(part, octets).has_value()); });
  return octets;
}

std::string Difference(const rekey::State& a, const rekey::State& b) {
  std::vector<std::pair<size_t, crypto::SecretBytes>> parts[2];
  for (const auto* state : {&a, &b}) {
    ForEachPart(*state, [&](const rekey::Change& part) {
      auto& [kind, octets] = parts[state == &b].emplace_back();
      kind = part.index();
      KEYMAST_CHECK(Append(part, octets).has_value());
    });
  }
  for (size_t i = 0; i < std::max(parts[0].size(), parts[1].size()); ++i) {
    const auto name = [i](const auto& of) {
      return i < of.size() ? "kind " + std::to_string(of[i].first) + " " + ToHex(of[i].second)
                           : std::string("nothing");
    };
    if (name(parts[0]) != name(parts[1])) {
      return "part " + std::to_string(i) + ": " + name(parts[0]) + " and " + name(parts[1]);
    }
  }
  return {};
}

}  // namespace keymast::records
