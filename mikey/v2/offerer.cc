// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/offerer.h"

#include "crypto/public_key.h"
#include "mikey/v2/messages.h"

namespace keymast::mikey::v2 {
namespace {

// Waits behind each sending (MIKEYv2 §2).
constexpr std::array<std::chrono::milliseconds, 4> kWaits = {
    std::chrono::milliseconds(500), std::chrono::milliseconds(1000),
    std::chrono::milliseconds(2000), std::chrono::milliseconds(4000)};

Offerer::Outcome Discard(Error error) { return {Err(error), 0}; }

bool IsNamed(const IdrPayload& idr, const OwnedIdentity& identity) {
  return idr.id_type == identity.type && Equal(idr.data, identity.data.view());
}

Octets<8> ProfilesOf(const Policy& policy) {
  std::array<uint8_t, 8> octets{};
  Writer writer(octets);
  for (const uint16_t profile : policy.profiles) writer.U16(profile);
  return Octets<8>(writer.written());
}

// One value of a TLV that the answer must have, taken from the list that was offered.
template <class E>
bool TakeChoice(ByteView chosen, ByteView offered, E& choice) {
  if (chosen.size() != 1) return false;
  choice = static_cast<E>(chosen[0]);
  return Contains(offered, choice);
}

}  // namespace

struct Offerer::Received {
  ByteView datagram;
  const Message& message;
};

Status Offerer::CheckWish(const Wish& wish) const {
  const bool is_busy = state_ == State::kOffered || state_ == State::kAnswered;
  if (is_busy) return Err(Error::kFailedPrecondition);
  const bool is_named = !wish.self.empty() && !wish.peer.empty();
  if (!is_named || wish.self == wish.peer) return Err(Error::kInvalidArgument);
  if (wish.psk.size() < kMinSharedKey) return Err(Error::kInvalidArgument);
  const bool is_join = wish.join.has_value();
  if (is_join != wish.streams.empty()) return Err(Error::kInvalidArgument);
  if (2 * wish.streams.size() > kMaxSessions) return Err(Error::kInvalidArgument);
  const bool is_session = wish.session.empty() || (wish.session.size() >= kMinSessionId &&
                                                   wish.session.size() <= kMaxSessionId);
  return is_session ? Status() : Err(Error::kInvalidArgument);
}

void Offerer::TakeWish(const Wish& wish, crypto::Rng& rng) {
  exchange_ = {};
  exchange_.csb_id = ChooseCsbId(rng, [](CsbId) { return false; });
  std::array<uint8_t, kRandOctets> rand{};
  rng.Fill(rand);
  exchange_.rand_i = Octets<kMaxRand>(rand);
  exchange_.offerer = OwnedIdentity(wish.self);
  exchange_.answerer = OwnedIdentity(wish.peer);
  exchange_.join = wish.join;
  exchange_.psk_v2 = PskV2(suite_, wish.psk, wish.self, wish.peer);
  // MIKEYv2 §3.3: CAP has a value of the first group in the list exactly with an early mode.
  const auto group =
      policy_.groups.empty() ? std::nullopt : CryptoGroup(static_cast<DhGroup>(policy_.groups[0]));
  const bool can_agree = suite_.pk != nullptr && group.has_value();
  modes_.clear();
  bool is_early = false;
  for (const uint8_t number : policy_.modes) {
    const auto mode = static_cast<Mode>(number);
    const bool can_do = IsPskType(mode) && (!HasDh(mode) || can_agree);
    if (can_do) modes_.Add(number);
    is_early = is_early || (can_do && IsEarly(mode));
  }
  if (is_early) exchange_.dh = crypto::DhKey(*suite_.pk, *group, rng);
  profiles_ = ProfilesOf(policy_);
  std::array<uint8_t, kMaxSessions * kStreamOctets> streams{};
  Writer writer(streams);
  for (const StreamOffer& stream : wish.streams) {
    writer.U8((stream.from_offerer ? 1u : 0u) | (stream.from_answerer ? 2u : 0u));
    writer.U32(stream.from_offerer ? stream.ssrc : 0);
  }
  offered_streams_ = Octets<kMaxSessions * kStreamOctets>(writer.written());
  session_id_ = Octets<kMaxSessionId>(wish.session);
  cookie_ = {};
  fresh_ = {};
  hashes_.clear();
  streams_ = {};
  contents_ = {};
  plain_.Keep(0);
  has_keys_ = false;
  peer_error_.reset();
}

Capabilities Offerer::Offer() const {
  Capabilities offer;
  offer.modes = modes_.view();
  offer.prf = policy_.prfs.view();
  offer.encr = policy_.encrs.view();
  offer.mac = policy_.macs.view();
  const bool has_dh =
      std::ranges::any_of(modes_, [](uint8_t mode) { return HasDh(static_cast<Mode>(mode)); });
  if (has_dh) offer.groups = policy_.groups.view();
  offer.profiles = profiles_.view();
  offer.session = session_id_.view();
  offer.cookie = cookie_.view();
  offer.fresh = fresh_.view();
  offer.streams = offered_streams_.view();
  return offer;
}

Result<size_t> Offerer::Open(const Wish& wish, Instant now, crypto::Rng& rng, MutableBytes out) {
  if (Status checked = CheckWish(wish); !checked) return Err(checked.error());
  TakeWish(wish, rng);
  const Result<size_t> size = SendCap(out);
  if (!size) return size;
  if (*size > kMaxFirstCap) return Err(Error::kTooLong);
  state_ = State::kOffered;
  sendings_ = 0;
  Arm(now, rng);
  return size;
}

// SendCap writes CAP and remembers it with its hash.
Result<size_t> Offerer::SendCap(MutableBytes out) {
  Capabilities offer = Offer();
  std::array<uint8_t, 4> features{};
  Writer(features).U32(policy_.features);
  if (exchange_.is_join() && policy_.features != 0) offer.features = features;
  const Result<size_t> size = WriteCap(suite_, exchange_, offer, out);
  if (!size) return size;
  cap_.Assign(out.first(*size));
  hashes_.Add(HashOf(suite_, cap_.view()));
  return size;
}

Offerer::Outcome Offerer::Receive(ByteView datagram, Instant now, crypto::Rng& rng,
                                  MutableBytes out) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Discard(parsed.error());
  const Header& header = message.header;
  if (header.version != kVersion2) return Discard(Error::kUnknownVersion);
  if (header.csb_id != exchange_.csb_id.value) return Discard(Error::kWrongCsb);
  const Received received{datagram, message};
  if (IsAnswer(header.data_type)) return TakeAnswer(received, now, rng, out);
  switch (header.data_type) {
    case DataType::kRetry:
      return TakeRetry(received, now, rng, out);
    case DataType::kKeys:
      return {TakeKeys(received), 0};
    case DataType::kError:
      return {TakeError(received), 0};
    default:
      return Discard(Error::kUnknownDataType);
  }
}

// MIKEYv2 §2: at most three, each with another cookie or FRESH; nothing else changes.
Offerer::Outcome Offerer::TakeRetry(const Received& received, Instant now, crypto::Rng& rng,
                                    MutableBytes out) {
  if (state_ != State::kOffered) return Discard(Error::kUnexpected);
  const Result<Parts> parts = ReadParts(received.message, Form::kRetry);
  if (!parts) return Discard(parts.error());
  const bool is_ours =
      parts->rand_i != nullptr && Equal(parts->rand_i->rand, exchange_.rand_i.view());
  if (!is_ours) return Discard(Error::kUnexpected);
  const Result<Capabilities> told = ReadCapabilities(*parts->cap);
  if (!told) return Discard(told.error());
  if (told->cookie.empty()) return Discard(Error::kMalformed);
  const bool is_new = !Equal(told->cookie, cookie_.view()) ||
                      (!told->fresh.empty() && !Equal(told->fresh, fresh_.view()));
  if (!is_new || hashes_.full()) return Discard(Error::kUnexpected);
  cookie_ = Octets<kMaxCookie>(told->cookie);
  if (!told->fresh.empty()) fresh_ = Octets<kFreshSize>(told->fresh);
  const Result<size_t> size = SendCap(out);
  if (!size) return Discard(size.error());
  sendings_ = 0;
  Arm(now, rng);
  return {{}, *size};
}

Offerer::Outcome Offerer::TakeAnswer(const Received& received, Instant now, crypto::Rng& rng,
                                     MutableBytes out) {
  const bool is_repeated = (state_ == State::kAnswered || state_ == State::kDone) &&
                           HashOf(suite_, received.datagram) == exchange_.ah;
  if (is_repeated) return {{}, Send(finish_, out)};
  if (state_ != State::kOffered) return Discard(Error::kUnexpected);
  if (Status read = ReadAnswer(received, rng); !read) return Discard(read.error());
  exchange_.ah = HashOf(suite_, received.datagram);
  const Result<size_t> size = WriteFinish(suite_, exchange_, out);
  KEYMAST_CHECK(size.has_value());  // a finish is short
  finish_.Assign(out.first(*size));
  has_keys_ = !contents_.keys.empty();
  state_ = State::kAnswered;
  sendings_ = 0;
  Arm(now, rng);
  return {{}, *size};
}

// FormOf an answer by what it says that was chosen: whether it may be is checked then.
Result<Form> Offerer::FormOf(const Received& received) {
  const auto* cap = received.message.Get<CapPayload>();
  if (cap == nullptr) return Err(Error::kPayloadMissing);
  const Result<Capabilities> chosen = ReadCapabilities(*cap);
  if (!chosen) return Err(chosen.error());
  if (chosen->modes.size() != 1) return Err(Error::kPolicyViolation);
  return AnswerForm(static_cast<Mode>(chosen->modes[0]));
}

// ReadAnswer changes the exchange only when the answer is good.
Status Offerer::ReadAnswer(const Received& received, crypto::Rng& rng) {
  const Result<Form> form = FormOf(received);
  if (!form) return Err(form.error());
  const Result<Parts> parts = ReadParts(received.message, *form);
  if (!parts) return Err(parts.error());
  if (!Equal(parts->rand_i->rand, exchange_.rand_i.view())) return Err(Error::kUnexpected);
  Exchange answered = exchange_;
  if (Status checked = CheckChoice(received, *parts, answered.choice); !checked) return checked;
  if (!IsNamed(*parts->id_r, exchange_.answerer)) return Err(Error::kUnknownIdentity);
  answered.rand_r = Octets<kMaxRand>(parts->rand_r->rand);
  if (Status proved = ProveAnswer(received, *parts, answered); !proved) return proved;
  if (answered.choice.mode == Mode::kDhhmac) {
    // Our value may be that of CAP, which serves this exchange alone.
    const auto group = CryptoGroup(answered.choice.group);
    if (answered.dh.empty() || answered.dh.group() != *group) {
      answered.dh = crypto::DhKey(*suite_.pk, *group, rng);
    }
    if (!MixSecret(suite_, parts->dh->value, answered)) return Err(Error::kMalformed);
  }
  const bool has_data = !parts->kemac->encr_data.empty();
  if (answered.choice.mode == Mode::kDhhmac && has_data) return Err(Error::kMalformed);
  if (Status opened = OpenKemac(received, *parts, OfAnswer(answered)); !opened) return opened;
  if (Status checked = CheckAnswered(answered); !checked) return checked;
  exchange_ = answered;
  return {};
}

// ProveAnswer finds the CAP that was answered by the MAC under its hash (MIKEYv2 §2, RETRY).
Status Offerer::ProveAnswer(const Received& received, const Parts& parts,
                            Exchange& answered) const {
  const KemacPayload& kemac = *parts.kemac;
  const ByteView head = HeadUpTo(received.datagram, kemac.mac);
  if (answered.choice.mode == Mode::kPsk) {
    answered.secret = ExchangeSecret(answered.psk_v2.view());
  }
  Status verified = Err(Error::kAuthenticationFailed);
  for (const Digest& th : hashes_) {
    answered.th = th;
    const bool is_early = IsEarly(answered.choice.mode);
    if (is_early && !MixSecret(suite_, parts.dh->value, answered)) return Err(Error::kMalformed);
    verified = CheckMac(suite_, OfAnswer(answered), head, kemac.mac_alg, kemac.mac);
    if (verified) break;
  }
  return verified;
}

// MIKEYv2 §3.3: one value a TLV, each from the list that was offered, agreeing with the message.
Status Offerer::CheckChoice(const Received& received, const Parts& parts, Choice& choice) const {
  const Result<Capabilities> chosen = ReadCapabilities(*parts.cap);
  if (!chosen) return Err(chosen.error());
  const Capabilities offer = Offer();
  const bool is_offered = TakeChoice(chosen->modes, offer.modes, choice.mode) &&
                          TakeChoice(chosen->prf, offer.prf, choice.prf) &&
                          TakeChoice(chosen->encr, offer.encr, choice.encr) &&
                          TakeChoice(chosen->mac, offer.mac, choice.mac);
  if (!is_offered || chosen->profiles.empty()) return Err(Error::kPolicyViolation);
  Reader profiles(chosen->profiles);
  while (!profiles.empty()) {
    const uint16_t profile = profiles.U16();
    if (!offer.OffersProfile(profile) || choice.profiles.full()) {
      return Err(Error::kPolicyViolation);
    }
    choice.profiles.Add(profile);
  }
  choice.features = chosen->Features();
  if (Status checked = CheckGroup(parts, *chosen, choice); !checked) return checked;
  const Header& header = received.message.header;
  const bool agrees = AnswerType(choice.mode) == header.data_type && choice.prf == header.prf &&
                      choice.encr == parts.kemac->encr_alg && choice.mac == parts.kemac->mac_alg;
  return agrees ? Status() : Err(Error::kPolicyViolation);
}

// The group is one that was offered, and the value is of it; of an early mode it is CAP's.
Status Offerer::CheckGroup(const Parts& parts, const Capabilities& chosen, Choice& choice) const {
  if (HasDh(choice.mode) == chosen.groups.empty()) return Err(Error::kPolicyViolation);
  if (!HasDh(choice.mode)) return {};
  const Capabilities offer = Offer();
  const bool is_offered = TakeChoice(chosen.groups, offer.groups, choice.group) &&
                          parts.dh->group == choice.group && CryptoGroup(choice.group).has_value();
  const bool is_caps = static_cast<DhGroup>(offer.groups[0]) == choice.group;
  if (!is_offered || (IsEarly(choice.mode) && !is_caps)) return Err(Error::kPolicyViolation);
  return {};
}

// OpenKemac takes what a KEMAC and the map and policies beside it bring.
Status Offerer::OpenKemac(const Received& received, const Parts& parts,
                          const Protection& protection) {
  const ByteView encr_data = parts.kemac->encr_data;
  if (parts.kemac->encr_alg != protection.encr) return Err(Error::kUnsupportedAlgorithm);
  if (encr_data.size() > kMaxPlain) return Err(Error::kTooLong);
  crypto::SecretScratch<kMaxPlain> scratch;
  std::copy(encr_data.begin(), encr_data.end(), scratch.Room().begin());
  const MutableBytes plain = scratch.Keep(encr_data.size());
  Crypt(suite_, protection, plain);
  const Result<bool> has_msk = HasMsk(plain);
  if (!has_msk) return Err(has_msk.error());
  if (Status kept = KeepStreams(received, *has_msk); !kept) return kept;
  // What is kept is replaced only now: the contents are views of it.
  std::copy(plain.begin(), plain.end(), plain_.Room().begin());
  return ReadContents(plain_.Keep(plain.size()), false, contents_);
}

// HasMsk is an error for contents that cannot be read.
Result<bool> Offerer::HasMsk(ByteView plain) {
  Contents contents;
  if (!ReadContents(plain, false, contents)) return Err(Error::kDecryptionFailed);
  return !contents.msks.empty();
}

// MIKEYv2 §3.1: of a group, map and policies stand where an MSK does.
Status Offerer::KeepStreams(const Received& received, bool has_msk) {
  const Result<Streams> streams = TakeStreams(received.message);
  if (!streams) return Err(streams.error());
  if (exchange_.is_join() && has_msk == streams->sessions.empty()) return Err(Error::kMalformed);
  if (!streams->sessions.empty()) streams_ = *streams;
  return {};
}

// MIKEYv2 §3.5, §9: a unicast answer has all streams, and one TGK where none follows from X.
Status Offerer::CheckAnswered(Exchange& answered) const {
  if (answered.is_join()) return {};
  if (!IsComplete(streams_, Offer())) return Err(Error::kMalformed);
  if (answered.choice.mode != Mode::kPsk) {
    return contents_.keys.empty() ? Status() : Err(Error::kMalformed);
  }
  const bool has_tgk = contents_.keys.size() == 1 && contents_.keys[0].type == KeyDataType::kTgk &&
                       contents_.keys[0].key.size() == kTgkOctets &&
                       contents_.keys[0].kv.type == KvType::kNull;
  if (!has_tgk) return Err(Error::kMalformed);
  answered.tgk = ExchangeSecret(contents_.keys[0].key);
  return {};
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
  if (!kemac.encr_data.empty()) {
    if (Status opened = OpenKemac(received, *parts, protection); !opened) return opened;
    has_keys_ = true;
  }
  state_ = State::kDone;
  deadline_ = kNever;
  return {};
}

Status Offerer::TakeError(const Received& received) {
  const Result<Parts> parts = ReadParts(received.message, Form::kError);
  if (!parts) return Err(parts.error());
  const bool is_ours = Equal(parts->rand_i->rand, exchange_.rand_i.view());
  const bool is_awaited = state_ == State::kOffered || state_ == State::kAnswered;
  if (!is_ours || !is_awaited) return Err(Error::kUnexpected);
  if (parts->v == nullptr) {
    peer_error_ = parts->err->error_no;  // a hint
    return Err(Error::kAuthenticationFailed);
  }
  const ByteView head = HeadUpTo(received.datagram, parts->v->ver_data);
  const auto is_proved = [&](const Protection& protection) {
    return received.message.header.prf == protection.prf &&
           CheckMac(suite_, protection, head, parts->v->auth_alg, parts->v->ver_data);
  };
  bool proved = false;
  if (state_ == State::kAnswered) {
    Protection protection = OfKeys(suite_, exchange_, parts->rand_r->rand);
    protection.type = DataType::kError;
    proved = is_proved(protection);
  } else {
    Exchange refused = exchange_;
    for (const Digest& th : hashes_) {
      refused.th = th;
      proved = proved || is_proved(OfErrorInsteadOfAnswer(refused, parts->rand_r->rand));
    }
  }
  if (!proved) return Err(Error::kAuthenticationFailed);
  peer_error_ = parts->err->error_no;
  Fail();
  return {};
}

Offerer::Outcome Offerer::Tick(Instant now, crypto::Rng& rng, MutableBytes out) {
  if (deadline_ == kNever || now < deadline_) return {};
  if (sendings_ < kWaits.size()) {
    const size_t size = Send(state_ == State::kOffered ? cap_ : finish_, out);
    Arm(now, rng);
    return {{}, size};
  }
  if (state_ == State::kAnswered && exchange_.is_join() && has_keys_) {
    state_ = State::kDone;
    deadline_ = kNever;
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

size_t Offerer::Send(const Octets<kMaxSent>& sent, MutableBytes out) const {
  KEYMAST_CHECK(out.size() >= sent.size());
  std::copy(sent.view().begin(), sent.view().end(), out.begin());
  return sent.size();
}

void Offerer::Fail() {
  state_ = State::kFailed;
  deadline_ = kNever;
  has_keys_ = false;
  exchange_.psk_v2 = {};
  exchange_.secret = {};
  exchange_.tgk = {};
  exchange_.dh = {};
  contents_ = {};
  plain_.Room();
  plain_.Keep(0);
}

}  // namespace keymast::mikey::v2
