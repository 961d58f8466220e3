// SPDX-License-Identifier: Apache-2.0
// What each stored type consists of, in the order in which it is stored. A change here is a change
// of the record format (docs/store.md).
#pragma once

#include "records/coder.h"
#include "rekey/state.h"

namespace keymast::records {

template <class C>
void Fields(C& c, Ref<C, MskId> id) {
  All(c, id.group, id.number);
}

template <class C>
void Fields(C& c, Ref<C, KeyDomainId> id) {
  Fixed(c, id.octets);
}

// Four octets of address for IPv4, sixteen for IPv6.
template <class C>
void Fields(C& c, Ref<C, Endpoint> endpoint) {
  Ranged(c, endpoint.family, Endpoint::Family::kIpv4, Endpoint::Family::kIpv6);
  const bool v4 = endpoint.family == Endpoint::Family::kIpv4;
  if (!v4 && endpoint.family != Endpoint::Family::kIpv6) return c.Refuse();
  if constexpr (C::kReads) {
    endpoint.address = {};
    const ByteView octets = c.Take(v4 ? 4 : 16);
    std::copy(octets.begin(), octets.end(), endpoint.address.begin());
  } else {
    c.Octets(ByteView(endpoint.address).first(v4 ? 4 : 16));
  }
  All(c, endpoint.port);
}

template <class C>
void Fields(C& c, Ref<C, SrtpProfile> profile) {
  Ranged(c, profile, SrtpProfile{0}, SrtpProfile{UINT16_MAX});
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
    case SrtpProfile::kAesCm128HmacSha1_32:
    case SrtpProfile::kAeadAes128Gcm:
    case SrtpProfile::kAeadAes256Gcm:
    case SrtpProfile::kAesCm256HmacSha1_80:
      return;
  }
  c.Refuse();
}

// --- groups

// The octet of the DiffServ code point says whether sources follow (128): what formats before 6
// wrote is read as it was meant.
template <class C>
void Fields(C& c, Ref<C, groups::Multicast> m) {
  All(c, m.mtk, m.interface_address, m.ttl);
  uint8_t dscp = static_cast<uint8_t>(m.dscp | (m.sources.empty() ? 0 : 128));
  All(c, dscp);
  if constexpr (C::kReads) m.dscp = dscp & 127;
  if (dscp < 128) return;
  Sequence(c, m.sources, groups::kMaxSources);
  if (m.sources.empty()) c.Refuse();
}

template <class C>
void Fields(C& c, Ref<C, groups::Stream> s) {
  All(c, s.media, s.port, s.ssrc, s.payload_type, s.rtpmap, s.fmtp);
  Maybe(c, s.initial_sequence);
}

template <class C>
void Fields(C& c, Ref<C, groups::KeyPolicy> p) {
  All(c, p.mtk_period, p.mtk_lead, p.mtk_repetition, p.msk_period, p.msk_lead, p.msk_give_up,
      p.exclusion_lead);
  Ranged(c, p.leave, groups::LeavePolicy::kImmediate, groups::LeavePolicy::kNextMsk);
  All(c, p.batch_window, p.mtk_ids_per_msk, p.max_datagram, p.msk_pacing_rate);
}

template <class C>
void Fields(C& c, Ref<C, groups::Channel> channel) {
  All(c, channel.id, channel.display_name, channel.multicast);
  Sequence(c, channel.streams);
  All(c, channel.key_domain, channel.key_group, channel.profile, channel.policy, channel.created,
      channel.revision);
}

// MoreOfChannel is what format 5 added.
template <class C>
void MoreOfChannel(C& c, Ref<C, groups::Channel> channel) {
  All(c, channel.policy.msk_longest_life);
}

template <class C>
void Fields(C& c, Ref<C, groups::Schedule> s) {
  All(c, s.id);
  Ranged(c, s.timing, groups::Timing::kPeriod, groups::Timing::kOnce);
  All(c, s.period, s.start, s.cron, s.once, s.jitter, s.blackout, s.paused, s.created, s.revision);
}

template <class C>
void Fields(C& c, Ref<C, groups::Subscriber> s) {
  All(c, s.id, s.identity, s.created, s.revision);
}

// Certificates carry their number in one octet, and each its length in two.
template <class C>
void Certificates(C& c, Ref<C, std::vector<Bytes>> certificates) {
  constexpr size_t kMost = 4;
  uint8_t count = static_cast<uint8_t>(std::min(certificates.size(), kMost + 1));
  All(c, count);
  if (count == 0 || count > kMost) return c.Refuse();
  size_t octets = 0;
  if constexpr (C::kReads) certificates.assign(count, {});
  for (auto& certificate : certificates) {
    if constexpr (C::kReads) {
      const ByteView read = c.Take(static_cast<size_t>(c.Unsigned(2)));
      certificate.assign(read.begin(), read.end());
    } else {
      c.Unsigned(certificate.size(), 2);
      c.Octets(certificate);
    }
    octets += certificate.size();
    if (certificate.empty() || octets > groups::kMaxKeptCertificates) return c.Refuse();
  }
}

// The octet of a user key's length says whether a number of leaves (128) and certificates (64)
// follow: what formats before 4 wrote is read as it was meant.
template <class C>
void KeyAndMore(C& c, Ref<C, groups::Subscriber> s, Ref<C, crypto::Key32> key) {
  uint8_t size = static_cast<uint8_t>(key.size() | (s.leaves != 0 ? 128 : 0) |
                                      (s.certificates.empty() ? 0 : 64));
  All(c, size);
  if constexpr (C::kReads) {
    if ((size & 63) > 32) return c.Refuse();
    key = crypto::Key32(c.Take(size & 63));
  } else {
    c.Octets(key.view());
  }
  if ((size & 128) != 0) {
    All(c, s.leaves);
    if (s.leaves == 0) c.Refuse();
  }
  if ((size & 64) != 0) Certificates<C>(c, s.certificates);
}

// One octet says that a member has joined (1), gets no MSK messages (2) and takes KEYS (32), and
// whether its mark (4), its generation (8) and the T of its REPORTs (16) follow behind the rest:
// what formats 1 and 2 wrote is read as it was meant.
template <class C>
void Fields(C& c, Ref<C, groups::Member> m) {
  const bool is_marked = m.given.number.value != 0;
  uint8_t flags = static_cast<uint8_t>((m.joined ? 1 : 0) | (m.no_msk_messages ? 2 : 0) |
                                       (is_marked ? 4 : 0) | (m.generation != 0 ? 8 : 0) |
                                       (m.report_t != 0 ? 16 : 0) | (m.takes_keys ? 32 : 0));
  All(c, m.subscriber, m.entitled_from, m.entitled_until, m.msk_endpoint, flags, m.confirmed,
      m.created, m.revision);
  if ((flags & 4) != 0) All(c, m.given);
  if ((flags & 8) != 0) All(c, m.generation);
  if ((flags & 16) != 0) All(c, m.report_t);
  if constexpr (C::kReads) {
    m.joined = (flags & 1) != 0;
    m.no_msk_messages = (flags & 2) != 0;
    m.takes_keys = (flags & 32) != 0;
    const bool is_spelled = flags < 64 && ((flags & 4) == 0 || m.given.number.value != 0) &&
                            ((flags & 8) == 0 || m.generation != 0) &&
                            ((flags & 16) == 0 || m.report_t != 0);
    if (!is_spelled) c.Refuse();
  }
}

template <class C>
void Fields(C& c, Ref<C, groups::Headend> headend) {
  All(c, headend.id);
  Fixed(c, headend.public_key);
  Sequence(c, headend.channels);
  All(c, headend.created, headend.revision);
}

// --- rekey

template <class C>
void Fields(C& c, Ref<C, rekey::Reserved> counter) {
  All(c, counter.next, counter.end);
}

template <class C>
void Fields(C& c, Ref<C, rekey::RekeyReason> reason) {
  Ranged(c, reason, rekey::RekeyReason::kCreated, rekey::kLastReason);
}

template <class C>
void Fields(C& c, Ref<C, rekey::Msk> msk) {
  All(c, msk.id, msk.key, msk.seed);
  Fixed(c, msk.rand);
  All(c, msk.low, msk.high, msk.counter, msk.last_mtk, msk.csb_id, msk.made, msk.ends);
}

template <class C>
void Fields(C& c, Ref<C, rekey::Slot> slot) {
  All(c, slot.msk, slot.mtk, slot.switch_at);
}

// The octet of the reason says whether the origin of the planned change follows (128): what formats
// before 7 wrote is read as it was meant.
template <class C>
void Fields(C& c, Ref<C, rekey::Ladder> ladder) {
  Maybe(c, ladder.msk);
  Maybe(c, ladder.next_msk);
  Maybe(c, ladder.active);
  Maybe(c, ladder.prepared);
  Maybe(c, ladder.old);
  All(c, ladder.last_key_number, ladder.epoch, ladder.next_msk_change);
  const bool is_from = ladder.next_msk_origin != rekey::MskOrigin();
  auto reason = static_cast<uint8_t>(ladder.next_msk_reason);
  if (is_from) reason = static_cast<uint8_t>(reason | 128);
  All(c, reason);
  if constexpr (C::kReads) {
    ladder.next_msk_reason = static_cast<rekey::RekeyReason>(reason & 127);
    if ((reason & 127) == 0 || ladder.next_msk_reason > rekey::kLastReason) return c.Refuse();
  }
  if (reason < 128) return;
  All(c, ladder.next_msk_origin.schedule, ladder.next_msk_origin.deferred_from);
  if (ladder.next_msk_origin == rekey::MskOrigin()) c.Refuse();
}

template <class C>
void Fields(C& c, Ref<C, rekey::Position> position) {
  All(c, position.index, position.msk, position.mtk);
}

template <class C>
void Fields(C& c, Ref<C, rekey::Rekey> rekey) {
  All(c, rekey.sequence);
  Ranged(c, rekey.level, rekey::KeyLevel::kMtk, rekey::KeyLevel::kMsk);
  All(c, rekey.reason, rekey.msk, rekey.mtk, rekey.prepared_at, rekey.switch_at, rekey.recipients);
}

template <class C>
void Fields(C& c, Ref<C, rekey::KeyGroupName> group) {
  All(c, group.first, group.second);
}

template <class C>
void Fields(C& c, Ref<C, rekey::SubscriberState> s) {
  All(c, s.subscriber);
  KeyAndMore(c, s.subscriber, s.user_key);
}

template <class C>
void Fields(C& c, Ref<C, rekey::TicketKey> k) {
  All(c, k.number, k.key, k.made, k.ends);
}

template <class C>
void Fields(C& c, Ref<C, rekey::SpentTicket> t) {
  All(c, t.expiry);
  Fixed(c, t.id);
}

// Schedules are in the order of their ids, which they hold themselves.
template <class C>
void Calendar(C& c, Ref<C, rekey::Schedules> schedules) {
  const size_t count = Count(c, schedules.size(), groups::kMaxSchedules);
  if constexpr (C::kReads) {
    schedules.clear();
    for (size_t i = 0; i < count && c.ok(); ++i) {
      groups::Schedule schedule;
      Fields(c, schedule);
      if (!schedules.empty() && schedule.id <= schedules.rbegin()->first) return c.Refuse();
      ScheduleId id = schedule.id;
      schedules.emplace(std::move(id), std::move(schedule));
    }
  } else {
    for (const auto& [id, schedule] : schedules) Fields(c, schedule);
  }
}

// Members have pages of their own. What format 5 added follows where it says something.
template <class C>
void Head(C& c, Ref<C, rekey::ChannelState> channel) {
  All(c, channel.channel, channel.ladder);
  Mapping(c, channel.positions);
  Sequence(c, channel.history, rekey::kHistory);
  const auto says_more = [&channel] {
    return channel.channel.policy.msk_longest_life != Duration::zero() ||
           !channel.schedules.empty();
  };
  if constexpr (C::kReads) {
    if (!c.ok() || c.empty()) return;
    MoreOfChannel<C>(c, channel.channel);
    Calendar<C>(c, channel.schedules);
    if (!says_more()) c.Refuse();
  } else if (says_more()) {
    MoreOfChannel<C>(c, channel.channel);
    Calendar<C>(c, channel.schedules);
  }
}

// --- requests, operations, audit

template <class C, class Tag>
void Fields(C& c, Octets16<Tag>& octets) {
  Fixed(c, octets.octets);
}
template <class C, class Tag>
void Fields(C& c, const Octets16<Tag>& octets) {
  Fixed(c, octets.octets);
}

// Format 5 had of a rekey the sequence alone; the highest bit says that the whole one follows.
template <class C>
void Fields(C& c, Ref<C, rekey::KeptRequest> r) {
  constexpr uint64_t kFollows = uint64_t{1} << 63;
  uint64_t sequence = 0;
  if (r.rekey) sequence = rekey::KeptRequest::IsWhole(*r.rekey) ? kFollows : r.rekey->sequence;
  All(c, r.sequence, r.id, r.digest, r.at, sequence, r.remaining, r.made);
  if (sequence == 0) return;
  if constexpr (C::kReads) r.rekey.emplace().sequence = sequence;
  if (sequence < kFollows) return;
  if (sequence > kFollows) return c.Refuse();
  Fields(c, *r.rekey);
  if (!rekey::KeptRequest::IsWhole(*r.rekey)) c.Refuse();
}

template <class C>
void Fields(C& c, Ref<C, rekey::Progress> p) {
  All(c, p.done, p.total, p.cancelling, p.ended, p.failed);
  Ranged(c, p.error, Error{0}, static_cast<Error>(kErrorCount - 1));
  All(c, p.message);
  Sequence(c, p.notes);
}

template <class C>
void Fields(C& c, Ref<C, rekey::Operation> o) {
  All(c, o.id);
  Ranged(c, o.kind, rekey::OperationKind::kBackup, rekey::OperationKind::kRekeyChannels);
  All(c, o.principal, o.begun, o.subject);
  Sequence(c, o.targets);
  All(c, o.spread, o.progress);
}

template <class C>
void Fields(C& c, Ref<C, audit::Record> r) {
  All(c, r.sequence, r.time, r.principal, r.method);
  Maybe(c, r.request);
  All(c, r.resource);
  Sequence(c, r.items);
  All(c, r.revision_before, r.revision_after);
  Sequence(c, r.key_ids);
  Maybe(c, r.trace);
  Fixed(c, r.hash);
  bool is_signed = !r.signature.empty();
  All(c, is_signed);
  if (!is_signed) return;
  constexpr size_t kSignature = 64;
  if constexpr (C::kReads) r.signature.resize(kSignature);
  if (r.signature.size() != kSignature) return c.Refuse();
  Fixed(c, r.signature);
}

// --- changes

template <class C>
void Fields(C& c, Ref<C, rekey::ChannelPut> change) {
  All(c, change.channel);
  MoreOfChannel<C>(c, change.channel);
}
// Up to format 4.
inline void ReadOldChannelPut(Decoder& decoder, rekey::ChannelPut& change) {
  All(decoder, change.channel);
}
template <class C>
void Fields(C& c, Ref<C, rekey::ChannelDeleted> change) {
  All(c, change.id);
}
template <class C>
void Fields(C& c, Ref<C, rekey::LadderPut> change) {
  All(c, change.id, change.ladder);
}
template <class C>
void Fields(C& c, Ref<C, rekey::PositionsPut> change) {
  All(c, change.id);
  Mapping(c, change.positions);
}
template <class C>
void Fields(C& c, Ref<C, rekey::RekeyRecorded> change) {
  All(c, change.id, change.rekey);
}
template <class C>
void Fields(C& c, Ref<C, rekey::SubscriberPut> change) {
  All(c, change.subscriber);
  KeyAndMore(c, change.subscriber, change.user_key);
}
template <class C>
void Fields(C& c, Ref<C, rekey::SubscriberDeleted> change) {
  All(c, change.id);
}
template <class C>
void Fields(C& c, Ref<C, rekey::MemberPut> change) {
  All(c, change.id, change.member);
}
template <class C>
void Fields(C& c, Ref<C, rekey::MemberDeleted> change) {
  All(c, change.id, change.subscriber);
}
template <class C>
void Fields(C& c, Ref<C, rekey::MemberConfirmed> change) {
  All(c, change.id, change.subscriber, change.msk);
}
template <class C>
void Fields(C& c, Ref<C, rekey::HeadendPut> change) {
  All(c, change.headend);
}
template <class C>
void Fields(C& c, Ref<C, rekey::HeadendDeleted> change) {
  All(c, change.id);
}
template <class C>
void Fields(C& c, Ref<C, rekey::MukCounterReserved> change) {
  All(c, change.end);
}
template <class C>
void Fields(C& c, Ref<C, rekey::KeyGroupRetired> change) {
  All(c, change.group, change.last);
}
template <class C>
void Fields(C& c, Ref<C, rekey::UnknownGroupsSkipped> change) {
  All(c, change.last);
}
template <class C>
void Fields(C& c, Ref<C, rekey::TicketKeyPut> change) {
  All(c, change.key);
}
template <class C>
void Fields(C& c, Ref<C, rekey::TicketKeyDropped> change) {
  All(c, change.number);
}
template <class C>
void Fields(C& c, Ref<C, rekey::TicketSpent> change) {
  All(c, change.ticket);
}
template <class C>
void Fields(C& c, Ref<C, rekey::TicketForgotten> change) {
  All(c, change.ticket);
}

template <class C>
void Fields(C& c, Ref<C, rekey::TicketsPast> change) {
  All(c, change.until);
}
template <class C>
void Fields(C& c, Ref<C, rekey::DepartedKept> change) {
  All(c, change.place, change.leaves);
}
template <class C>
void Fields(C& c, Ref<C, rekey::ReportsSkipped> change) {
  All(c, change.t);
}
template <class C>
void Fields(C& c, Ref<C, rekey::SchedulePut> change) {
  All(c, change.id, change.schedule);
}
template <class C>
void Fields(C& c, Ref<C, rekey::ScheduleDeleted> change) {
  All(c, change.id, change.schedule);
}
template <class C>
void Fields(C& c, Ref<C, rekey::RequestKept> change) {
  All(c, change.request);
}
template <class C>
void Fields(C& c, Ref<C, rekey::RequestForgotten> change) {
  All(c, change.sequence);
}
template <class C>
void Fields(C& c, Ref<C, rekey::Audited> change) {
  All(c, change.record);
}
template <class C>
void Fields(C& c, Ref<C, rekey::OperationPut> change) {
  All(c, change.operation);
}
template <class C>
void Fields(C& c, Ref<C, rekey::OperationMoved> change) {
  All(c, change.id, change.progress);
}
template <class C>
void Fields(C& c, Ref<C, rekey::OperationForgotten> change) {
  All(c, change.id);
}

}  // namespace keymast::records
