// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/answerer.h"

#include "mikey/key_ids.h"
#include "mikey/v2/messages.h"
#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kAmplification = 3;  // MIKEYv2 §2
constexpr Duration kSweepEach = std::chrono::seconds(1);

Answerer::Outcome Discard(Error error) { return {Err(error), 0, Answerer::Event::kNone, nullptr}; }

// SizeOfFragment is the least that such a datagram had, without what is not looked at.
size_t SizeOfFragment(const Parts& parts) {
  constexpr size_t kHead = 10 + 1 + FragmentPayload::kHashSize + 4;
  const size_t cap = parts.cap == nullptr ? 0 : 4 + parts.cap->tlvs.size();
  return kHead + cap + parts.fragment->data.size();
}

std::array<uint8_t, kRandOctets> DrawRand(crypto::Rng& rng) {
  std::array<uint8_t, kRandOctets> rand{};
  rng.Fill(rand);
  return rand;
}

// AskedBy an exchange that has said its wish.
Asked AskedBy(const Exchange& exchange) {
  static constexpr Capabilities kNothing;
  return {exchange.offerer.view(), exchange.answerer.view(), exchange.join, kNothing, {},
          exchange.standing};
}

CertificateChain CertificatesOf(const Parts& parts) {
  CertificateChain chain;
  for (const Payload& payload : parts.certificates) {
    const ByteView der = std::get<CertPayload>(payload).data;
    chain.emplace_back(der.begin(), der.end());
  }
  return chain;
}

// WipeFinished leaves what a session's traffic keys follow from.
void WipeFinished(Exchange& exchange) {
  exchange.psk_v2 = {};
  exchange.secret = {};
  exchange.dh = {};
  if (exchange.is_join()) exchange.tgk = {};
}

ErrorNumber NumberOf(Error error) {
  if (error == Error::kNotEntitled) return ErrorNumber::kInvalidId;
  if (error == Error::kUnknownKey) return ErrorNumber::kInvalidCert;
  if (error == Error::kUnsupportedPolicy) return ErrorNumber::kInvalidDt;
  return ErrorNumber::kUnspecified;
}

}  // namespace

struct Answerer::Finish {
  ByteView datagram;
  ByteView address;
  Instant now;
  const Message& message;

  bool IsFrom(const Entry& entry) const { return Equal(entry.address.view(), address); }
  // Proves is true for one that brings back what was sent to its address, and nowhere else.
  bool Proves(const Entry& entry) const {
    return IsFrom(entry) && (entry.address_proved || !entry.is_copied);
  }
};

Answerer::Answerer(const crypto::Suite& suite, const Policy& policy, Directory& others,
                   size_t capacity, crypto::Rng& rng, const Credentials* credentials)
    : suite_(suite),
      policy_(policy),
      others_(others),
      credentials_(credentials),
      cookies_(suite, rng),
      fresh_(suite, kAnsweredRoom, rng),
      errors_(rng),
      cache_(capacity, rng),
      nobodys_key_(crypto::SecretKey<kMaxSharedKey>::OfSize(32)) {
  rng.Fill(nobodys_key_.mutable_view());
}

Answering Answerer::answering() const {
  return {suite_, policy_, others_, credentials_, tickets_, nobodys_key_.view(), fresh_};
}

Answerer::Outcome Answerer::Receive(ByteView datagram, ByteView address, Instant now,
                                    crypto::Rng& rng, MutableBytes out) {
  KEYMAST_CHECK(out.size() >= RoomOf(policy_) && address.size() <= kMaxAddress);
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Discard(parsed.error());
  const Header& header = message.header;
  if (header.version != kVersion2) return Discard(Error::kUnknownVersion);
  if (IsFinish(header.data_type)) {
    return TakeFinish({datagram, address, now, message}, rng, out);
  }
  if (header.data_type == DataType::kFragment) {
    return TakeFragment(message, address, now, rng, out);
  }
  return TakeFirst(message, datagram, address, now, false, rng, out);
}

// MIKEYv2 §3.6: behind a good cookie alone; the first FRAGMENT without one gets RETRY.
Answerer::Outcome Answerer::TakeFragment(const Message& message, ByteView address, Instant now,
                                         crypto::Rng& rng, MutableBytes out) {
  if (policy_.fragments == 0) return Discard(Error::kUnknownDataType);
  const Result<Parts> parts = ReadParts(message, Form::kFragment);
  if (!parts) return Discard(parts.error());
  const CsbId csb_id(message.header.csb_id);
  Capabilities told;
  if (parts->cap != nullptr) {
    const Result<Capabilities> read = ReadCapabilities(*parts->cap);
    if (!read) return Discard(read.error());
    told = *read;
  }
  const FragmentPayload& fragment = *parts->fragment;
  if (!cookies_.IsGood(told.cookie, address, csb_id, now)) {
    if (fragment.index != 0) return Discard(Error::kWrongSource);
    const auto fresh = fresh_.Make(now);
    const bool is_of_use = Contains(policy_.modes.view(), Mode::kEarlyDh);
    const Result<size_t> size = WriteFragmentRetry(
        csb_id, fragment, cookies_.Make(address, csb_id, now), is_of_use ? fresh : ByteView(),
        out.first(std::min(out.size(), SizeOfFragment(*parts))));
    return {Err(Error::kRateLimited), size.value_or(0), Event::kNone, nullptr};
  }
  const Result<ByteView> whole = fragments_.Take(suite_, address, csb_id, fragment, now);
  if (!whole) return Discard(whole.error());
  if (whole->empty()) return {};
  Message inner;
  if (Status parsed = ParseMessage(*whole, inner); !parsed) return Discard(parsed.error());
  const bool is_cap =
      inner.header.data_type == DataType::kCap && inner.header.csb_id == csb_id.value;
  if (!is_cap) return Discard(Error::kMalformed);
  return TakeFirst(inner, *whole, address, now, true, rng, out);
}

// TakeFirst reads a CAP; one that is whole came in FRAGMENTs, which had its cookie.
Answerer::Outcome Answerer::TakeFirst(const Message& message, ByteView datagram, ByteView address,
                                      Instant now, bool is_whole, crypto::Rng& rng,
                                      MutableBytes out) {
  const Header& header = message.header;
  const Result<Parts> parts = ReadParts(message, Form::kCap);
  if (!parts) return Discard(parts.error());
  const Result<Capabilities> offer = ReadCapabilities(*parts->cap);
  if (!offer) return Discard(offer.error());
  if (is_whole && !offer->cookie.empty()) return Discard(Error::kMalformed);
  if (Status checked = CheckOffer(*offer, *parts); !checked) return Discard(checked.error());
  FirstMessage cap{datagram, address, now, header, *parts, *offer, std::nullopt, is_whole, {}};
  if (parts->key_ids != nullptr) {
    const Result<KeyIds> ids = FindKeyIds(message);
    if (!ids) return Discard(ids.error());
    if (ids->mtk) return Discard(Error::kMalformed);  // MIKEYv2 §3.4
    cap.join = *ids;
  }
  return TakeCap(cap, rng, out);
}

Way Answerer::WayOf(const Capabilities& offer) const {
  return {offer.Datagram(),
          policy_.fragments == 0 ? 0 : std::min<size_t>(offer.Fragments(), kMaxFragments)};
}

// Sent puts a message into `out` in the way that its Offerer takes it.
Answerer::Outcome Answerer::Sent(Outcome outcome, ByteView whole, const Entry& entry,
                                 MutableBytes out) const {
  const Fragmenting how{entry.exchange.csb_id, entry.way, {}};
  const Result<size_t> size = Send(suite_, whole, how, out, outcome.more);
  if (!size) return Discard(size.error());
  outcome.reply = *size;
  return outcome;
}

Answerer::Outcome Answerer::TakeCap(FirstMessage& cap, crypto::Rng& rng, MutableBytes out) {
  const Asked asked = cap.asked();
  if (others_.IsOwn(asked.offerer)) return Discard(Error::kUnknownIdentity);  // a reflection
  Exchange& exchange = cap.exchange;
  exchange.th = HashOf(suite_, cap.datagram);
  exchange.csb_id = CsbId(cap.header.csb_id);
  cap.address_proved = cap.address_proved || in_signalling_ ||
                       cookies_.IsGood(cap.offer.cookie, cap.address, exchange.csb_id, cap.now);
  if (Entry* known = cache_.FindCap(exchange.th, cap.address, cap.now)) {
    return RepeatAnswer(*known, cap, out);
  }
  // MIKEYv2 §8: answered from the cache alone.
  if (fresh_.WasAnswered(exchange.th, cap.now)) return Discard(Error::kReplayed);
  const bool needs_cookie = under_load_ || cache_.is_crowded();
  if (needs_cookie && !cap.address_proved) return Retry(cap, nullptr, out);
  if (!others_.Serves(asked)) return Discard(Error::kUnknownIdentity);
  exchange.rand_i = Octets<kMaxRand>(cap.parts.rand_i->rand);
  exchange.offerer = OwnedIdentity(asked.offerer);
  exchange.answerer = OwnedIdentity(asked.answerer);
  exchange.join = cap.join;
  exchange.session = Octets<kMaxSessionId>(cap.offer.session);
  const Judged judged = Judge(answering(), cap);
  if (Status chosen = Choose(answering(), judged, cap); !chosen) {
    return RefuseChoice(cap, judged, chosen.error(), rng, out);
  }
  const Mode mode = exchange.choice.mode;
  exchange.is_proved = IsPskType(mode) ? judged.v_good : judged.sign_good;
  return Answer(cap, judged, rng, out);
}

bool Answerer::IsProved(ByteView datagram, ByteView address, Instant now) const {
  Message message;
  if (!ParseMessage(datagram, message)) return false;
  const auto* cap = message.Get<CapPayload>();
  if (cap == nullptr) return false;
  const Result<Capabilities> offer = ReadCapabilities(*cap);
  return offer && cookies_.IsGood(offer->cookie, address, CsbId(message.header.csb_id), now);
}

// A copy from another address that has not proved itself gets what is in the ratio (MIKEYv2 §2).
Answerer::Outcome Answerer::RepeatAnswer(Entry& entry, const FirstMessage& cap,
                                         MutableBytes out) const {
  const bool is_there = Equal(entry.address.view(), cap.address);
  const Outcome sent = Sent({{}, 0, Event::kNone, &entry}, entry.answer, entry, out);
  const bool is_in_ratio = TotalOf(sent.reply, sent.more) <= kAmplification * cap.datagram.size();
  if (!is_there && !cap.address_proved && !is_in_ratio) return Discard(Error::kWrongSource);
  entry.is_copied = entry.is_copied || !is_there;
  entry.sent = cap.now;
  return sent;
}

// Retry gives FRESH where it can be of use: to early DH, and to who comes back (MIKEYv2 §8).
Answerer::Outcome Answerer::Retry(const FirstMessage& cap, const Judged* judged,
                                  MutableBytes out) const {
  if (in_signalling_) return Discard(Error::kReplayed);  // MIKEYv2 §12
  const CsbId csb_id(cap.header.csb_id);
  const Fresh::Tail tail = judged == nullptr ? Fresh::Tail() : judged->Tail(cap);
  const bool is_of_use = !tail.empty() || (cap.offer.Offers(Mode::kEarlyDh) &&
                                           Contains(policy_.modes.view(), Mode::kEarlyDh));
  const auto cookie = cookies_.Make(cap.address, csb_id, cap.now);
  const auto fresh = fresh_.Make(cap.now, tail);
  const Result<size_t> size =
      WriteRetry(csb_id, cap.parts.rand_i->rand, cookie, is_of_use ? fresh : ByteView(),
                 out.first(std::min(out.size(), cap.datagram.size())));
  return {Err(Error::kRateLimited), size.value_or(0), Event::kNone, nullptr};
}

// MIKEYv2 §7: silence when modes were struck, else a hint, to who has proved itself an ERROR.
Answerer::Outcome Answerer::RefuseChoice(const FirstMessage& cap, const Judged& judged, Error error,
                                         crypto::Rng& rng, MutableBytes out) {
  if (error == Error::kReplayed) return Retry(cap, &judged, out);
  if (error == Error::kAuthenticationFailed) return Discard(error);
  if (judged.CanProveErrors()) return Refuse(cap, judged, error, rng, out);
  if (!errors_.Take(cap.address, cap.now)) return Discard(error);
  const Result<size_t> hint = WriteHint(cap.exchange, NumberOf(error), out);
  return {Err(error), hint.value_or(0), Event::kNone, nullptr};
}

Answerer::Outcome Answerer::Answer(FirstMessage& cap, const Judged& judged, crypto::Rng& rng,
                                   MutableBytes out) {
  // Keys of a group are not given out where the answer with them might not be sent.
  const bool has_room = kAmplification * cap.datagram.size() >= kMaxOneDatagram;
  const bool is_grant_kept = cap.exchange.is_join() && GivesInAnswer(cap.exchange);
  if (is_grant_kept && !cap.address_proved && !has_room) return Retry(cap, &judged, out);
  // Nor anything else, a ticket spent, where the exchange has no place.
  if (!cache_.HasPlace(cap.address)) return Discard(Error::kTooManyRequests);
  Entry entry;
  Streams streams;
  const Result<size_t> size = WriteTheAnswer(cap, judged, rng, streams, out);
  // A public value that no secret follows from is no form of one (MIKEYv2 §5).
  if (!size && size.error() == Error::kMalformed) return Discard(size.error());
  if (!size) return Refuse(cap, judged, size.error(), rng, out);
  entry.way = WayOf(cap.offer);
  entry.exchange = cap.exchange;
  if (!cap.exchange.is_join()) entry.streams = std::make_unique<Streams>(streams);
  entry.answer.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(*size));
  const Outcome sent = Sent({}, entry.answer, entry, out);
  if (!sent.status) return Refuse(cap, judged, sent.status.error(), rng, out);
  const bool is_in_ratio = TotalOf(sent.reply, sent.more) <= kAmplification * cap.datagram.size();
  if (!cap.address_proved && !is_in_ratio) return Retry(cap, &judged, out);
  const bool is_early = cap.offer.Offers(Mode::kEarlyDh);
  entry.address = Octets<kMaxAddress>(cap.address);
  entry.address_proved = cap.address_proved;
  const Mode mode = cap.exchange.choice.mode;
  entry.is_for_all = mode == Mode::kEarlyDh || judged.ComesBack(mode);
  entry.is_in_sdp = in_signalling_;
  entry.wants_fresh = is_early && Contains(policy_.modes.view(), Mode::kEarlyDh);
  if (IsSigned(cap.exchange.choice.mode)) entry.certificates = CertificatesOf(cap.parts);
  // MIKEYv2 §10: a feature is not used with a member that did not state it.
  entry.wants_ticket = !cap.exchange.is_join() || (cap.offer.Features() & kTicketFeature) != 0;
  entry.made = cap.now;
  entry.sent = cap.now;
  entry.exchange.ah = HashOf(suite_, entry.answer);
  const bool is_for_all = entry.is_for_all;
  // MIKEYv2 §11: one ticket opens one exchange.
  if (judged.resumed && !tickets_->Spend(*judged.resumed, cap.exchange.th)) {
    return Discard(Error::kReplayed);
  }
  const Entry* kept = cache_.Add(std::move(entry), cap.now);
  KEYMAST_CHECK(kept != nullptr);  // there was a place
  const bool is_remembered =
      !is_for_all || fresh_.Remember(cap.exchange.th, cap.exchange.offerer.view(), cap.now);
  KEYMAST_CHECK(is_remembered);  // there was room, and it was not answered before
  return {{}, sent.reply, Event::kAnswered, kept, sent.more};
}

// MIKEYv2 §1: group keys leave in an answer of modes 1, 2, 5 and 6 to a CAP whose proof, that of
// the chosen mode, was good; streams of a session in every answer.
bool Answerer::GivesInAnswer(const Exchange& exchange) {
  return !exchange.is_join() || (!IsLate(exchange.choice.mode) && exchange.is_proved);
}

// Refuse tells who has proved itself, and can verify it, and nobody else: in one datagram, which is
// in the ratio or behind a cookie (MIKEYv2 §2). Certificates that are too long for it give way to
// their hash.
Answerer::Outcome Answerer::Refuse(const FirstMessage& cap, const Judged& judged, Error error,
                                   crypto::Rng& rng, MutableBytes out) {
  if (!judged.CanProveErrors() || !errors_.IsFree(cap.address, cap.now)) return Discard(error);
  const auto rand_r = DrawRand(rng);
  // MIKEYv2 §13: V where V and SIGN are both possible.
  Signer signer = judged.v_good ? Signer{} : judged.signer;
  const MutableBytes room = out.first(kMaxOneDatagram);
  auto size = WriteError(suite_, cap.exchange, NumberOf(error), rand_r, signer, room);
  if (!size && signer.credential != nullptr) {
    signer.shown = Shown::kHash;
    size = WriteError(suite_, cap.exchange, NumberOf(error), rand_r, signer, room);
  }
  if (!size) return Discard(error);
  const bool is_in_ratio = *size <= kAmplification * cap.datagram.size();
  if (!cap.address_proved && !is_in_ratio) return Retry(cap, &judged, out);
  errors_.Take(cap.address, cap.now);
  return {Err(error), *size, Event::kNone, nullptr};
}

Result<size_t> Answerer::WriteTheAnswer(FirstMessage& cap, const Judged& judged, crypto::Rng& rng,
                                        Streams& streams, MutableBytes out) {
  Exchange& exchange = cap.exchange;
  Octets<crypto::kMaxModulusSize> envelope;
  if (Status ready = Prepare(cap, rng, envelope); !ready) return Err(ready.error());
  if (exchange.answerer.data.empty() && credentials_ != nullptr) {
    exchange.answerer = credentials_->self;  // CAP did not name us
  }
  Contents contents;
  if (GivesInAnswer(exchange)) {
    const Result<Grant> grant = others_.GrantTo(cap.asked(), exchange.choice);
    if (!grant) return Err(grant.error());
    streams = grant->streams;
    if (exchange.is_join()) contents = grant->contents;
  }
  if (!exchange.is_join()) {
    if (!IsComplete(streams, cap.offer)) return Err(Error::kUnsupportedPolicy);
    if (HasTgk(exchange.choice.mode)) {
      exchange.tgk = ExchangeSecret::OfSize(kTgkOctets);
      rng.Fill(exchange.tgk.mutable_view());
      contents.keys.Add({KeyDataType::kTgk, exchange.tgk.view(), {}, {}});
    }
  }
  if (exchange.choice.mode == Mode::kRsa) {
    contents.sender =
        IdrPayload{IdRole::kResponder, exchange.answerer.type, exchange.answerer.data.view()};
  }
  const bool is_signed = IsSigned(exchange.choice.mode);
  // MIKEYv2 §12: SDP tells it to the Offerer before CAP is sent.
  const uint8_t fragments = exchange.session.empty() ? uint8_t{0} : policy_.fragments;
  const Signer signer = is_signed ? judged.signer : Signer{};
  const Given given{streams, contents, envelope.view(), signer, fragments};
  return WriteAnswer(suite_, exchange, given, out.first(RoomOf(policy_)));
}

// Prepare draws what an answer needs anew: RANDr, our public value, the envelope's key.
Status Answerer::Prepare(FirstMessage& cap, crypto::Rng& rng,
                         Octets<crypto::kMaxModulusSize>& envelope) const {
  Exchange& exchange = cap.exchange;
  const Mode mode = exchange.choice.mode;
  exchange.rand_r = Octets<kMaxRand>(DrawRand(rng));
  if (mode == Mode::kPsk) exchange.secret = ExchangeSecret(exchange.psk_v2.view());
  if (mode == Mode::kRsa) {
    exchange.secret = ExchangeSecret::OfSize(crypto::kOaepKey);
    rng.Fill(exchange.secret.mutable_view());
    std::array<uint8_t, crypto::kMaxModulusSize> wrapped;
    const Result<size_t> size =
        suite_.pk->wrap_oaep(*exchange.peer_key, exchange.secret.view(), rng, wrapped);
    if (!size) return Err(size.error());
    envelope = Octets<crypto::kMaxModulusSize>(ByteView(wrapped).first(*size));
  }
  if (!HasDh(mode)) return {};
  exchange.dh = TakeDh(*suite_.pk, pool_, *CryptoGroup(exchange.choice.group), rng);
  if (IsEarly(mode) && !MixSecret(suite_, cap.parts.dh->value, exchange)) {
    return Err(Error::kMalformed);
  }
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
  return TakeFirstFinish(finish, *entry, rng, out);
}

Answerer::Outcome Answerer::TakeFirstFinish(const Finish& finish, Entry& entry, crypto::Rng& rng,
                                            MutableBytes out) {
  const bool is_there = finish.IsFrom(entry);
  const bool is_late = IsLate(entry.exchange.choice.mode);
  FailedFinishes& failed = is_there ? entry.there : entry.elsewhere;
  const int at_once = is_there ? Entry::kFailedThere : Entry::kFailedElsewhere;
  if (is_late && !failed.Allows(at_once, finish.now)) return Discard(Error::kRateLimited);
  // MIKEYv2 §2: the keys of a group go to where the answer went alone.
  const bool brings_keys = !GivesInAnswer(entry.exchange);
  if (brings_keys && !finish.Proves(entry)) return Discard(Error::kWrongSource);
  const Result<Exchange> finished = CheckFinish(finish, entry);
  if (!finished) {
    const bool is_forged = finished.error() == Error::kAuthenticationFailed;
    if (is_forged) failed.Count(finish.now);
    return {Err(finished.error()), 0, Event::kNone, is_forged ? &entry : nullptr};
  }
  const Result<size_t> size = AnswerFinish(entry, *finished, finish, rng, out);
  if (!size) {
    failed.Count(finish.now);  // a copy is judged anew
    return RefuseFinish(entry, *finished, size.error(), finish, rng, out);
  }
  entry.exchange = *finished;
  entry.keys.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(*size));
  Outcome sent = Sent({{}, 0, Event::kVerified, &entry}, entry.keys, entry, out);
  if (!sent.status) return sent;
  cache_.Verify(entry);
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
  const Outcome sent = Sent({{}, 0, Event::kNone, &entry}, entry.keys, entry, out);
  if (!is_there && TotalOf(sent.reply, sent.more) > kAmplification * finish.datagram.size()) {
    return Discard(Error::kWrongSource);
  }
  entry.sent = finish.now;
  return sent;
}

// CheckFinish completes the exchange's secret only when the proof under it is good.
Result<Exchange> Answerer::CheckFinish(const Finish& finish, const Entry& entry) const {
  const Exchange& exchange = entry.exchange;
  const Streams* streams = entry.streams.get();
  const Mode mode = exchange.choice.mode;
  if (finish.message.header.data_type != FinishType(mode)) return Err(Error::kUnknownDataType);
  const Result<Parts> parts = ReadParts(finish.message, FinishForm(mode));
  if (!parts) return Err(parts.error());
  if (finish.message.header.prf != exchange.choice.prf) return Err(Error::kUnsupportedAlgorithm);
  Exchange finished = exchange;
  if (Status proved = ProveFinish(finish, *parts, finished); !proved) return Err(proved.error());
  const Status checked = CheckPolicies(parts->policies, finished, streams);
  if (!checked) return Err(checked.error());
  return finished;
}

// ProveFinish of mode DH by the key of CAP's certificate, of all others by X.
Status Answerer::ProveFinish(const Finish& finish, const Parts& parts, Exchange& finished) const {
  const Mode mode = finished.choice.mode;
  const bool is_group = parts.dh == nullptr || parts.dh->group == finished.choice.group;
  if (!is_group) return Err(Error::kMalformed);
  if (mode == Mode::kDh) {
    const ByteView head = HeadUpTo(finish.datagram, parts.sign->signature);
    const Status proved =
        CheckSign(suite_, OfFinish(suite_, finished), *finished.peer_key, head, *parts.sign);
    if (!proved) return proved;
  }
  if (IsLate(mode) && !MixSecret(suite_, parts.dh->value, finished)) return Err(Error::kMalformed);
  if (mode == Mode::kDh) return {};
  const KemacPayload* kemac = parts.kemac;
  if (kemac != nullptr && kemac->encr_alg != finished.choice.encr) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  const MacAlg alg = kemac != nullptr ? kemac->mac_alg : parts.v->auth_alg;
  const ByteView mac = kemac != nullptr ? kemac->mac : parts.v->ver_data;
  const ByteView head = HeadUpTo(finish.datagram, mac);
  return CheckMac(suite_, OfFinish(suite_, finished), head, alg, mac);
}

// AnswerFinish writes KEYS: an acknowledgement, or what a member may have only now. It is what
// GrantTo refuses, and kTooLong.
Result<size_t> Answerer::AnswerFinish(const Entry& entry, const Exchange& exchange,
                                      const Finish& finish, crypto::Rng& rng, MutableBytes out) {
  const Instant now = finish.now;
  const bool proves = finish.Proves(entry);
  const auto rand_r = DrawRand(rng);
  const auto next = fresh_.Make(now);
  const ByteView fresh = entry.wants_fresh ? next : ByteView();
  // Whoever takes no FRAGMENTs gets one datagram; an address that is not proved 3 times its own.
  const size_t taken = entry.way.fragments == 0 ? entry.way.datagram : kMaxWhole;
  const size_t most =
      proves ? taken : std::min(kMaxOneDatagram, kAmplification * finish.datagram.size());
  const MutableBytes room = out.first(std::min(RoomOf(policy_), most));
  Streams streams;
  Contents contents;
  if (!GivesInAnswer(exchange)) {
    const Result<Grant> grant = others_.GrantTo(AskedBy(exchange), exchange.choice);
    if (!grant) return Err(grant.error());
    streams = grant->streams;
    contents = grant->contents;
  }
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

void Answerer::EndOffer(ByteView session, Instant now) {
  cache_.ForEach([&](Entry& entry) {
    const bool is_of_it = entry.is_in_sdp && Equal(entry.exchange.session.view(), session);
    if (is_of_it && entry.ended == kNever) entry.ended = now;
  });
}

Instant Answerer::deadline() const { return cache_.size() == 0 ? kNever : swept_ + kSweepEach; }

void Answerer::Tick(Instant now) {
  if (now < deadline()) return;
  cache_.SweepAll(now);
  swept_ = now;
}

UnicastSession Answerer::SessionOf(const Entry& entry) const {
  KEYMAST_CHECK(entry.verified && !entry.exchange.is_join());
  return v2::SessionOf(suite_, entry.exchange, *entry.streams);
}

}  // namespace keymast::mikey::v2
