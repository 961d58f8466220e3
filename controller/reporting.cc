// SPDX-License-Identifier: Apache-2.0
// What the controller does for REPORTs (MIKEYv2 §10).
#include "controller/impl.h"
#include "controller/names.h"

namespace keymast::controller {

using mikey::v2::ReportKind;

namespace {

constexpr size_t kMostPushed = 16384;  // of a channel; some hundred octets each

}  // namespace

// Who may have the keys counts as joined, whether or not its join was ever finished (MIKEYv2 §7).
Status Controller::Impl::CheckReport(const ChannelId& channel_id, const SubscriberId& subscriber,
                                     ReportKind kind, Instant now) const {
  const Channel& channel = channels.at(channel_id);
  const auto member = channel.durable->members.find(subscriber);
  const bool is_joined = member != channel.durable->members.end() && member->second.HoldsKeys();
  if (!is_joined) return Err(Error::kUnknownIdentity);
  if (!member->second.EntitledAt(now)) return Err(Error::kNotEntitled);
  if (frozen) return Err(Error::kStoreClosed);
  const bool may_go = kind != ReportKind::kLeave || MayLeave(channel);
  return may_go ? Status() : Err(Error::kIdsExhausted);
}

// TakeReport: T is durable with what the REPORT does, before anything is sent. What a member says
// that it has it is not sent again.
void Controller::Impl::TakeReport(const ChannelId& channel_id, const SubscriberId& subscriber,
                                  const Reported& reported, const Moment& m) {
  Channel& channel = At(channel_id);
  groups::Member member = channel.durable->members.at(subscriber);
  member.report_t = reported.t;
  if (reported.kind == ReportKind::kLeave) {
    EndJoin(channel, std::move(member), m);
    AfterOwnLeave(channel, m);
    return Schedule(channel, m.now);
  }
  // KEYS that nobody asked for go under an R that A holds, as it does the one of a user key.
  member.takes_keys = !reported.by_ticket;
  const bool has_moved = !reported.proved.IsUnset() && reported.proved != member.msk_endpoint;
  if (has_moved) {
    member.msk_endpoint = reported.proved;
    ++member.revision;
  }
  // MIKEYv2 §7: its finish was lost with what we knew of its exchange, and only that told whether
  // it takes MSK messages.
  if (MarkJoined(channel, member, m)) member.no_msk_messages = true;
  const bool is_pushed_to = IsPushedTo(member);
  Put(rekey::MemberPut{channel_id, std::move(member)}, m);
  if (!is_pushed_to) StopSending(channel, subscriber);
  for (auto* delivery : {&channel.current, &channel.next}) {
    if (*delivery && (*delivery)->msk() <= reported.newest) (*delivery)->Remove(subscriber);
  }
  // An acknowledgement of less is answered by what there is.
  channel.pushed.erase(subscriber);
  KeepConfirmed(channel, subscriber, reported.newest, m);
  Schedule(channel, m.now);
}

// KeysToldTo: COUNTERs of MSK messages are T of KEYS too. After a start all below what is in use
// may have been told.
uint32_t Controller::Impl::KeysToldTo(const SubscriberId& subscriber) const {
  const uint64_t in_use = user_counter == 0 ? state.muk_counter.next : user_counter;
  const auto found = subscribers.find(subscriber);
  const bool was_told = found != subscribers.end() && found->second.last_counter == in_use;
  return static_cast<uint32_t>(std::min<uint64_t>(was_told ? in_use : in_use - 1, UINT32_MAX));
}

// WriteKeys is empty where they do not fit one datagram.
std::optional<Bytes> Controller::Impl::WriteKeys(const Channel& channel, const SubscriberId& id,
                                                 uint32_t t, crypto::Rng& from) const {
  const rekey::SubscriberState& subscriber = state.subscribers.at(id);
  const std::string uri = GroupUri(config.keying, channel.id());
  const mikey::Identity member{config.profile.idr_type, AsBytes(subscriber.subscriber.identity)};
  const crypto::Key32 psk_v2 = mikey::v2::PskV2(suite, subscriber.user_key.view(), member,
                                                {mikey::IdType::kUri, AsBytes(uri)});
  const groups::Member& to = channel.durable->members.at(id);
  const rekey::GroupKeys keys(*channel.durable, to, {ReportTOf(to), t});
  std::array<uint8_t, mikey::v2::kRandOctets> rand_r{};
  from.Fill(rand_r);
  Bytes octets(mikey::v2::kMaxOneDatagram);
  const Result<size_t> size = mikey::v2::WriteUnaskedKeys(
      suite, mikey::v2::ReportKey(suite, psk_v2.view()), channel.ladder().msk->csb_id, t,
      {config.profile.encr_alg, rand_r, keys.streams(), keys.contents(), {}}, octets);
  if (!size) return std::nullopt;
  octets.resize(*size);
  return octets;
}

// SizeOfKeys asks no randomness of ours: what is written is thrown away.
uint64_t Controller::Impl::SizeOfKeys(const Channel& channel, const SubscriberId& id) const {
  crypto::SeededRng nobodys(0);
  const std::optional<Bytes> octets = WriteKeys(channel, id, 1, nobodys);
  return octets ? octets->size() : 0;
}

// PushKeys sends a member the keys of now, unasked, and what it was sent before, octet for octet,
// as long as there is nothing newer (MIKEYv2 §10): the times are those of an MSK's delivery. Beyond
// some members the octets are not kept, and each time is a first one.
std::optional<uint32_t> Controller::Impl::PushKeys(Channel& channel, const SubscriberId& id,
                                                   const Moment& m) {
  const MskId newest = rekey::NewestMsk(channel.ladder());
  const auto kept = channel.pushed.find(id);
  const Endpoint& to = channel.durable->members.at(id).msk_endpoint;
  if (kept != channel.pushed.end() && kept->second.newest == newest) {
    PushedKeys& pushed = kept->second;
    // Two MSKs on their way are in the same KEYS.
    if (std::exchange(pushed.sent, m.now) == m.now) return pushed.t;
    ++counters.reports.repetitions;
    m.step.datagrams.push_back({to, channel.id(), pushed.octets, m.due, {}});
    return pushed.t;
  }
  const std::optional<uint32_t> t = TakeUserCounter(subscribers.at(id), m);
  if (!t) return std::nullopt;
  std::optional<Bytes> octets = WriteKeys(channel, id, *t, rng);
  if (!octets) return std::nullopt;
  ++counters.reports.pushes;
  m.step.datagrams.push_back({to, channel.id(), *octets, m.due, {}});
  if (kept != channel.pushed.end() || channel.pushed.size() < kMostPushed) {
    channel.pushed[id] = {newest, *t, m.now, std::move(*octets)};
  }
  return t;
}

}  // namespace keymast::controller
