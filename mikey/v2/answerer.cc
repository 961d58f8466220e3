// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/answerer.h"

#include "mikey/key_ids.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kAmplification = 3;  // MIKEYv2 §2
constexpr std::array<uint8_t, 32> kNoMacYet{};

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
  return error == Error::kNotEntitled ? ErrorNumber::kInvalidId : ErrorNumber::kUnspecified;
}

// AddSealed encrypts what is written in `plain` and adds it as a KEMAC that closes the message.
void CloseWithKemac(const crypto::Suite& suite, const Protection& protection, MutableBytes plain,
                    ChainWriter& chain) {
  Crypt(suite, protection, plain);
  const size_t mac = MacLength(protection.mac).value_or(0);
  chain.Add(KemacPayload{protection.encr, plain, protection.mac, ByteView(kNoMacYet).first(mac)});
  if (chain.ok()) ComputeMac(suite, protection, chain.Head(mac), chain.Tail(mac));
}

// HeaderOf a message of the exchange, with the empty map.
Header HeaderOf(const Exchange& exchange, DataType type) {
  Header header;
  header.version = kVersion2;
  header.data_type = type;
  header.prf = exchange.choice.prf;
  header.csb_id = exchange.csb_id.value;
  return header;
}

void AddRands(const Exchange& exchange, ByteView rand_r, ChainWriter& chain) {
  chain.Add(RandrPayload{RandRole::kInitiator, exchange.rand_i.view()});
  chain.Add(RandrPayload{RandRole::kResponder, rand_r});
}

// ChosenPayload is the CAP payload of an answer: one value a TLV (MIKEYv2 §3.3).
class ChosenPayload {
 public:
  explicit ChosenPayload(const Choice& choice)
      : one_{static_cast<uint8_t>(choice.mode), static_cast<uint8_t>(choice.prf),
             static_cast<uint8_t>(choice.encr), static_cast<uint8_t>(choice.mac)} {
    Writer profiles(profiles_);
    for (const uint16_t profile : choice.profiles) profiles.U16(profile);
    Writer(features_).U32(choice.features);
    const auto item = [this](size_t i) { return ByteView(one_).subspan(i, 1); };
    Capabilities chosen;
    chosen.modes = item(0);
    chosen.prf = item(1);
    chosen.encr = item(2);
    chosen.mac = item(3);
    chosen.profiles = profiles.written();
    if (choice.features != 0) chosen.features = features_;
    const Result<size_t> size = WriteCapabilities(chosen, tlvs_);
    KEYMAST_CHECK(profiles.ok() && size.has_value());
    size_ = *size;
  }
  ChosenPayload(const ChosenPayload&) = delete;
  ChosenPayload& operator=(const ChosenPayload&) = delete;
  CapPayload payload() const { return {kCapVersion, ByteView(tlvs_).first(size_)}; }

 private:
  std::array<uint8_t, 4> one_;
  std::array<uint8_t, 8> profiles_{};
  std::array<uint8_t, 4> features_{};
  std::array<uint8_t, 64> tlvs_{};
  size_t size_ = 0;
};

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
  if (header.prf != PrfFunc::kHmacSha256) return Discard(Error::kMalformed);
  Cap cap{datagram, address, now, header, *parts, *offer, std::nullopt, false, {}};
  if (parts->key_ids != nullptr) {
    const Result<KeyIds> ids = FindKeyIds(message);
    if (!ids) return Discard(ids.error());
    cap.join = *ids;
  }
  return TakeCap(cap, rng, out);
}

Answerer::Outcome Answerer::TakeCap(Cap& cap, crypto::Rng& rng, MutableBytes out) {
  // MIKEYv2 §3.3: streams exactly in unicast.
  if (cap.join.has_value() != cap.offer.streams.empty()) return Discard(Error::kMalformed);
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
  exchange.is_join = cap.join.has_value();
  if (Status chosen = Choose(cap, exchange.choice); !chosen) {
    return {chosen, WriteError(cap, ErrorNumber::kInvalidDt, false, rng, out), Event::kNone,
            nullptr};
  }
  if (Status proved = Prove(cap); !proved) return Discard(proved.error());
  return Answer(cap, rng, out);
}

// MIKEYv2 §3.4: RANDR(1), CAP with a cookie; never longer than its cause.
Answerer::Outcome Answerer::Retry(const Cap& cap, MutableBytes out) const {
  const auto cookie = cookies_.Make(cap.address, cap.exchange.csb_id, cap.now);
  Capabilities told;
  told.cookie = cookie;
  std::array<uint8_t, 64> tlvs{};
  const size_t size = WriteCapabilities(told, tlvs).value_or(0);
  Header header;
  header.version = kVersion2;
  header.data_type = DataType::kRetry;
  header.prf = PrfFunc::kHmacSha256;
  header.csb_id = cap.header.csb_id;
  ChainWriter chain(out.first(std::min(out.size(), cap.datagram.size())), header);
  chain.Add(RandrPayload{RandRole::kInitiator, cap.parts.rand_i->rand});
  chain.Add(CapPayload{kCapVersion, ByteView(tlvs).first(size)});
  if (!chain.ok()) return Discard(Error::kTooLong);
  return {Err(Error::kRateLimited), chain.size(), Event::kNone, nullptr};
}

// Choose takes the Offerer's first of each that is ours. kUnsupportedPolicy: there is none.
Status Answerer::Choose(const Cap& cap, Choice& choice) const {
  const Capabilities& offer = cap.offer;
  const bool is_common = FirstOf(offer.modes, policy_.modes, choice.mode) &&
                         FirstOf(offer.prf, policy_.prfs, choice.prf) &&
                         FirstOf(offer.encr, policy_.encrs, choice.encr) &&
                         FirstOf(offer.mac, policy_.macs, choice.mac);
  if (!is_common || choice.mode != Mode::kPsk) return Err(Error::kUnsupportedPolicy);
  if (cap.parts.id_r == nullptr) return Err(Error::kUnsupportedPolicy);  // MIKEYv2 §4.3
  return {};
}

// Prove checks V, of who is not known with a key that nobody has: it takes as long.
Status Answerer::Prove(Cap& cap) const {
  const auto* shared = others_.SharedWith(cap.asked());
  const bool is_known = shared != nullptr;
  const ByteView psk = is_known ? shared->view() : nobodys_key_.view();
  Exchange& exchange = cap.exchange;
  exchange.psk_v2 = PskV2(suite_, psk, exchange.offerer.view(), exchange.answerer.view());
  exchange.secret = ExchangeSecret(exchange.psk_v2.view());
  const VPayload* v = cap.parts.v;
  if (v == nullptr) return Err(Error::kPayloadMissing);
  const ByteView head = HeadUpTo(cap.datagram, v->ver_data);
  const Status checked = CheckMac(suite_, OfCap(exchange), head, v->auth_alg, v->ver_data);
  if (!checked || !is_known) return Err(Error::kAuthenticationFailed);
  exchange.proved = true;
  return {};
}

Answerer::Outcome Answerer::Answer(Cap& cap, crypto::Rng& rng, MutableBytes out) {
  const Result<Grant> grant = others_.GrantTo(cap.asked(), cap.exchange.choice);
  if (!grant) {
    return {Err(grant.error()), WriteError(cap, NumberOf(grant.error()), true, rng, out),
            Event::kNone, nullptr};
  }
  if (Status taken = TakeGrant(cap, *grant, rng, cap.exchange); !taken) {
    return Discard(taken.error());
  }
  const Result<size_t> size = WriteAnswer(cap.exchange, *grant, out);
  if (!size) return Discard(size.error());
  const bool is_in_ratio = *size <= kAmplification * cap.datagram.size();
  if (!cap.address_proved && !is_in_ratio) return Retry(cap, out);
  Entry entry;
  entry.exchange = cap.exchange;
  entry.address = Octets<kMaxAddress>(cap.address);
  entry.address_proved = cap.address_proved;
  entry.made = cap.now;
  entry.sent = cap.now;
  entry.answer = Octets<kMaxOneDatagram>(out.first(*size));
  entry.exchange.ah = HashOf(suite_, entry.answer.view());
  entry.streams = grant->streams;
  const Entry* kept = cache_.Add(std::move(entry), cap.now);
  if (kept == nullptr) return Discard(Error::kTooManyRequests);
  return {{}, *size, Event::kAnswered, kept};
}

// TakeGrant puts what was granted into the exchange: kUnsupportedPolicy for a profile that was not
// offered.
Status Answerer::TakeGrant(const Cap& cap, const Grant& grant, crypto::Rng& rng,
                           Exchange& exchange) const {
  exchange.rand_r = Octets<kMaxRand>(DrawRand(rng));
  exchange.choice.features = grant.features & cap.offer.Features();
  exchange.choice.profiles = grant.profiles;
  for (const uint16_t profile : grant.profiles) {
    if (!cap.offer.OffersProfile(profile)) return Err(Error::kUnsupportedPolicy);
  }
  if (exchange.is_join) return {};
  if (!IsComplete(grant.streams, cap.offer)) return Err(Error::kUnsupportedPolicy);
  exchange.tgk = ExchangeSecret::OfSize(kTgkOctets);
  rng.Fill(exchange.tgk.mutable_view());
  return {};
}

// MIKEYv2 §3.4: RANDR(1), RANDR(2), CAP, IDR(2), {SP}, KEMAC.
Result<size_t> Answerer::WriteAnswer(const Exchange& exchange, const Grant& grant,
                                     MutableBytes out) const {
  Contents contents = grant.contents;
  if (!exchange.is_join) {
    contents = {};
    contents.keys.Add({KeyDataType::kTgk, exchange.tgk.view(), {}, {}});
  }
  crypto::SecretScratch<kMaxPlain> plain;
  const Result<size_t> plain_size = WriteContents(contents, plain.Room());
  if (!plain_size) return plain_size;
  const SessionMap map(grant.streams.sessions.view(), CsIdMapType::kGenericId);
  Header header = HeaderOf(exchange, AnswerType(exchange.choice.mode));
  if (!grant.streams.sessions.empty()) map.Describe(header);
  ChainWriter chain(out.first(kMaxOneDatagram), header);
  AddRands(exchange, exchange.rand_r.view(), chain);
  const ChosenPayload chosen(exchange.choice);
  chain.Add(chosen.payload());
  const Identity answerer = exchange.answerer.view();
  chain.Add(IdrPayload{IdRole::kResponder, answerer.type, answerer.data});
  for (const CsbPolicy& policy : grant.streams.policies) chain.Add(policy.Payload());
  CloseWithKemac(suite_, OfAnswer(exchange), plain.Keep(*plain_size), chain);
  if (!chain.ok()) return Err(Error::kTooLong);
  return chain.size();
}

// MIKEYv2 §13: without proof a hint, with it V.
size_t Answerer::WriteError(const Cap& cap, ErrorNumber number, bool proved, crypto::Rng& rng,
                            MutableBytes out) const {
  Header header = HeaderOf(cap.exchange, DataType::kError);
  header.prf = PrfFunc::kHmacSha256;
  ChainWriter chain(out, header);
  chain.Add(RandrPayload{RandRole::kInitiator, cap.exchange.rand_i.view()});
  const auto rand_r = DrawRand(rng);
  if (proved) chain.Add(RandrPayload{RandRole::kResponder, rand_r});
  chain.Add(ErrPayload{number, 0});
  if (!proved) return chain.size();
  chain.Add(VPayload{MacAlg::kHmacSha256_256, kNoMacYet});
  KEYMAST_CHECK(chain.ok());
  constexpr size_t kMac = kNoMacYet.size();
  ComputeMac(suite_, OfErrorInsteadOfAnswer(cap.exchange, rand_r), chain.Head(kMac),
             chain.Tail(kMac));
  return chain.size();
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
  if (Status checked = CheckFinish(finish, *entry); !checked) return Discard(checked.error());
  entry->verified = true;
  entry->finish = HashOf(suite_, finish.datagram);
  // MIKEYv2 §2: the first good finish moves the entry to its address, and proves that.
  entry->address = Octets<kMaxAddress>(finish.address);
  entry->address_proved = true;
  entry->sent = finish.now;
  const size_t size = WriteKeys(*entry, rng, out);
  entry->keys = Octets<kMaxOneDatagram>(out.first(size));
  return {{}, size, Event::kVerified, entry};
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

Status Answerer::CheckFinish(const Finish& finish, const Entry& entry) const {
  const Exchange& exchange = entry.exchange;
  const Mode mode = exchange.choice.mode;
  if (finish.message.header.data_type != FinishType(mode)) return Err(Error::kUnknownDataType);
  const Result<Parts> parts = ReadParts(finish.message, FinishForm(mode));
  if (!parts) return Err(parts.error());
  if (finish.message.header.prf != exchange.choice.prf) return Err(Error::kUnsupportedAlgorithm);
  const VPayload& v = *parts->v;
  const ByteView head = HeadUpTo(finish.datagram, v.ver_data);
  const Status proved = CheckMac(suite_, OfFinish(suite_, exchange), head, v.auth_alg, v.ver_data);
  if (!proved) return proved;
  return CheckPolicies(parts->policies, entry);
}

// MIKEYv2 §9: each SP is one of the answer, and each crypto session finds its own; none in a join.
Status Answerer::CheckPolicies(std::span<const Payload> policies, const Entry& entry) {
  if (policies.empty()) return {};
  if (entry.exchange.is_join) return Err(Error::kPayloadUnexpected);
  const auto is_there = [&](uint8_t number) {
    return std::ranges::any_of(policies, [number](const Payload& payload) {
      const auto* sp = std::get_if<SpPayload>(&payload);
      return sp != nullptr && sp->policy == number;
    });
  };
  const auto is_ours = [&](const Payload& payload) {
    const auto* sp = std::get_if<SpPayload>(&payload);
    return sp != nullptr && std::ranges::any_of(entry.streams.policies, [&](const auto& ours) {
             return ours.number == sp->policy && Equal(ours.params.view(), sp->params);
           });
  };
  const bool is_taken = std::ranges::all_of(policies, is_ours) &&
                        std::ranges::all_of(entry.streams.sessions, [&](const CsbSession& session) {
                          return is_there(session.policy);
                        });
  return is_taken ? Status() : Err(Error::kMalformed);
}

// MIKEYv2 §3.4: RANDR(1), RANDR(2), KEMAC.
size_t Answerer::WriteKeys(const Entry& entry, crypto::Rng& rng, MutableBytes out) const {
  const Exchange& exchange = entry.exchange;
  const auto rand_r = DrawRand(rng);
  ChainWriter chain(out, HeaderOf(exchange, DataType::kKeys));
  AddRands(exchange, rand_r, chain);
  CloseWithKemac(suite_, OfKeys(suite_, exchange, rand_r), {}, chain);
  KEYMAST_CHECK(chain.ok());
  return chain.size();
}

UnicastSession Answerer::SessionOf(const Entry& entry) const {
  KEYMAST_CHECK(entry.verified && !entry.exchange.is_join);
  return v2::SessionOf(suite_, entry.exchange, entry.streams);
}

}  // namespace keymast::mikey::v2
