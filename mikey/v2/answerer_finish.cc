// SPDX-License-Identifier: Apache-2.0
// The Answerer's second half: finishes, and KEYS (MIKEYv2 §7).
#include "mikey/v2/answerer_parts.h"
#include "mikey/v2/messages.h"
#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

// AskedBy an exchange that has said its wish.
Asked AskedBy(const Exchange& exchange) {
  static constexpr Capabilities kNothing;
  return {exchange.offerer.view(), exchange.answerer.view(), exchange.join, kNothing, {},
          exchange.standing};
}

// WipeFinished leaves what a session's traffic keys follow from.
void WipeFinished(Exchange& exchange) {
  exchange.psk_v2 = {};
  exchange.secret = {};
  exchange.dh = {};
  if (exchange.is_join()) exchange.tgk = {};
}

}  // namespace

Answerer::Outcome Answerer::TakeFinish(const Finish& finish, crypto::Rng& rng, MutableBytes out) {
  const Message& message = finish.message;
  // The form hangs on the mode, which the entry has: two RANDs are there in all of them.
  const auto* rand_i = message.Get<RandrPayload>(0);
  const auto* rand_r = message.Get<RandrPayload>(1);
  if (rand_i == nullptr || rand_r == nullptr) return Discard(Error::kPayloadMissing);
  Entry* entry =
      rand_i->rand.size() <= kMaxRand && rand_r->rand.size() <= kMaxRand
          ? cache_.FindFinish(CsbId(message.header.csb_id), rand_i->rand, rand_r->rand, finish.now)
          : nullptr;
  if (entry == nullptr) return Discard(Error::kWrongCsb);
  if (entry->verified) return Repeat(*entry, finish, out);
  return TakeFirstFinish(finish, *entry, rng, out);
}

// What fails behind public-key work is counted, whatever the reason: else that would cost as much
// as anybody likes to send.
Answerer::Outcome Answerer::TakeFirstFinish(const Finish& finish, Entry& entry, crypto::Rng& rng,
                                            MutableBytes out) {
  const bool is_there = finish.IsFrom(entry);
  const bool is_late = IsLate(entry.exchange.choice.mode);
  Bucket& failed = is_there ? entry.there : entry.elsewhere;
  const Rate& rate = is_there ? Entry::kFailedThere : Entry::kFailedElsewhere;
  if (is_late && !failed.Allows(rate, finish.now)) return Discard(Error::kRateLimited);
  // MIKEYv2 §2: the keys of a group go to where the answer went alone.
  const bool brings_keys = !GivesInAnswer(entry.exchange);
  if (brings_keys && !finish.Proves(entry)) return Discard(Error::kWrongSource);
  const Result<Parts> parts = ReadFinish(finish, entry.exchange);
  if (!parts) return Discard(parts.error());
  const auto in_vain = [&](Outcome outcome) {
    failed.Count(rate, finish.now);
    outcome.was_costly = is_late;
    return outcome;
  };
  // What completes the exchange does so in a copy, until all of it is good.
  std::optional<Exchange> completed;
  if (is_late) completed = entry.exchange;
  Exchange& exchange = completed ? *completed : entry.exchange;
  const Status checked = CheckFinish(finish, *parts, exchange, entry.streams.get());
  if (!checked) return in_vain(Discard(checked.error()));
  Bytes keys;
  const Result<Outcome> answered = AnswerFinish(entry, exchange, finish, rng, out, keys);
  // It is repeated, and answered then.
  if (!answered && answered.error() == Error::kRateLimited) {
    return in_vain(Discard(answered.error()));
  }
  if (!answered) {  // a copy is judged anew
    return in_vain(RefuseFinish(entry, exchange, answered.error(), finish, rng, out));
  }
  if (completed) entry.exchange = *completed;
  entry.keys = std::move(keys);
  cache_.Verify(entry);
  Outcome sent = *answered;
  sent.certificates = std::exchange(entry.certificates, {});
  WipeFinished(entry.exchange);
  entry.finish = HashOf(suite_, finish.datagram);
  entry.address_proved = entry.address_proved || finish.Proves(entry);
  entry.sent = finish.now;
  entry.finished = finish.now;
  sent.proves_address = is_there && entry.address_proved;
  return sent;
}

// MIKEYv2 §2: a repetition proves nothing; from an address that is not proved it is answered in
// ratio.
Answerer::Outcome Answerer::Repeat(Entry& entry, const Finish& finish, MutableBytes out) const {
  if (HashOf(suite_, finish.datagram) != entry.finish) return Discard(Error::kUnexpected);
  const bool is_there = finish.IsFrom(entry) && entry.address_proved;
  Outcome sent = Sent({{}, 0, Event::kNone, &entry}, entry.keys, entry, out);
  if (!is_there && TotalOf(sent.reply, sent.more) > kAmplification * finish.datagram.size()) {
    return Discard(Error::kWrongSource);
  }
  entry.sent = finish.now;
  return sent;
}

// ReadFinish asks for all that costs nothing: the form, and the algorithms of the choice.
Result<Parts> Answerer::ReadFinish(const Finish& finish, const Exchange& exchange) {
  const Choice& choice = exchange.choice;
  const Header& header = finish.message.header;
  if (header.data_type != FinishType(choice.mode)) return Err(Error::kUnknownDataType);
  const Result<Parts> parts = ReadParts(finish.message, FinishForm(choice.mode));
  if (!parts) return parts;
  const bool is_group = parts->dh == nullptr || parts->dh->group == choice.group;
  if (!is_group) return Err(Error::kMalformed);
  const KemacPayload* kemac = parts->kemac;
  const bool is_encr = kemac == nullptr || kemac->encr_alg == choice.encr;
  const bool is_mac = parts->sign != nullptr ||
                      (kemac != nullptr ? kemac->mac_alg : parts->v->auth_alg) == choice.mac;
  const bool is_sign =
      parts->sign == nullptr || parts->sign->s_type == TypeOf(exchange.peer_key->kind());
  const bool is_choice = header.prf == choice.prf && is_encr && is_mac && is_sign;
  if (!is_choice) return Err(Error::kUnsupportedAlgorithm);
  return parts;
}

// CheckFinish completes the exchange's secret, where a late value does, before its proof is good.
Status Answerer::CheckFinish(const Finish& finish, const Parts& parts, Exchange& exchange,
                             const Streams* of_session) const {
  if (Status proved = ProveFinish(finish, parts, exchange); !proved) return proved;
  return CheckPolicies(parts.policies, exchange, of_session);
}

// ProveFinish of mode DH by the key of CAP's certificate, of all others by X.
Status Answerer::ProveFinish(const Finish& finish, const Parts& parts, Exchange& exchange) const {
  const Mode mode = exchange.choice.mode;
  if (mode == Mode::kDh) {
    const ByteView head = HeadUpTo(finish.datagram, parts.sign->signature);
    const Status proved =
        CheckSign(suite_, OfFinish(suite_, exchange), *exchange.peer_key, head, *parts.sign);
    if (!proved) return proved;
  }
  if (IsLate(mode) && !MixSecret(suite_, parts.dh->value, exchange)) return Err(Error::kMalformed);
  if (mode == Mode::kDh) return {};
  const KemacPayload* kemac = parts.kemac;
  const MacAlg alg = kemac != nullptr ? kemac->mac_alg : parts.v->auth_alg;
  const ByteView mac = kemac != nullptr ? kemac->mac : parts.v->ver_data;
  const ByteView head = HeadUpTo(finish.datagram, mac);
  return CheckMac(suite_, OfFinish(suite_, exchange), head, alg, mac);
}

// MIKEYv2 §8: KEYS give a member that has left once the FRESH that its next CAP is held to.
Fresh::Tail Answerer::TailOf(const Exchange& exchange) const {
  const Asked asked = AskedBy(exchange);
  const auto leaves = exchange.is_join() ? others_.LeavesOf(asked) : std::nullopt;
  return leaves ? Fresh::MemberTail(asked.offerer, *leaves) : Fresh::Tail();
}

// AnswerFinish writes KEYS: an acknowledgement, or what a member may have only now. It is what
// GrantTo refuses, and kTooLong.
Result<Answerer::Outcome> Answerer::AnswerFinish(Entry& entry, const Exchange& exchange,
                                                 const Finish& finish, crypto::Rng& rng,
                                                 MutableBytes out, Bytes& keys) {
  Streams streams;
  Contents contents;
  if (!GivesInAnswer(exchange)) {
    const Result<Grant> grant = others_.GrantTo(AskedBy(exchange), exchange.choice);
    if (!grant) return Err(grant.error());
    streams = grant->streams;
    contents = grant->contents;
  }
  const Result<size_t> size = WriteKeysOf(entry, exchange, finish, streams, contents, rng, out);
  if (!size) return Err(size.error());
  keys.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(*size));
  const Outcome sent = Sent({{}, 0, Event::kVerified, &entry}, keys, entry, out);
  if (!sent.status) return Err(sent.status.error());
  return sent;
}

Result<size_t> Answerer::WriteKeysOf(const Entry& entry, const Exchange& exchange,
                                     const Finish& finish, const Streams& streams,
                                     const Contents& contents, crypto::Rng& rng, MutableBytes out) {
  const Instant now = finish.now;
  const bool proves = finish.Proves(entry);
  const auto rand_r = DrawRand(rng);
  const Fresh::Tail tail = TailOf(exchange);
  const bool gives_fresh = entry.wants_fresh || !tail.empty();
  const Fresh::Value next = gives_fresh ? fresh_.Make(now, tail) : Fresh::Value{};
  const ByteView fresh = gives_fresh ? ByteView(next) : ByteView();
  // Whoever takes no FRAGMENTs gets one datagram; an address that is not proved 3 times its own.
  const size_t taken = MostOf(entry.way, RoomOf(policy_));
  const size_t most =
      proves ? taken : std::min({taken, kMaxOneDatagram, kAmplification * finish.datagram.size()});
  const MutableBytes room = out.first(most);
  // What may be too long for an address that is not proved is not made for it.
  const bool has_ticket = entry.wants_ticket && (proves || !exchange.is_join());
  const auto ticket = has_ticket ? GiveTicket(exchange, now, rng) : std::nullopt;
  if (ticket && !contents.keys.full()) {
    std::array<uint8_t, 4> seconds{};
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(ticket->expiry - now);
    Writer(seconds).U32(static_cast<uint32_t>(std::max<int64_t>(left.count(), 0)));
    Contents with = contents;
    with.keys.Add({KeyDataType::kTicket, ticket->ticket, {}, {KvType::kSpi, seconds, {}, {}}});
    const auto size = WriteKeys(suite_, exchange, rand_r, streams, with, room, fresh);
    if (size || size.error() != Error::kTooLong) return size;
  }
  return WriteKeys(suite_, exchange, rand_r, streams, contents, room, fresh);
}

// RefuseFinish tells, once a second and as short as an address that is not proved may have it; the
// entry stays as it was, and may give way to others (MIKEYv2 §13).
Answerer::Outcome Answerer::RefuseFinish(const Entry& entry, const Exchange& exchange, Error error,
                                         const Finish& finish, crypto::Rng& rng, MutableBytes out) {
  Outcome refused{Err(error), 0, Event::kNone, &entry};
  if (!errors_.Take(finish.address, finish.now)) return refused;
  const size_t most = std::min(kMaxOneDatagram, kAmplification * finish.datagram.size());
  const Result<size_t> size =
      WriteErrorToFinish(suite_, exchange, NumberOf(error), DrawRand(rng), out.first(most));
  refused.reply = size.value_or(0);
  return refused;
}

std::optional<Resumption> Answerer::GiveTicket(const Exchange& exchange, Instant now,
                                               crypto::Rng& rng) {
  if (tickets_ == nullptr) return std::nullopt;
  return tickets_->Give(ResumptionOf(suite_, exchange, now + kTicketLife), now, rng);
}

// MIKEYv2 §9: each SP is one of the answer, and each crypto session finds its own; none in a join.
Status Answerer::CheckPolicies(std::span<const Payload> policies, const Exchange& exchange,
                               const Streams* of_session) {
  if (policies.empty()) return {};
  if (exchange.is_join()) return Err(Error::kPayloadUnexpected);
  const Streams& streams = *of_session;
  const auto is_there = [&](uint8_t number) {
    return std::ranges::any_of(policies, [number](const Payload& payload) {
      const auto* sp = std::get_if<SpPayload>(&payload);
      return sp != nullptr && sp->policy == number;
    });
  };
  const auto is_ours = [&](const Payload& payload) {
    const auto* sp = std::get_if<SpPayload>(&payload);
    return sp != nullptr && std::ranges::any_of(streams.policies, [&](const auto& ours) {
             return ours.number == sp->policy && Equal(ours.params.view(), sp->params);
           });
  };
  const bool is_taken = std::ranges::all_of(policies, is_ours) &&
                        std::ranges::all_of(streams.sessions, [&](const CsbSession& session) {
                          return is_there(session.policy);
                        });
  return is_taken ? Status() : Err(Error::kMalformed);
}

}  // namespace keymast::mikey::v2
