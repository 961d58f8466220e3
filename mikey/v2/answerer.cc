// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/answerer.h"

#include "mikey/key_ids.h"
#include "mikey/v2/messages.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kAmplification = 3;  // MIKEYv2 §2

Answerer::Outcome Discard(Error error) { return {Err(error), 0, Answerer::Event::kNone, nullptr}; }

size_t CopyTo(ByteView octets, MutableBytes out) {
  KEYMAST_CHECK(out.size() >= octets.size());
  std::copy(octets.begin(), octets.end(), out.begin());
  return octets.size();
}

std::array<uint8_t, kRandOctets> DrawRand(crypto::Rng& rng) {
  std::array<uint8_t, kRandOctets> rand{};
  rng.Fill(rand);
  return rand;
}

Identity IdentityOf(const IdrPayload* idr) {
  return idr == nullptr ? Identity{} : Identity{idr->id_type, idr->data};
}

// FirstOf is the first number that was offered and is ours.
template <class E, size_t N>
bool FirstOf(ByteView offered, const FixedList<uint8_t, N>& ours, E& choice) {
  for (const uint8_t number : offered) {
    if (!Contains(ours.view(), number)) continue;
    choice = static_cast<E>(number);
    return true;
  }
  return false;
}

ErrorNumber NumberOf(Error error) {
  if (error == Error::kNotEntitled) return ErrorNumber::kInvalidId;
  if (error == Error::kUnsupportedPolicy) return ErrorNumber::kInvalidDt;
  return ErrorNumber::kUnspecified;
}

}  // namespace

// Cap is a first message under way.
struct Answerer::Cap {
  ByteView datagram;
  ByteView address;
  Instant now;
  const Header& header;
  Parts parts;
  Capabilities offer;
  std::optional<KeyIds> join;
  bool address_proved = false;
  Exchange exchange;

  Asked asked() const { return {IdentityOf(parts.id_i), IdentityOf(parts.id_r), join, offer}; }
};

struct Answerer::Finish {
  ByteView datagram;
  ByteView address;
  Instant now;
  const Message& message;
};

Answerer::Answerer(const crypto::Suite& suite, const Policy& policy, Directory& others,
                   size_t capacity, crypto::Rng& rng)
    : suite_(suite),
      policy_(policy),
      others_(others),
      cookies_(suite, rng),
      cache_(capacity, rng),
      nobodys_key_(crypto::SecretKey<kMaxSharedKey>::OfSize(32)) {
  rng.Fill(nobodys_key_.mutable_view());
}

Answerer::Outcome Answerer::Receive(ByteView datagram, ByteView address, Instant now,
                                    crypto::Rng& rng, MutableBytes out) {
  KEYMAST_CHECK(out.size() >= kMaxOneDatagram && address.size() <= kMaxAddress);
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Discard(parsed.error());
  const Header& header = message.header;
  if (header.version != kVersion2) return Discard(Error::kUnknownVersion);
  if (IsFinish(header.data_type)) {
    return TakeFinish({datagram, address, now, message}, rng, out);
  }
  const Result<Parts> parts = ReadParts(message, Form::kCap);
  if (!parts) return Discard(parts.error());
  const Result<Capabilities> offer = ReadCapabilities(*parts->cap);
  if (!offer) return Discard(offer.error());
  if (Status checked = CheckOffer(*offer, *parts); !checked) return Discard(checked.error());
  Cap cap{datagram, address, now, header, *parts, *offer, std::nullopt, false, {}};
  if (parts->key_ids != nullptr) {
    const Result<KeyIds> ids = FindKeyIds(message);
    if (!ids) return Discard(ids.error());
    if (ids->mtk) return Discard(Error::kMalformed);  // MIKEYv2 §3.4
    cap.join = *ids;
  }
  return TakeCap(cap, rng, out);
}

Answerer::Outcome Answerer::TakeCap(Cap& cap, crypto::Rng& rng, MutableBytes out) {
  const Asked asked = cap.asked();
  if (others_.IsOwn(asked.offerer)) return Discard(Error::kUnknownIdentity);  // a reflection
  Exchange& exchange = cap.exchange;
  exchange.th = HashOf(suite_, cap.datagram);
  if (Entry* known = cache_.FindCap(exchange.th, cap.address, cap.now)) {
    known->sent = cap.now;
    return {{}, CopyTo(known->answer.view(), out), Event::kNone, known};
  }
  exchange.csb_id = CsbId(cap.header.csb_id);
  cap.address_proved = cookies_.IsGood(cap.offer.cookie, cap.address, exchange.csb_id, cap.now);
  const bool needs_cookie = under_load_ || cache_.is_crowded();
  if (needs_cookie && !cap.address_proved) return Retry(cap, out);
  if (!others_.Serves(asked)) return Discard(Error::kUnknownIdentity);
  exchange.rand_i = Octets<kMaxRand>(cap.parts.rand_i->rand);
  exchange.offerer = OwnedIdentity(asked.offerer);
  exchange.answerer = OwnedIdentity(asked.answerer);
  exchange.join = cap.join;
  // MIKEYv2 §7: the proof comes first, who has none hears nothing.
  const bool by_psk = std::ranges::any_of(
      cap.offer.modes, [](uint8_t mode) { return IsPskType(static_cast<Mode>(mode)); });
  if (!by_psk) {
    const Result<size_t> hint = WriteError(suite_, exchange, ErrorNumber::kInvalidDt, {}, out);
    return {Err(Error::kUnsupportedPolicy), hint.value_or(0), Event::kNone, nullptr};
  }
  if (Status proved = Prove(cap); !proved) return Discard(proved.error());
  if (Status chosen = Choose(cap, exchange.choice); !chosen) {
    return Refuse(cap, chosen.error(), rng, out);
  }
  if (exchange.choice.mode == Mode::kPsk) {
    exchange.secret = ExchangeSecret(exchange.psk_v2.view());
  }
  return Answer(cap, rng, out);
}

Answerer::Outcome Answerer::Retry(const Cap& cap, MutableBytes out) const {
  const auto cookie = cookies_.Make(cap.address, CsbId(cap.header.csb_id), cap.now);
  const Result<size_t> size = WriteRetry(CsbId(cap.header.csb_id), cap.parts.rand_i->rand, cookie,
                                         out.first(std::min(out.size(), cap.datagram.size())));
  return {Err(Error::kRateLimited), size.value_or(0), Event::kNone, nullptr};
}

// CanDo: what a mode needs of CAP and of ours is there.
bool Answerer::CanDo(Mode mode, const Cap& cap, Choice& choice) const {
  // MIKEYv2 §4.3: the identities are in the key.
  if (!IsPskType(mode) || cap.parts.id_r == nullptr) return false;
  if (!HasDh(mode)) return true;
  if (suite_.pk == nullptr || !FirstOf(cap.offer.groups, policy_.groups, choice.group))
    return false;
  if (!IsEarly(mode)) return true;
  // MIKEYv2 §3.3: eligible with the group of CAP's value only.
  return cap.parts.dh->group == choice.group;
}

// Choose takes the Offerer's first of each that is ours. kUnsupportedPolicy: there is none.
Status Answerer::Choose(const Cap& cap, Choice& choice) const {
  const Capabilities& offer = cap.offer;
  const bool is_common = FirstOf(offer.prf, policy_.prfs, choice.prf) &&
                         FirstOf(offer.encr, policy_.encrs, choice.encr) &&
                         FirstOf(offer.mac, policy_.macs, choice.mac);
  if (!is_common) return Err(Error::kUnsupportedPolicy);
  const Result<Terms> terms = others_.TermsFor(cap.asked());
  if (!terms) return Err(terms.error());
  choice.profiles = terms->profiles;
  choice.features = terms->features & offer.Features();
  for (const uint16_t profile : terms->profiles) {
    if (!offer.OffersProfile(profile)) return Err(Error::kUnsupportedPolicy);
  }
  for (const uint8_t number : offer.modes) {
    choice.mode = static_cast<Mode>(number);
    if (Contains(policy_.modes.view(), number) && CanDo(choice.mode, cap, choice)) return {};
  }
  return Err(Error::kUnsupportedPolicy);
}

// Prove checks V, of who is not known with a key that nobody has: it takes as long.
Status Answerer::Prove(Cap& cap) const {
  const auto* shared = others_.SharedWith(cap.asked());
  // MIKEYv2 §11: no ticket serves here, and the PSK is not what stands behind one.
  const bool resumes = !cap.offer.ticket.empty() || !cap.offer.ticket_id.empty();
  const bool is_known = shared != nullptr && !resumes;
  const ByteView psk = is_known ? shared->view() : nobodys_key_.view();
  Exchange& exchange = cap.exchange;
  exchange.psk_v2 = PskV2(suite_, psk, exchange.offerer.view(), exchange.answerer.view());
  const VPayload* v = cap.parts.v;
  if (v == nullptr) return Err(Error::kPayloadMissing);
  const ByteView head = HeadUpTo(cap.datagram, v->ver_data);
  const Status checked = CheckMac(suite_, OfCap(exchange), head, v->auth_alg, v->ver_data);
  if (!checked || !is_known) return Err(Error::kAuthenticationFailed);
  return {};
}

Answerer::Outcome Answerer::Answer(Cap& cap, crypto::Rng& rng, MutableBytes out) {
  Entry entry;
  const Result<size_t> size = GivesInAnswer(cap.exchange)
                                  ? AnswerWithGrant(cap, rng, entry.streams, out)
                                  : AnswerWithoutKeys(cap, rng, out);
  // A public value that no secret follows from is no form of one (MIKEYv2 §5).
  if (!size && size.error() == Error::kMalformed) return Discard(size.error());
  if (!size) return Refuse(cap, size.error(), rng, out);
  const bool is_in_ratio = *size <= kAmplification * cap.datagram.size();
  if (!cap.address_proved && !is_in_ratio) return Retry(cap, out);
  entry.exchange = cap.exchange;
  entry.address = Octets<kMaxAddress>(cap.address);
  entry.address_proved = cap.address_proved;
  entry.made = cap.now;
  entry.sent = cap.now;
  entry.answer = Octets<kMaxOneDatagram>(out.first(*size));
  entry.exchange.ah = HashOf(suite_, entry.answer.view());
  const Entry* kept = cache_.Add(std::move(entry), cap.now);
  if (kept == nullptr) return Discard(Error::kTooManyRequests);
  return {{}, *size, Event::kAnswered, kept};
}

// MIKEYv2 §1: group keys leave in an answer of modes 1 and 6 to a CAP whose V was good; streams of
// a session in every answer.
bool Answerer::GivesInAnswer(const Exchange& exchange) {
  return !exchange.is_join() || exchange.choice.mode != Mode::kDhhmac;
}

// Refuse tells who has proved itself, and nobody else.
Answerer::Outcome Answerer::Refuse(const Cap& cap, Error error, crypto::Rng& rng,
                                   MutableBytes out) const {
  const auto rand_r = DrawRand(rng);
  const Result<size_t> size = WriteError(suite_, cap.exchange, NumberOf(error), rand_r, out);
  return {Err(error), size.value_or(0), Event::kNone, nullptr};
}

Result<size_t> Answerer::AnswerWithGrant(Cap& cap, crypto::Rng& rng, Streams& streams,
                                         MutableBytes out) {
  Exchange& exchange = cap.exchange;
  if (Status ready = Prepare(cap, rng); !ready) return Err(ready.error());
  const Result<Grant> grant = others_.GrantTo(cap.asked(), exchange.choice);
  if (!grant) return Err(grant.error());
  streams = grant->streams;
  if (exchange.is_join()) return WriteAnswer(suite_, exchange, streams, grant->contents, out);
  if (!IsComplete(streams, cap.offer)) return Err(Error::kUnsupportedPolicy);
  Contents contents;
  if (exchange.choice.mode == Mode::kPsk) {
    exchange.tgk = ExchangeSecret::OfSize(kTgkOctets);
    rng.Fill(exchange.tgk.mutable_view());
    contents.keys.Add({KeyDataType::kTgk, exchange.tgk.view(), {}, {}});
  }
  return WriteAnswer(suite_, exchange, streams, contents, out);
}

Result<size_t> Answerer::AnswerWithoutKeys(Cap& cap, crypto::Rng& rng, MutableBytes out) {
  if (Status ready = Prepare(cap, rng); !ready) return Err(ready.error());
  return WriteAnswer(suite_, cap.exchange, {}, {}, out);
}

// Prepare draws what an answer needs anew: RANDr, our public value.
Status Answerer::Prepare(Cap& cap, crypto::Rng& rng) const {
  Exchange& exchange = cap.exchange;
  exchange.rand_r = Octets<kMaxRand>(DrawRand(rng));
  if (!HasDh(exchange.choice.mode)) return {};
  const auto group = CryptoGroup(exchange.choice.group);
  if (!group) return Err(Error::kUnsupportedPolicy);
  exchange.dh = crypto::DhKey(*suite_.pk, *group, rng);
  const bool is_early = IsEarly(exchange.choice.mode);
  if (is_early && !MixSecret(suite_, cap.parts.dh->value, exchange)) return Err(Error::kMalformed);
  return {};
}

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
  if (Status checked = CheckFinish(finish, entry->exchange, entry->streams); !checked) {
    return Discard(checked.error());
  }
  const Result<size_t> size = AnswerFinish(*entry, rng, out);
  if (!size) return Discard(size.error());
  entry->verified = true;
  entry->finish = HashOf(suite_, finish.datagram);
  // MIKEYv2 §2: the first good finish moves the entry to its address, and proves that.
  entry->address = Octets<kMaxAddress>(finish.address);
  entry->address_proved = true;
  entry->sent = finish.now;
  entry->keys = Octets<kMaxOneDatagram>(out.first(*size));
  return {{}, *size, Event::kVerified, entry};
}

// MIKEYv2 §2: a repetition moves and proves nothing; from another address it is answered in ratio.
Answerer::Outcome Answerer::Repeat(Entry& entry, const Finish& finish, MutableBytes out) const {
  if (HashOf(suite_, finish.datagram) != entry.finish) return Discard(Error::kUnexpected);
  const bool is_there = Equal(entry.address.view(), finish.address);
  if (!is_there && entry.keys.size() > kAmplification * finish.datagram.size()) {
    return Discard(Error::kWrongSource);
  }
  entry.sent = finish.now;
  return {{}, CopyTo(entry.keys.view(), out), Event::kNone, &entry};
}

// CheckFinish completes the exchange's secret only when the proof under it is good.
Status Answerer::CheckFinish(const Finish& finish, Exchange& exchange,
                             const Streams& streams) const {
  const Mode mode = exchange.choice.mode;
  if (finish.message.header.data_type != FinishType(mode)) return Err(Error::kUnknownDataType);
  const Result<Parts> parts = ReadParts(finish.message, FinishForm(mode));
  if (!parts) return Err(parts.error());
  if (finish.message.header.prf != exchange.choice.prf) return Err(Error::kUnsupportedAlgorithm);
  Exchange finished = exchange;
  if (mode == Mode::kDhhmac) {
    const DhPayload& dh = *parts->dh;
    const bool is_group = dh.group == exchange.choice.group;
    if (!is_group || !MixSecret(suite_, dh.value, finished)) return Err(Error::kMalformed);
  }
  const bool by_kemac = parts->kemac != nullptr;
  const MacAlg alg = by_kemac ? parts->kemac->mac_alg : parts->v->auth_alg;
  const ByteView mac = by_kemac ? parts->kemac->mac : parts->v->ver_data;
  if (by_kemac && parts->kemac->encr_alg != exchange.choice.encr) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  const ByteView head = HeadUpTo(finish.datagram, mac);
  const Status proved = CheckMac(suite_, OfFinish(suite_, finished), head, alg, mac);
  if (!proved) return proved;
  if (Status checked = CheckPolicies(parts->policies, finished, streams); !checked) return checked;
  exchange = finished;
  return {};
}

// AnswerFinish writes KEYS: an acknowledgement, or what a member may have only now.
Result<size_t> Answerer::AnswerFinish(const Entry& entry, crypto::Rng& rng, MutableBytes out) {
  const Exchange& exchange = entry.exchange;
  const auto rand_r = DrawRand(rng);
  if (GivesInAnswer(exchange)) return WriteKeys(suite_, exchange, rand_r, {}, {}, out);
  const Capabilities nothing;
  const Asked asked{exchange.offerer.view(), exchange.answerer.view(), exchange.join, nothing};
  const Result<Grant> grant = others_.GrantTo(asked, exchange.choice);
  if (!grant) {
    return WriteErrorToFinish(suite_, exchange, NumberOf(grant.error()), rand_r, out);
  }
  return WriteKeys(suite_, exchange, rand_r, grant->streams, grant->contents, out);
}

// MIKEYv2 §9: each SP is one of the answer, and each crypto session finds its own; none in a join.
Status Answerer::CheckPolicies(std::span<const Payload> policies, const Exchange& exchange,
                               const Streams& streams) {
  if (policies.empty()) return {};
  if (exchange.is_join()) return Err(Error::kPayloadUnexpected);
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

UnicastSession Answerer::SessionOf(const Entry& entry) const {
  KEYMAST_CHECK(entry.verified && !entry.exchange.is_join());
  return v2::SessionOf(suite_, entry.exchange, entry.streams);
}

}  // namespace keymast::mikey::v2
