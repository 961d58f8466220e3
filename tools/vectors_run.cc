// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors_run.h"

#include "tools/vectors_recorder.h"

namespace keymast::tools {
namespace {

using namespace mikey;

constexpr Duration kSkew = std::chrono::minutes(5);

V1Policy PolicyOf(const RunCase& which) { return which.legacy ? V1Policy::Legacy() : V1Policy(); }

// Every vector has values of its own: nobody can take those of another one.
uint64_t SeedOf(const RunCase& which) {
  const auto digest = crypto::Sha256(AsBytes(which.about));
  Reader reader(digest);
  return uint64_t{reader.U32()} << 32 | static_cast<uint64_t>(which.mode);
}

// SRTP with AES-CM and HMAC-SHA-1-80 (RFC 3711 §8.2), keys of 16 or 32 octets (RFC 6188).
CsbPolicy SrtpPolicy(bool is_short) {
  Bytes params;
  KEYMAST_CHECK(FromHex(is_short ? "00010101011002010103011404010e0701010801010a01010b010a"
                                 : "00010101012002010103011404010e0701010801010a01010b010a",
                        params));
  CsbPolicy policy;
  policy.params = Octets<255>(params);
  return policy;
}

std::array<CsbSession, 2> Streams() {
  std::array<CsbSession, 2> streams;
  streams[0].cs_id = 1;
  streams[0].ssrc = Ssrc(0xdeadbeef);
  streams[1].cs_id = 2;
  streams[1].ssrc = Ssrc(0xcafef00d);
  streams[1].roc = Roc(3);
  return streams;
}

bool SharesKey(Mode mode) { return mode == Mode::kPsk || mode == Mode::kDhhmac; }
bool AgreesByDh(Mode mode) { return mode == Mode::kDh || mode == Mode::kDhhmac; }

// LastDraw keeps what was drawn last: a party's DH exponent is the last thing that it draws.
class LastDraw final : public crypto::Rng {
 public:
  explicit LastDraw(uint64_t seed) : source_(seed) {}
  void Fill(MutableBytes out) override {
    source_.Fill(out);
    last_.assign(out.begin(), out.end());
  }
  // The exponent as it is used: crypto::PublicSuite::dh_generate sets its top bit.
  std::string Exponent() const {
    KEYMAST_CHECK(last_.size() == crypto::kDhPrivateSize);
    crypto::SecretBytes exponent = last_;
    exponent[0] |= 0x80;
    return ToHex(exponent);
  }

 private:
  crypto::SeededRng source_;
  crypto::SecretBytes last_;
};

class Run {
 public:
  explicit Run(const RunCase& which);
  Json Play();

 private:
  void NewKey();
  Offer OfferOf(bool is_update, bool has_keys);
  void Grants();
  void Break();
  void Round(const char* about, bool is_update, bool has_keys);
  Bytes FirstMessage(const Offer& offer, bool is_update);
  Bytes AnswerTo(const Bytes& first);
  void AddRandom(bool is_update, bool has_keys, Json& round) const;
  void AddOutcome(Json& round) const;

  const RunCase& which_;
  LastDraw rng_;
  VectorParty alice_;
  VectorParty bob_;
  ReplayCache cache_{64, kSkew, kVectorTime - 3 * kSkew};
  Initiator initiator_;
  Responder responder_;
  Instant bob_now_ = kVectorTime;
  std::array<CsbSession, 2> streams_ = Streams();
  CsbPolicy policy_;
  CsbPolicy other_policy_;  // what a Responder takes that refuses the first
  crypto::SecretBytes tgk_;
  std::array<uint8_t, 4> mki_{};
  Bytes group_rand_;
  KeyDataPayload key_data_;
  uint32_t counter_ = 0;
  std::string alice_exponent_;
  std::string bob_exponent_;
  Recorder recorder_;
};

Run::Run(const RunCase& which)
    : which_(which),
      rng_(SeedOf(which)),
      alice_(kAlice, kBob, PolicyOf(which)),
      bob_(kBob, kAlice, PolicyOf(which)),
      initiator_(alice_.party, alice_.stamper),
      responder_(bob_.party, cache_),
      policy_(SrtpPolicy(which.legacy)),
      other_policy_(SrtpPolicy(!which.legacy)),
      tgk_(which.legacy ? 16 : 32),
      group_rand_(kRandSize),
      recorder_(which.mode, PolicyOf(which)) {
  if (!SharesKey(which.mode)) return;
  auto shared = crypto::SecretKey<kMaxSharedKey>::OfSize(which.legacy ? 16 : 32);
  rng_.Fill(shared.mutable_view());
  alice_.others.shared = bob_.others.shared = shared;
  recorder_.AddKey("psk", shared.view());
}

// NewKey draws the next TGK that a message brings.
void Run::NewKey() {
  rng_.Fill(tgk_);
  ++mki_[3];
  key_data_ = {KeyDataType::kTgk, tgk_, {}, {KvType::kSpi, mki_, {}, {}}};
}

Offer Run::OfferOf(bool is_update, bool has_keys) {
  Offer offer;
  const bool by_group = which_.group;
  if (!is_update) {
    offer.csb_id = ChooseCsbId(rng_, [](CsbId) { return false; });
    if (!by_group) offer.sessions = streams_;
    if (!by_group) offer.policies = {&policy_, 1};
  }
  const bool by_key = which_.mode == Mode::kPsk || which_.mode == Mode::kPk || is_update;
  if (has_keys) NewKey();
  if (has_keys && by_key && !AgreesByDh(which_.mode)) offer.keys = {&key_data_, 1};
  offer.dh_validity = key_data_.kv;
  offer.fresh_dh = has_keys;
  offer.cache = which_.cache;
  offer.send_rand = which_.sends_rand && !by_group;
  if (which_.counter) offer.counter = ++counter_;
  if (which_.chash) offer.chash = bob_.self.envelope_certificate;
  return offer;
}

void Run::Grants() {
  Grant grant;
  grant.keys = {&key_data_, 1};
  grant.policies = {&policy_, 1};
  grant.cache = which_.cache;
  if (which_.group) {
    grant.group = true;
    grant.csb_id = ChooseCsbId(rng_, [](CsbId) { return false; });
    rng_.Fill(group_rand_);
    grant.rand = group_rand_;
    grant.sessions = streams_;
  }
  bob_.others.grant = grant;
}

void Run::Break() {
  switch (which_.fault) {
    case Fault::kNone:
      return;
    case Fault::kPolicy:
      bob_.others.takes_policies = false;
      bob_.others.supported = {&other_policy_, 1};
      return;
    case Fault::kSharedKey:
      rng_.Fill(bob_.others.shared.mutable_view());
      return recorder_.AddKey("psk_of_bob", bob_.others.shared.view());
    case Fault::kMode:
      bob_.policy.modes = {};
      return;
    case Fault::kTime:
      bob_now_ += std::chrono::hours(1);
      return;
  }
}

Bytes Run::FirstMessage(const Offer& offer, bool is_update) {
  Bytes out(kMaxMessage);
  const Session before = initiator_.session();
  const Result<size_t> size =
      is_update ? initiator_.Update(before, offer, kVectorTime, rng_, out)
                : initiator_.Start(which_.mode, IdentityOf(kBob), offer, kVectorTime, rng_, out);
  KEYMAST_CHECK(size.has_value());
  if (AgreesByDh(which_.mode) && offer.fresh_dh) alice_exponent_ = rng_.Exponent();
  out.resize(*size);
  return out;
}

Bytes Run::AnswerTo(const Bytes& first) {
  Bytes out(kMaxMessage);
  Session fresh;
  const Responder::Outcome outcome = responder_.Receive(first, bob_now_, rng_, fresh, out);
  KEYMAST_CHECK(outcome.status.has_value() == (which_.fault == Fault::kNone));
  if (outcome.status && outcome.updated == nullptr) bob_.others.session = fresh;
  out.resize(outcome.reply);
  return out;
}

// AddRandom gives all that was drawn but the padding of the envelope, which is in it.
void Run::AddRandom(bool is_update, bool has_keys, Json& round) const {
  Json& random = round["random"] = Json::object();
  const Session& session = initiator_.session();
  const bool is_ended = which_.fault == Fault::kNone;
  if (!is_update && (is_ended || which_.mode != Mode::kRsar || which_.sends_rand)) {
    random["rand"] = ToHex(session.csb.rand.view());
  }
  if (AgreesByDh(which_.mode)) {
    if (has_keys) random["dh_initiator"] = alice_exponent_;
    if (has_keys && is_ended) random["dh_responder"] = bob_exponent_;
    return;
  }
  if (has_keys && (is_ended || which_.mode != Mode::kRsar)) random["tgk"] = ToHex(tgk_);
  const bool has_envelope = !SharesKey(which_.mode) && !(is_update && session.UpdatesByPsk());
  if (has_envelope && !session.shared.empty()) random["env_key"] = ToHex(session.shared.view());
}

// AddOutcome gives what both sides have in the end.
void Run::AddOutcome(Json& round) const {
  const Session& session = initiator_.session();
  if (initiator_.peer_error()) {
    round["error"] = NameOf(initiator_.peer_error()->number);
    round["proven"] = initiator_.peer_error()->proven;
    return;
  }
  const Csb& csb = session.csb;
  const CsbKey& key = csb.keys[0];
  KEYMAST_CHECK(bob_.others.session && bob_.others.session->csb.keys[0].key == key.key);
  round["csb_id"] = csb.csb_id.value;
  if (AgreesByDh(which_.mode)) round["dh_secret"] = ToHex(key.key.view());
  round["tgk"] = ToHex(key.key.view());
  round["mki"] = ToHex(key.spi.view());
  Json& traffic = round["traffic_keys"] = Json::array();
  for (const CsbSession& one : csb.sessions) {
    crypto::SecretBytes tek(which_.legacy ? 16 : 32);
    crypto::SecretBytes salt(14);
    KEYMAST_CHECK(DeriveTek(crypto::DefaultSuite(), csb, key, one.cs_id, tek) &&
                  DeriveSalt(crypto::DefaultSuite(), csb, key, one.cs_id, salt));
    traffic.push_back({{"cs_id", one.cs_id}, {"tek", ToHex(tek)}, {"salt", ToHex(salt)}});
  }
}

void Run::Round(const char* about, bool is_update, bool has_keys) {
  const Offer offer = OfferOf(is_update, has_keys);
  if (!is_update && which_.mode == Mode::kRsar) Grants();
  const Bytes first = FirstMessage(offer, is_update);
  const Bytes answer = AnswerTo(first);
  const bool is_ended = which_.fault == Fault::kNone;
  if (AgreesByDh(which_.mode) && has_keys && is_ended) bob_exponent_ = rng_.Exponent();
  KEYMAST_CHECK(initiator_.Receive(answer, kVectorTime).has_value());
  Json round{{"about", about}};
  AddRandom(is_update, has_keys, round);
  AddOutcome(round);
  recorder_.AddRound(initiator_.session(), first, answer, std::move(round));
}

Json Run::Play() {
  Break();
  Round(which_.fault == Fault::kNone ? "A new bundle" : "It is refused", false, true);
  if (which_.updates && which_.fault == Fault::kNone) {
    Round("An update with a new key (RFC 3830 §4.5)", true, true);
    Round("An update that leaves the keys as they are", true, false);
  }
  Json json{{"name", which_.name}, {"about", which_.about}};
  json["unix_time"] = ToUnixNanos(kVectorTime) / 1'000'000'000;
  json["initiator"] = alice_.fixture.name;
  json["responder"] = bob_.fixture.name;
  recorder_.Finish(json);
  return json;
}

Json PartyJson(const Fixture& fixture) {
  return {{"identity", fixture.identity},
          {"private_key", fixture.key},
          {"certificate", fixture.certificate}};
}

}  // namespace

Json VectorOf(const RunCase& which) { return Run(which).Play(); }

Json TestParties() {
  return {{"authority", {{"certificate", kAuthorityCertificate}}},
          {kAlice.name, PartyJson(kAlice)},
          {kBob.name, PartyJson(kBob)}};
}

}  // namespace keymast::tools
