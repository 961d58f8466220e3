// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/answerer_parts.h"

#include "mikey/key_ids.h"
#include "mikey/v2/messages.h"
#include "mikey/v2/signing.h"

namespace keymast::mikey::v2 {
namespace {

constexpr Duration kSweepEach = std::chrono::seconds(1);

// SizeOfFragment is the least that such a datagram had, without what is not looked at.
size_t SizeOfFragment(const Parts& parts) {
  constexpr size_t kHead = 10 + 1 + FragmentPayload::kHashSize + 4;
  const size_t cap = parts.cap == nullptr ? 0 : 4 + parts.cap->tlvs.size();
  return kHead + cap + parts.fragment->data.size();
}

CertificateChain CertificatesOf(const Parts& parts) {
  CertificateChain chain;
  for (const Payload& payload : parts.certificates) {
    const ByteView der = std::get<CertPayload>(payload).data;
    chain.emplace_back(der.begin(), der.end());
  }
  return chain;
}

}  // namespace

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
  return {suite_, policy_, others_, credentials_, tickets_, nobodys_key_.view(), decoys_, fresh_};
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
  // MIKEYv2 §2: who has proved nothing takes nobody's place.
  const bool needs_cookie = under_load_ || cache_.is_crowded() || cache_.HasItsShare(cap.address);
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
  Outcome sent = Sent({{}, 0, Event::kNone, &entry}, entry.answer, entry, out);
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
  // Keys of a group are not given out, and no work with keys is done, where the answer with them
  // might not be sent.
  const bool has_room = kAmplification * cap.datagram.size() >= kMaxOneDatagram;
  const bool is_grant_kept = cap.exchange.is_join() && GivesInAnswer(cap.exchange);
  if (is_grant_kept && !cap.address_proved && !has_room) return Retry(cap, &judged, out);
  // Nor anything else, a ticket spent, where the exchange has no place.
  if (!cache_.HasPlace(cap.address)) return Discard(Error::kTooManyRequests);
  if (cap.exchange.answerer.data.empty() && credentials_ != nullptr) {
    cap.exchange.answerer = credentials_->self;  // CAP did not name us
  }
  Streams streams;
  Contents contents;
  const Result<size_t> size = WriteTheAnswer(cap, judged, streams, contents, rng, out);
  if (!size && size.error() == Error::kWrongSource) return Retry(cap, &judged, out);
  // A public value that no secret follows from is no form of one (MIKEYv2 §5).
  if (!size && size.error() == Error::kMalformed) return Discard(size.error());
  // Beyond a rate the CAP of an address that has not proved itself may be a recorded one, which has
  // no new cookie; who has waits, and asks again.
  if (!size && size.error() == Error::kRateLimited) {
    return cap.address_proved ? Discard(size.error()) : Retry(cap, &judged, out);
  }
  if (!size) return Refuse(cap, judged, size.error(), rng, out);
  auto entry = std::make_unique<Entry>();
  entry->way = WayOf(cap.offer);
  entry->exchange = cap.exchange;
  if (!cap.exchange.is_join()) entry->streams = std::make_unique<Streams>(streams);
  if (!contents.msks.empty()) entry->msk = contents.msks.view().back().msk;
  entry->answer.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(*size));
  const Outcome sent = Sent({}, entry->answer, *entry, out);
  if (!sent.status) return Refuse(cap, judged, sent.status.error(), rng, out);
  const bool is_in_ratio = TotalOf(sent.reply, sent.more) <= kAmplification * cap.datagram.size();
  if (!cap.address_proved && !is_in_ratio) return Retry(cap, &judged, out);
  const bool is_early = cap.offer.Offers(Mode::kEarlyDh);
  entry->address = Octets<kMaxAddress>(cap.address);
  entry->address_proved = cap.address_proved;
  const Mode mode = cap.exchange.choice.mode;
  // MIKEYv2 §8, §11: what is answered once alone is answered so to whoever brings it again.
  const bool is_once = mode == Mode::kEarlyDh || judged.ComesBack(mode);
  entry->is_for_all = is_once || (judged.resumed && !IsLate(mode));
  entry->is_in_sdp = in_signalling_;
  entry->wants_fresh = is_early && Contains(policy_.modes.view(), Mode::kEarlyDh);
  if (IsSigned(cap.exchange.choice.mode)) entry->certificates = CertificatesOf(cap.parts);
  // MIKEYv2 §10: a feature is not used with a member that did not state it.
  entry->wants_ticket = !cap.exchange.is_join() || (cap.offer.Features() & kTicketFeature) != 0;
  entry->made = cap.now;
  entry->sent = cap.now;
  entry->exchange.ah = HashOf(suite_, entry->answer);
  // MIKEYv2 §11: one ticket opens one exchange.
  if (judged.resumed && !tickets_->Spend(*judged.resumed, cap.exchange.th)) {
    return Discard(Error::kReplayed);
  }
  const Entry* kept = cache_.Add(std::move(entry), cap.now);
  KEYMAST_CHECK(kept != nullptr);  // there was a place
  const bool is_remembered =
      !is_once || fresh_.Remember(cap.exchange.th, cap.exchange.offerer.view(), cap.now);
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

// GivenBy an answer, but for the envelope.
Given Answerer::GivenBy(const FirstMessage& cap, const Judged& judged, const Streams& streams,
                        const Contents& contents) const {
  // MIKEYv2 §12: SDP tells it to the Offerer before CAP is sent.
  const uint8_t fragments = cap.exchange.session.empty() ? uint8_t{0} : policy_.fragments;
  const Signer signer = IsSigned(cap.exchange.choice.mode) ? judged.signer : Signer{};
  return {streams, contents, {}, signer, fragments};
}

// CheckRoom of an answer with so much, or with more: kWrongSource where its address must be proved
// first (MIKEYv2 §2), kTooLong for what the Offerer does not take. Mode 1 costs no more to write
// than to measure.
Status Answerer::CheckRoom(const FirstMessage& cap, const Judged& judged, const Streams& streams,
                           const Contents& contents, MutableBytes out) const {
  if (cap.address_proved || cap.exchange.choice.mode == Mode::kPsk) return {};
  const Way way = WayOf(cap.offer);
  const Given given = GivenBy(cap, judged, streams, contents);
  const MutableBytes room = out.first(MostOf(way, RoomOf(policy_)));
  const Result<size_t> size = MeasureAnswer(suite_, cap.exchange, given, room);
  if (!size) return Err(size.error());
  const bool is_in_ratio = *size <= MostOf(way, kAmplification * cap.datagram.size());
  return is_in_ratio ? Status() : Err(Error::kWrongSource);
}

// Give gathers what an answer holds; the TGK of a session is drawn later.
Status Answerer::Give(FirstMessage& cap, Streams& streams, Contents& contents) {
  Exchange& exchange = cap.exchange;
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
      contents.keys.Add({KeyDataType::kTgk, exchange.tgk.view(), {}, {}});
    }
  }
  if (exchange.choice.mode == Mode::kRsa) {
    contents.sender =
        IdrPayload{IdRole::kResponder, exchange.answerer.type, exchange.answerer.data.view()};
  }
  return {};
}

// WriteTheAnswer asks for room before anything is given, and again before there is work with keys.
Result<size_t> Answerer::WriteTheAnswer(FirstMessage& cap, const Judged& judged, Streams& streams,
                                        Contents& contents, crypto::Rng& rng, MutableBytes out) {
  Status ready = CheckRoom(cap, judged, streams, contents, out);
  if (ready) ready = Give(cap, streams, contents);
  if (ready) ready = CheckRoom(cap, judged, streams, contents, out);
  if (!ready) return Err(ready.error());
  Exchange& exchange = cap.exchange;
  Octets<crypto::kMaxModulusSize> envelope;
  if (ready = Prepare(cap, rng, envelope); !ready) return Err(ready.error());
  const bool has_tgk = !exchange.is_join() && HasTgk(exchange.choice.mode);
  if (has_tgk) rng.Fill(exchange.tgk.mutable_view());
  Given given = GivenBy(cap, judged, streams, contents);
  given.envelope = envelope.view();
  const size_t most = MostOf(WayOf(cap.offer), RoomOf(policy_));
  return WriteAnswer(suite_, exchange, given, out.first(most));
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
