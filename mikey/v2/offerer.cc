// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/offerer.h"

#include "mikey/v2/closing.h"
#include "mikey/v2/messages.h"

namespace keymast::mikey::v2 {
namespace {

// Waits behind each sending (MIKEYv2 §2).
constexpr std::array<std::chrono::milliseconds, 4> kWaits = {
    std::chrono::milliseconds(500), std::chrono::milliseconds(1000),
    std::chrono::milliseconds(2000), std::chrono::milliseconds(4000)};

Offerer::Outcome Discard(Error error) { return {Err(error), 0}; }

Octets<8> ProfilesOf(const Policy& policy) {
  std::array<uint8_t, 8> octets{};
  Writer writer(octets);
  for (const uint16_t profile : policy.profiles) writer.U16(profile);
  return Octets<8>(writer.written());
}

bool NeedsPsk(Mode mode) { return IsPskType(mode); }
bool NeedsCertificate(Mode mode) { return IsSigned(mode); }
bool NeedsDh(Mode mode) { return HasDh(mode); }
bool NeedsEarlyDh(Mode mode) { return IsEarly(mode); }
// Modes whose CAP is signed: early DH always, RSA where a group's keys are then in the answer, of a
// session they are there anyway (MIKEYv2 §1).
bool NeedsSign(Mode mode) { return mode == Mode::kEarlyDh; }
bool GainsBySign(Mode mode) { return mode == Mode::kRsa || mode == Mode::kEarlyDh; }

[[maybe_unused]] std::optional<crypto::Fingerprint> CertificateOf(const Standing& standing) {
  if (!standing.by_certificate) return std::nullopt;
  return standing.of;
}
[[maybe_unused]] std::optional<crypto::Fingerprint> CertificateOf(const NoStanding&) {
  return std::nullopt;
}

}  // namespace

// MIKEYv2 §12: never a group, whose controller is proved before it is told anything.
bool Offerer::MayBeProvisional(const Wish& wish) {
  return !wish.join && !wish.session.empty() && wish.psk.empty() && wish.fingerprint.empty() &&
         wish.resume == nullptr;
}

Status Offerer::CheckWish(const Wish& wish) const {
  const bool is_busy = state_ == State::kOffered || state_ == State::kAnswered;
  if (is_busy) return Err(Error::kFailedPrecondition);
  const bool is_named = !wish.self.empty() && (!wish.peer.empty() || !wish.fingerprint.empty());
  if (!is_named || wish.self == wish.peer) return Err(Error::kInvalidArgument);
  if (!wish.psk.empty() && wish.psk.size() < kMinSharedKey) return Err(Error::kInvalidArgument);
  if (wish.resume != nullptr && wish.peer.empty()) return Err(Error::kInvalidArgument);
  const bool is_join = wish.join.has_value();
  if (is_join != wish.streams.empty()) return Err(Error::kInvalidArgument);
  if (2 * wish.streams.size() > kMaxSessions) return Err(Error::kInvalidArgument);
  if (!kSmall && wish.takes_provisional && !MayBeProvisional(wish)) {
    return Err(Error::kInvalidArgument);
  }
  const bool is_session = wish.session.empty() || (wish.session.size() >= kMinSessionId &&
                                                   wish.session.size() <= kMaxSessionId);
  const bool is_sized =
      (wish.fingerprint.empty() || wish.fingerprint.size() == crypto::Fingerprint{}.size()) &&
      (wish.fresh.empty() || wish.fresh.size() == kFreshSize);
  const bool fits = Octets<kMaxSdpIds>::Fits(wish.sdp_ids);
  if (!is_session || !fits || !is_sized || ModesOf(wish).empty())
    return Err(Error::kInvalidArgument);
  return {};
}

// ModesOf the policy that can be offered for a wish.
FixedList<uint8_t, 6> Offerer::ModesOf(const Wish& wish) const {
  const auto group =
      policy_.groups.empty() ? std::nullopt : CryptoGroup(static_cast<DhGroup>(policy_.groups[0]));
  const Credential* credential = SignerOf(wish).credential;
  FixedList<uint8_t, 6> modes;
  for (const uint8_t number : policy_.modes) {
    const auto mode = static_cast<Mode>(number);
    // MIKEYv2 §12: with a fingerprint only modes by certificate. The identities are in the key.
    bool can_do =
        IsPskType(mode) && !wish.psk.empty() && !wish.peer.empty() && wish.fingerprint.empty();
    if (!kPskOnly && wish.resume != nullptr) {
      const bool counts = wish.fingerprint.empty() || IsBy(wish.resume->standing, wish.fingerprint);
      can_do = counts && IsPskType(mode) && MayResume(*wish.resume, mode);
    } else if (kHasCertificates && IsSigned(mode)) {
      can_do = credential != nullptr && !policy_.signatures.empty() &&
               (mode != Mode::kRsa || credential->key.kind() == crypto::KeyKind::kRsa);
    }
    if (HasDh(mode)) can_do = can_do && suite_.pk != nullptr && group.has_value();
    if (can_do) modes.Add(number);
  }
  return modes;
}

// SignerOf an exchange: who can do the first of the policy's modes by certificate.
Signer Offerer::SignerOf(const Wish& wish) const {
  if (!kHasCertificates || credentials_ == nullptr || suite_.pk == nullptr) return {};
  for (const uint8_t number : policy_.modes) {
    const auto mode = static_cast<Mode>(number);
    if (!IsSigned(mode)) continue;
    const Credential* first = credentials_->FirstFor(mode);
    if (first != nullptr) return {first, wish.shown};
  }
  return {};
}

bool Offerer::OffersAny(bool (*is_of)(Mode)) const {
  return std::ranges::any_of(modes_, [is_of](uint8_t n) { return is_of(static_cast<Mode>(n)); });
}

void Offerer::TakeWish(const Wish& wish, crypto::Rng& rng) {
  Forget();
  exchange_.csb_id = ChooseCsbId(rng, [](CsbId) { return false; });
  std::array<uint8_t, kRandOctets> rand{};
  rng.Fill(rand);
  exchange_.rand_i = Octets<kMaxRand>(rand);
  exchange_.offerer = OwnedIdentity(wish.self);
  exchange_.answerer = OwnedIdentity(wish.peer);
  exchange_.join = wish.join;
  exchange_.session = Octets<kMaxSessionId>(wish.session);
  exchange_.sdp_ids = Octets<kMaxSdpIds>(wish.sdp_ids);
  modes_ = ModesOf(wish);
  if (!kPskOnly && wish.resume != nullptr) {
    exchange_.psk_v2 = ResumedPsk(suite_, wish.resume->secret.view(), wish.self, wish.peer);
    exchange_.was_dh = wish.resume->is_dh;
    exchange_.standing = wish.resume->standing;
    // MIKEYv2 §11: a session shows the id where both peers keep the secret, never the ticket.
    const bool by_id = !wish.join && !wish.resume->is_sealed;
    if (by_id) ticket_id_ = Octets<kTicketIdSize>(wish.resume->id);
    if (!by_id) ticket_ = wish.resume->ticket;
  } else if (OffersAny(NeedsPsk)) {
    exchange_.psk_v2 = PskV2(suite_, wish.psk, wish.self, wish.peer);
  }
  if (OffersAny(NeedsCertificate)) signer_ = SignerOf(wish);
  // MIKEYv2 §3.3: CAP has a value of the first group in the list exactly with an early mode.
  if (OffersAny(NeedsEarlyDh)) {
    const auto group = CryptoGroup(static_cast<DhGroup>(policy_.groups[0]));
    exchange_.dh = TakeDh(*suite_.pk, pool_, *group, rng);
  }
  profiles_ = ProfilesOf(policy_);
  Writer(features_).U32(policy_.features);
  std::array<uint8_t, kMaxSessions * kStreamOctets> streams{};
  Writer writer(streams);
  for (const StreamOffer& stream : wish.streams) {
    writer.U8((stream.from_offerer ? 1u : 0u) | (stream.from_answerer ? 2u : 0u));
    writer.U32(stream.from_offerer ? stream.ssrc : 0);
  }
  offered_streams_ = Octets<kMaxSessions * kStreamOctets>(writer.written());
  first_fresh_ = OwnersFresh(wish.fresh);
  fresh_ = Octets<kFreshSize>(wish.fresh);
  in_fragments_ = wish.takes_fragments && policy_.fragments != 0;
  takes_provisional_ = !kSmall && wish.takes_provisional;
  if (wish.fingerprint.empty()) return;
  std::copy(wish.fingerprint.begin(), wish.fingerprint.end(), fingerprint_.emplace().begin());
}

void Offerer::Forget() {
  exchange_ = {};
  signer_ = {};
  fingerprint_.reset();
  cookie_ = {};
  retried_ = 0;
  hashes_.clear();
  fragments_ = {};
  long_cap_.clear();
  more_.clear();
  streams_ = {};
  contents_ = {};
  plain_.Room();
  plain_.Keep(0);
  has_keys_ = false;
  next_fresh_ = {};
  resumption_.reset();
  ticket_.clear();
  ticket_id_ = {};
  peer_error_.reset();
  has_proven_error_ = false;
}

Capabilities Offerer::Offer() const {
  Capabilities offer;
  offer.modes = modes_.view();
  offer.prf = policy_.prfs.view();
  offer.encr = policy_.encrs.view();
  offer.mac = policy_.macs.view();
  if (OffersAny(NeedsDh)) offer.groups = policy_.groups.view();
  if (OffersAny(NeedsCertificate)) offer.signatures = policy_.signatures.view();
  offer.profiles = profiles_.view();
  if (exchange_.is_join() && policy_.features != 0) offer.features = features_;
  offer.session = exchange_.session.view();
  // MIKEYv2 §3.6: a CAP in FRAGMENTs has its cookie there.
  if (!in_fragments_) offer.cookie = cookie_.view();
  offer.fresh = fresh_.view();
  offer.ticket = ticket_;
  offer.ticket_id = ticket_id_.view();
  if (policy_.fragments != 0) offer.fragments = {&policy_.fragments, 1};
  offer.streams = offered_streams_.view();
  return offer;
}

// AwaitedNow borrows the offer.
Awaited Offerer::AwaitedNow(const Capabilities& offer, crypto::Rng& rng) const {
  const Trust* trust = signer_.credential == nullptr ? nullptr : &credentials_->trust;
  return {suite_, offer, hashes_.view(), trust, signer_, fingerprint_, takes_provisional_,
          pool_,  rng};
}

Result<size_t> Offerer::Open(const Wish& wish, Instant now, crypto::Rng& rng, MutableBytes out) {
  if (Status checked = CheckWish(wish); !checked) return Err(checked.error());
  state_ = State::kIdle;
  deadline_ = kNever;
  TakeWish(wish, rng);
  const Result<size_t> size = SendCap(out);
  if (!size) return size;
  state_ = State::kOffered;
  opened_ = now;
  sendings_ = 0;
  Arm(now, rng);
  return size;
}

// SendCap writes CAP and remembers it with its hash. The first one decides whether all go in
// FRAGMENTs (MIKEYv2 §2).
Result<size_t> Offerer::SendCap(MutableBytes out) {
  const bool resumes = !ticket_.empty() || !ticket_id_.empty();
  const bool has_v = OffersAny(NeedsPsk) && (policy_.uses_v || resumes);
  // MIKEYv2 §6 rule 4: a certificate that is not shown counts behind SIGN alone.
  const bool is_shown = !OffersAny(NeedsCertificate) || signer_.shown == Shown::kCertificates;
  const bool has_sign = !is_shown || OffersAny(exchange_.is_join() ? GainsBySign : NeedsSign);
  const CapProofs proofs{has_v, signer_, has_sign};
  const bool is_first = hashes_.empty();
  const Capabilities offer = Offer();
  const Result<size_t> size = WriteCap(suite_, exchange_, offer, proofs,
                                       out.first(in_fragments_ ? kMaxWhole : kMaxOneDatagram));
  if (!size) return size;
  const ByteView cap = out.first(*size);
  if (is_first) in_fragments_ = in_fragments_ && cap.size() > kMaxFirstCap;
  if (is_first && !in_fragments_ && cap.size() > kMaxFirstCap) return Err(Error::kTooLong);
  hashes_.Add(HashOf(suite_, cap));
  if (!kSmall && in_fragments_) {
    long_cap_.assign(cap.begin(), cap.end());
  } else {
    sent_.Assign(cap);
  }
  return SendAgain(out);
}

// SendAgain sends CAP or finish as it was.
Result<size_t> Offerer::SendAgain(MutableBytes out) {
  const bool is_answered = state_ == State::kAnswered || state_ == State::kDone;
  if constexpr (kSmall) {
    std::copy(sent_.view().begin(), sent_.view().end(), out.begin());
    return sent_.size();
  }
  Fragmenting how{exchange_.csb_id, {}, cookie_.view()};
  if (is_answered || !in_fragments_) return Send(suite_, sent_.view(), how, out, more_);
  how.way.fragments = kMaxFragments;
  return Send(suite_, long_cap_, how, out, more_);
}

void Offerer::Expect(const crypto::Fingerprint& fingerprint) {
  KEYMAST_CHECK(state_ == State::kOffered);
  fingerprint_ = fingerprint;
  takes_provisional_ = false;
}

std::optional<crypto::Fingerprint> Offerer::proved_by() const {
  if (state_ == State::kIdle || state_ == State::kOffered) return std::nullopt;
  return CertificateOf(exchange_.standing);
}

Offerer::Outcome Offerer::Receive(ByteView datagram, Instant now, crypto::Rng& rng,
                                  MutableBytes out) {
  more_.clear();
  return TakeMessage(datagram, now, false, rng, out);
}

Offerer::Outcome Offerer::TakeMessage(ByteView datagram, Instant now, bool is_whole,
                                      crypto::Rng& rng, MutableBytes out) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Discard(parsed.error());
  const Header& header = message.header;
  if (header.version != kVersion2) return Discard(Error::kUnknownVersion);
  if (header.csb_id != exchange_.csb_id.value) return Discard(Error::kWrongCsb);
  const Received received{datagram, message, now};
  if (IsAnswer(header.data_type)) return TakeAnswer(received, rng, out);
  if (header.data_type == DataType::kKeys) return {TakeKeys(received), 0};
  if (is_whole) return Discard(Error::kUnknownDataType);  // MIKEYv2 §3.6: nothing else is cut
  switch (header.data_type) {
    case DataType::kRetry:
      return TakeRetry(received, rng, out);
    case DataType::kError:
      return {TakeError(received, rng), 0};
    case DataType::kFragment:
      return TakeFragment(message, now, rng, out);
    default:
      return Discard(Error::kUnknownDataType);
  }
}

Offerer::Outcome Offerer::TakeFragment(const Message& message, Instant now, crypto::Rng& rng,
                                       MutableBytes out) {
  if (kSmall || policy_.fragments == 0) return Discard(Error::kUnknownDataType);
  const Result<Parts> parts = ReadParts(message, Form::kFragment);
  if (!parts) return Discard(parts.error());
  if (parts->cap != nullptr)
    return Discard(Error::kPayloadUnexpected);  // an Offerer has no cookies
  const Result<ByteView> whole = fragments_.Take(suite_, exchange_.csb_id, *parts->fragment, now);
  if (!whole) return Discard(whole.error());
  if (whole->empty()) return {};
  Outcome outcome = TakeMessage(*whole, now, true, rng, out);
  outcome.whole = *whole;
  return outcome;
}

// IsToUs is true for a RETRY that names our exchange, or the CAP that went in FRAGMENTs last.
bool Offerer::IsToUs(const Parts& retry) const {
  if (retry.rand_i != nullptr) return Equal(retry.rand_i->rand, exchange_.rand_i.view());
  const FragmentPayload& fragment = *retry.fragment;
  const Digest& last = hashes_[hashes_.size() - 1];
  return in_fragments_ && fragment.index == 0 && fragment.data.empty() &&
         Equal(fragment.hash, ByteView(last).first(FragmentPayload::kHashSize));
}

// MIKEYv2 §2: each with another cookie or FRESH; nothing else changes. Anybody in the way can forge
// them, so that beyond three a wait has one more, and the waits do not begin anew. What a forged
// one gave goes with the next.
Offerer::Outcome Offerer::TakeRetry(const Received& received, crypto::Rng& rng, MutableBytes out) {
  if (state_ != State::kOffered) return Discard(Error::kUnexpected);
  const Result<Parts> parts = ReadParts(received.message, Form::kRetry);
  if (!parts) return Discard(parts.error());
  if (!IsToUs(*parts)) return Discard(Error::kUnexpected);
  const Result<Capabilities> told = ReadCapabilities(*parts->cap);
  if (!told) return Discard(told.error());
  if (told->cookie.empty()) return Discard(Error::kMalformed);
  const ByteView fresh = told->fresh.empty() ? first_fresh_.view() : told->fresh;
  const bool has_new_fresh = !Equal(fresh, fresh_.view());
  const bool is_new =
      !Equal(told->cookie, cookie_.view()) || (!told->fresh.empty() && has_new_fresh);
  const bool is_beyond = hashes_.size() > kRetriesAtOnce;  // the first CAP's is there as well
  const bool is_one_more = is_beyond && retried_ == sendings_;
  if (!is_new || is_one_more || hashes_.full()) return Discard(Error::kUnexpected);
  cookie_ = Octets<kMaxCookie>(told->cookie);
  fresh_ = Octets<kFreshSize>(fresh);
  const bool is_same = in_fragments_ && !has_new_fresh;  // its cookie is beside it
  if (is_same) hashes_.Add(hashes_[hashes_.size() - 1]);
  const Result<size_t> size = is_same ? SendAgain(out) : SendCap(out);
  if (!size) return Discard(size.error());
  if (is_beyond) {
    retried_ = sendings_;
    return {{}, *size};
  }
  sendings_ = 0;
  Arm(received.now, rng);
  return {{}, *size};
}

Offerer::Outcome Offerer::TakeAnswer(const Received& received, crypto::Rng& rng, MutableBytes out) {
  const bool is_repeated = (state_ == State::kAnswered || state_ == State::kDone) &&
                           HashOf(suite_, received.datagram) == exchange_.ah;
  if (is_repeated) return {{}, SendAgain(out).value_or(0)};
  if (state_ != State::kOffered) return Discard(Error::kUnexpected);
  if (Status read = ReadAnswer(received, rng); !read) return Discard(read.error());
  exchange_.ah = HashOf(suite_, received.datagram);
  const Result<size_t> size = WriteFinish(suite_, exchange_, signer_, out);
  KEYMAST_CHECK(size.has_value());  // a finish is one datagram
  sent_.Assign(out.first(*size));
  has_keys_ = !contents_.msks.empty();
  state_ = State::kAnswered;
  sendings_ = 0;
  Arm(received.now, rng);
  return {{}, *size};
}

// ReadAnswer changes the exchange only when the answer is good.
Status Offerer::ReadAnswer(const Received& received, crypto::Rng& rng) {
  const Result<Form> form = FormOf(received.message);
  if (!form) return Err(form.error());
  const Result<Parts> parts = ReadParts(received.message, *form);
  if (!parts) return Err(parts.error());
  if (!Equal(parts->rand_i->rand, exchange_.rand_i.view())) return Err(Error::kUnexpected);
  const Capabilities offer = Offer();
  const Awaited awaited = AwaitedNow(offer, rng);
  Exchange answered = exchange_;
  if (Status checked = CheckChoice(awaited, received, *parts, answered); !checked) return checked;
  // MIKEYv2 §12: also where the fingerprint was told behind CAP.
  const bool is_others =
      fingerprint_ && IsPskType(answered.choice.mode) && !IsBy(exchange_.standing, *fingerprint_);
  if (!kSmall && is_others) return Err(Error::kCertificateUntrusted);
  if (Status proved = ProveAnswer(awaited, received, *parts, answered); !proved) return proved;
  const Status opened = OpenKemac(received, *parts, OfAnswer(answered), &answered);
  if (!opened) return opened;
  exchange_ = answered;
  return {};
}

// OpenKemac takes what a KEMAC and the map and policies beside it bring; `answered` is the exchange
// of an answer, null of KEYS. Only mode DH has an answer without KEMAC.
Status Offerer::OpenKemac(const Received& received, const Parts& parts,
                          const Protection& protection, Exchange* answered) {
  const ByteView encr_data = parts.kemac == nullptr ? ByteView() : parts.kemac->encr_data;
  if (parts.kemac != nullptr && parts.kemac->encr_alg != protection.encr) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  if (encr_data.size() > kMaxEncrypted) return Err(Error::kTooLong);
  crypto::SecretScratch<kMaxEncrypted> scratch;
  const Result<size_t> size = Decrypt(suite_, protection, encr_data, scratch.Room());
  if (!size) return Err(Error::kDecryptionFailed);
  if (*size > kMaxPlain) return Err(Error::kTooLong);
  const ByteView plain = scratch.Keep(*size);
  const bool has_sender = answered != nullptr && answered->choice.mode == Mode::kRsa;
  const Result<bool> is_kept = TakeBrought(received, plain, answered);
  if (!is_kept) return Err(is_kept.error());
  if (!*is_kept) return {};
  // What is kept is replaced only now: the contents are views of it.
  std::copy(plain.begin(), plain.end(), plain_.Room().begin());
  return ReadContents(plain_.Keep(plain.size()), has_sender, contents_);
}

// TakeBrought looks at all that a message brings before it takes any of it. False: what the answer
// brought stays.
Result<bool> Offerer::TakeBrought(const Received& received, ByteView plain, Exchange* answered) {
  const bool is_answer = answered != nullptr;
  const Exchange& exchange = is_answer ? *answered : exchange_;
  const bool has_sender = is_answer && exchange.choice.mode == Mode::kRsa;
  Contents contents;
  if (!ReadContents(plain, has_sender, contents)) return Err(Error::kDecryptionFailed);
  Streams streams;
  if (Status taken = TakeStreams(received.message, streams); !taken) return Err(taken.error());
  const Brought brought{received.message, streams, contents};
  if (Status sound = CheckBrought(brought, exchange, is_answer); !sound) return Err(sound.error());
  const bool brings_tgk = is_answer && !exchange.is_join() && HasTgk(exchange.choice.mode);
  if (brings_tgk) answered->tgk = ExchangeSecret(contents.keys[0].key);
  if (!is_answer) TakeTicket(contents, received.now);
  if (!is_answer && contents.msks.empty()) return false;
  if (!streams.sessions.empty()) streams_ = streams;
  return true;
}

// TakeTicket of KEYS, which CheckBrought has looked at.
void Offerer::TakeTicket(const Contents& contents, Instant now) {
  if constexpr (kPskOnly) return;
  const auto ticket = std::ranges::find(contents.keys, KeyDataType::kTicket, &KeyDataPayload::type);
  if (ticket == contents.keys.end() || ticket->key.size() > kMaxKeptTicket) return;
  const Duration life = std::chrono::seconds(Reader(ticket->kv.spi).U32());
  resumption_ = ResumptionOf(suite_, exchange_, now + std::min(life, kTicketLife));
  resumption_->ticket.assign(ticket->key.begin(), ticket->key.end());
  resumption_->id = TicketIdOf(suite_, ticket->key);
}

Status Offerer::CheckBrought(const Brought& brought, const Exchange& exchange,
                             bool is_answer) const {
  if (const auto& sender = brought.contents.sender) {
    // MIKEYv2 §6: who sends RSA's keys says so inside.
    const bool is_peer = Identity{sender->id_type, sender->data} == exchange.answerer.view();
    if (!is_peer) return Err(Error::kUnknownIdentity);
  }
  if (Status sound = CheckPolicies(brought, exchange.choice.profiles); !sound) return sound;
  if (kSmall || exchange.is_join()) {
    // MIKEYv2 §7: it is joined with KEYS at the latest.
    const bool is_late = !is_answer && !has_keys_ && brought.contents.msks.empty();
    if (is_late) return Err(Error::kMalformed);
    return CheckGroupKeys(brought, *exchange.join, is_answer);
  }
  if (!is_answer) return CheckSessionKeys(brought);
  return CheckSessionAnswer(brought, Offer(), exchange.choice.mode);
}

Status Offerer::TakeKeys(const Received& received) {
  if (state_ != State::kAnswered) return Err(Error::kUnexpected);
  const Result<Parts> parts = ReadParts(received.message, Form::kKeys);
  if (!parts) return Err(parts.error());
  const bool is_ours = parts->rand_i != nullptr &&
                       Equal(parts->rand_i->rand, exchange_.rand_i.view()) &&
                       !Equal(parts->rand_r->rand, exchange_.rand_r.view());
  if (!is_ours) return Err(Error::kUnexpected);
  const Protection protection = OfKeys(suite_, exchange_, parts->rand_r->rand);
  if (received.message.header.prf != protection.prf) return Err(Error::kUnsupportedAlgorithm);
  const KemacPayload& kemac = *parts->kemac;
  const ByteView head = HeadUpTo(received.datagram, kemac.mac);
  const Status verified = CheckMac(suite_, protection, head, kemac.mac_alg, kemac.mac);
  if (!verified) return verified;
  Octets<kFreshSize> fresh;
  if (parts->cap != nullptr) {
    const Result<Capabilities> told = ReadCapabilities(*parts->cap);
    if (!told) return Err(told.error());
    fresh = Octets<kFreshSize>(told->fresh);
  }
  if (Status opened = OpenKemac(received, *parts, protection, nullptr); !opened) return opened;
  has_keys_ = has_keys_ || !contents_.msks.empty();
  next_fresh_ = fresh;
  End(received.now);
  return {};
}

Status Offerer::TakeError(const Received& received, crypto::Rng& rng) {
  const Result<Parts> parts = ReadParts(received.message, Form::kError);
  if (!parts) return Err(parts.error());
  const bool is_ours = Equal(parts->rand_i->rand, exchange_.rand_i.view());
  const bool is_awaited = state_ == State::kOffered || state_ == State::kAnswered;
  if (!is_ours || !is_awaited) return Err(Error::kUnexpected);
  if (parts->v == nullptr && parts->sign == nullptr) {
    peer_error_ = parts->err->error_no;  // a hint
    return Err(Error::kAuthenticationFailed);
  }
  const Capabilities offer = Offer();
  const bool is_proved =
      state_ == State::kAnswered
          ? IsErrorToFinish(received, *parts)
          : ProveError(AwaitedNow(offer, rng), received, *parts, exchange_).has_value();
  if (!is_proved) return Err(Error::kAuthenticationFailed);
  peer_error_ = parts->err->error_no;
  has_proven_error_ = true;
  Fail();
  return {};
}

// MIKEYv2 §13: after a finish there is X for a V.
bool Offerer::IsErrorToFinish(const Received& received, const Parts& parts) const {
  if (parts.v == nullptr) return false;
  Protection protection = OfKeys(suite_, exchange_, parts.rand_r->rand);
  protection.type = DataType::kError;
  const ByteView head = HeadUpTo(received.datagram, parts.v->ver_data);
  return received.message.header.prf == protection.prf &&
         CheckMac(suite_, protection, head, parts.v->auth_alg, parts.v->ver_data);
}

Offerer::Outcome Offerer::Tick(Instant now, crypto::Rng& rng, MutableBytes out) {
  more_.clear();
  if (deadline_ == kNever || now < deadline_) return {};
  if (sendings_ < kWaits.size()) {
    const Result<size_t> size = SendAgain(out);
    Arm(now, rng);
    return {{}, size.value_or(0)};
  }
  if (state_ == State::kAnswered && exchange_.is_join() && has_keys_) {
    End(now);
    return {};
  }
  Fail();
  return Discard(Error::kUnavailable);
}

UnicastSession Offerer::session() const {
  KEYMAST_CHECK(state_ == State::kAnswered || state_ == State::kDone);
  KEYMAST_CHECK(!exchange_.is_join());
  return SessionOf(suite_, exchange_, streams_);
}

// Arm counts a sending and waits for its answer: up to a quarter longer than the wait itself.
void Offerer::Arm(Instant now, crypto::Rng& rng) {
  std::array<uint8_t, 2> random{};
  rng.Fill(random);
  const Duration wait = kWaits[sendings_++];
  deadline_ = now + wait + wait * Reader(random).U16() / (4 * 0x10000);
}

// End wipes what no message is made or read with any more: the finish is repeated as it was.
void Offerer::End(Instant now) {
  state_ = State::kDone;
  done_ = now;
  deadline_ = kNever;
  exchange_.psk_v2 = {};
  exchange_.secret = {};
  exchange_.dh = {};
}

void Offerer::Wipe() {
  if (state_ == State::kDone) WipeBrought();
}

void Offerer::WipeBrought() {
  exchange_.tgk = {};
  resumption_.reset();
  contents_ = {};
  plain_.Room();
  plain_.Keep(0);
}

void Offerer::Fail() {
  End(done_);
  state_ = State::kFailed;
  has_keys_ = false;
  WipeBrought();
}

}  // namespace keymast::mikey::v2
