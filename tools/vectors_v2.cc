// SPDX-License-Identifier: Apache-2.0
#include "tools/vectors_v2.h"

#include "tools/vectors.h"

namespace keymast::tools {
namespace {

using namespace mikey;
using namespace mikey::v2;

constexpr V2Case kCases[] = {
    {.name = "psk_session", .about = "PSK: two parties, a stream each way", .mode = Mode::kPsk},
    {.name = "psk_join", .about = "PSK: a member joins a group", .mode = Mode::kPsk, .joins = true},
    {.name = "psk_join_cookie",
     .about = "PSK: the Answerer is under load and asks for a cookie",
     .mode = Mode::kPsk,
     .joins = true,
     .under_load = true},
    {.name = "psk_join_refused",
     .about = "PSK: who is not entitled hears so, with proof",
     .mode = Mode::kPsk,
     .joins = true,
     .entitled = false},
    {.name = "psk_join_signed",
     .about = "PSK: CAP offers early DH as well, and has V and SIGN",
     .mode = Mode::kPsk,
     .joins = true,
     .beside = Mode::kEarlyDh,
     .offerer = &kAliceEd25519,
     .answerer = &kBobEd25519},
    {.name = "psk_join_resumed",
     .about = "PSK: a member joins again by its ticket",
     .mode = Mode::kPsk,
     .joins = true,
     .resumes = true},
    {.name = "psk_session_resumed",
     .about = "PSK: one of two parties opens another session by the id of a ticket",
     .mode = Mode::kPsk,
     .resumes = true},
    {.name = "dhhmac_session",
     .about = "DHHMAC: two parties, a stream each way",
     .mode = Mode::kDhhmac},
    {.name = "dhhmac_session_p256",
     .about = "DHHMAC over secp256r1",
     .mode = Mode::kDhhmac,
     .group = DhGroup::kSecp256r1},
    {.name = "dhhmac_session_mikey1",
     .about = "DHHMAC by the primitives of RFC 3830",
     .mode = Mode::kDhhmac,
     .of_rfc3830 = true},
    {.name = "dhhmac_join",
     .about = "DHHMAC: a member joins a group, its keys are in KEYS",
     .mode = Mode::kDhhmac,
     .joins = true},
    {.name = "early_dhhmac_session",
     .about = "Early DHHMAC: two parties, a stream each way",
     .mode = Mode::kEarlyDhhmac},
    {.name = "early_dhhmac_join",
     .about = "Early DHHMAC: a member joins a group in one round trip",
     .mode = Mode::kEarlyDhhmac,
     .joins = true},
    {.name = "rsa_session",
     .about = "RSA: two parties, a stream each way",
     .mode = Mode::kRsa,
     .offerer = &kAlice,
     .answerer = &kBobEd25519},
    {.name = "dh_session",
     .about = "DH: two parties, a stream each way",
     .mode = Mode::kDh,
     .offerer = &kAliceEd25519,
     .answerer = &kBobEd25519},
    {.name = "dh_join",
     .about = "DH: a member joins a group, its keys are in KEYS",
     .mode = Mode::kDh,
     .joins = true,
     .offerer = &kAliceEd25519,
     .answerer = &kBobEd25519},
    {.name = "early_dh_session",
     .about = "Early DH: two parties, a stream each way; RETRY brings FRESH",
     .mode = Mode::kEarlyDh,
     .under_load = true,
     .offerer = &kAliceEd25519,
     .answerer = &kBobEd25519},
    {.name = "early_dh_join",
     .about = "Early DH: a member joins a group, RETRY brings FRESH",
     .mode = Mode::kEarlyDh,
     .joins = true,
     .under_load = true,
     .offerer = &kAliceEd25519,
     .answerer = &kBobEd25519},
};

// Every vector has values of its own.
uint64_t SeedOf(const V2Case& which) {
  const auto digest = crypto::Sha256(AsBytes(which.about));
  Reader reader(digest);
  return uint64_t{reader.U32()} << 32 | reader.U32();
}

const Identity kMember{IdType::kNai, AsBytes("alice@example.org")};
const Identity kPeer{IdType::kUri, AsBytes("sip:bob@example.org")};
const Identity kGroup{IdType::kUri, AsBytes("mikey://example.org/tv")};
constexpr Instant kTime{std::chrono::seconds(1'800'000'000)};
constexpr StreamOffer kStreams[] = {{true, true, 0x11223344}, {false, true, 0}};
constexpr uint8_t kDomain[] = {0x00, 0xf1, 0x10};
constexpr uint8_t kMki[] = {0x00, 0x2a, 0x00, 0x03, 0x00, 0x07};  // MSK ID, MTK ID
constexpr uint8_t kLastMtkId[] = {0xff, 0xff};
// AEAD_AES_256_GCM (MIKEYv2 §9).
constexpr uint16_t kProfile = 0x0008;
constexpr uint8_t kPolicy[] = {0, 1, 6, 1, 1, 32, 2, 1, 0, 4, 1, 12, 7, 1, 1, 8, 1, 1, 20, 1, 16};

// Draws gives what a seed gives, and remembers it.
class Draws final : public crypto::Rng {
 public:
  explicit Draws(uint64_t seed) : source_(seed) {}
  void Fill(MutableBytes out) override {
    source_.Fill(out);
    drawn_.emplace_back(out.begin(), out.end());
  }
  // PrivateOf finds the private value that a public one was made of; empty: none was.
  std::string PrivateOf(crypto::DhGroup group, ByteView public_value) const;

 private:
  crypto::SeededRng source_;
  std::vector<crypto::SecretBytes> drawn_;
};

// Once gives one value.
class Once final : public crypto::Rng {
 public:
  explicit Once(ByteView value) : value_(value) {}
  void Fill(MutableBytes out) override {
    KEYMAST_CHECK(out.size() == value_.size());
    std::copy(value_.begin(), value_.end(), out.begin());
  }

 private:
  ByteView value_;
};

std::string Draws::PrivateOf(crypto::DhGroup group, ByteView public_value) const {
  for (const crypto::SecretBytes& drawn : drawn_) {
    if (drawn.size() != crypto::kDhPrivateSize) continue;
    Once once(drawn);
    const crypto::DhKey key(*crypto::DefaultSuite().pk, group, once);
    if (Equal(key.public_value(), public_value)) return ToHex(drawn);
  }
  return {};
}

// Others is the directory of an Answerer that knows one member, one peer and one group.
class Others final : public v2::Directory {
 public:
  Others(const V2Case& which, crypto::Rng& rng) : which_(which) {
    for (crypto::SecretBytes* one : {&msk_, &mtk_, &salt_, &rand_, &tree_id_}) rng.Fill(*one);
    psk_ = crypto::SecretKey<kMaxSharedKey>::OfSize(32);
    rng.Fill(psk_.mutable_view());
  }
  ByteView psk() const { return psk_.view(); }

  bool IsOwn(const Identity& identity) const override { return identity == kPeer; }
  bool Serves(const Asked& asked) const override {
    return asked.answerer == (asked.join ? kGroup : kPeer);
  }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked&) const override { return &psk_; }
  Result<Terms> TermsFor(const Asked&) const override {
    Terms terms;
    terms.profiles.Add(kProfile);
    return terms;
  }
  Result<v2::Grant> GrantTo(const Asked& asked, const Choice&) override {
    if (!which_.entitled) return Err(Error::kNotEntitled);
    v2::Grant grant;
    grant.streams.policies.Add({0, ProtType::kSrtp, Octets<255>(kPolicy)});
    if (asked.join) {
      GiveGroup(grant);
    } else {
      GiveSession(grant);
    }
    return grant;
  }

 private:
  static void GiveSession(v2::Grant& grant) {
    for (const auto& [cs_id, ssrc] :
         {std::pair(1, 0x11223344u), {2, 0x55667788u}, {4, 0x99aabbccu}}) {
      CsbSession session;
      session.cs_id = static_cast<uint8_t>(cs_id);
      session.ssrc = Ssrc(ssrc);
      grant.streams.sessions.Add(session);
    }
  }
  void GiveGroup(v2::Grant& grant) const {
    CsbSession session;
    session.cs_id = 1;
    session.ssrc = Ssrc(0xfeedf00d);
    session.roc = Roc(7);
    session.has_seq = true;
    session.seq = 65000;
    session.spi = Octets<kMaxSpi>(kMki);
    grant.streams.sessions.Add(session);
    Contents& contents = grant.contents;
    const KeyValidity interval{KvType::kInterval, {}, ByteView(kMki).last(2), kLastMtkId};
    contents.keys.Add({KeyDataType::kTgk, msk_, {}, interval});
    contents.keys.Add({KeyDataType::kMtk, mtk_, salt_, {KvType::kSpi, kMki, {}, {}}});
    contents.rands.Add(rand_);
    contents.csb_id = CsbId(0xabcdef01);
    contents.msks.Add({kDomain, 0x002a0003, 41});
    contents.member = MemberState{tree_id_, 5, 6, 7, 1, 1400, 2000, 0, 0};
  }

  const V2Case& which_;
  crypto::SecretKey<kMaxSharedKey> psk_;
  crypto::SecretBytes msk_ = crypto::SecretBytes(32);
  crypto::SecretBytes mtk_ = crypto::SecretBytes(32);
  crypto::SecretBytes salt_ = crypto::SecretBytes(12);
  crypto::SecretBytes rand_ = crypto::SecretBytes(kGroupRandSize);
  crypto::SecretBytes tree_id_ = crypto::SecretBytes(kTreeIdSize);
};

// CredentialsOf one side, which has the other's certificate on record.
Credentials CredentialsOf(const Fixture* own, const Fixture* other) {
  Credentials credentials;
  if (own == nullptr) return credentials;
  credentials.own.push_back({KeyOf(*own), {CertificateOf(*own)}});
  const crypto::Fingerprint fingerprint = crypto::Sha256(CertificateOf(*other));
  for (const Identity& identity : {IdentityOf(*other), kGroup}) {
    credentials.trust.Pin(identity, fingerprint);
  }
  return credentials;
}

Policy PolicyOf(const V2Case& which) {
  Policy policy = Policy::Default();
  policy.modes.clear();
  policy.modes.Add(static_cast<uint8_t>(which.mode));
  policy.groups.clear();
  policy.groups.Add(static_cast<uint8_t>(which.group));
  if (!which.of_rfc3830) return policy;
  policy.prfs.clear();
  policy.prfs.Add(static_cast<uint8_t>(PrfFunc::kMikey1));
  policy.encrs.clear();
  policy.encrs.Add(static_cast<uint8_t>(EncrAlg::kAesCm128));
  policy.macs.clear();
  policy.macs.Add(static_cast<uint8_t>(MacAlg::kHmacSha1_160));
  return policy;
}

Policy OfferOf(const V2Case& which) {
  Policy policy = PolicyOf(which);
  if (which.beside) policy.modes.Add(static_cast<uint8_t>(*which.beside));
  return policy;
}

// OneTicket is all that an Answerer has of earlier exchanges.
class OneTicket final : public Tickets {
 public:
  OneTicket(const V2Case& which, const crypto::Suite& suite, const Identity& offerer,
            const Identity& answerer, crypto::Rng& rng) {
    if (!which.resumes) return;
    resumption_.ticket.resize(64);
    rng.Fill(resumption_.ticket);
    resumption_.id = TicketIdOf(suite, resumption_.ticket);
    resumption_.secret = crypto::Key32::OfSize(32);
    rng.Fill(resumption_.secret.mutable_view());
    resumption_.offerer = OwnedIdentity(offerer);
    resumption_.answerer = OwnedIdentity(answerer);
    resumption_.expiry = kTime + kTicketLife;
    resumption_.is_sealed = which.joins;
  }
  const Resumption& resumption() const { return resumption_; }

  std::optional<Resumption> Find(ByteView, ByteView, Instant) const override { return resumption_; }
  bool Spend(const Resumption&, const Digest&) override { return true; }
  std::optional<Resumption> Give(Resumption, Instant, crypto::Rng&) override { return {}; }

 private:
  Resumption resumption_;
};

class V2Run {
 public:
  explicit V2Run(const V2Case& which) : which_(which), rng_(SeedOf(which)) {
    answerer_.set_under_load(which.under_load);
    if (which.resumes) answerer_.use_tickets(&ticket_);
  }
  Json Play();

 private:
  Wish WishOf() const {
    Wish wish{offerer_id_, answerer_id_, others_.psk(), std::nullopt, {}, {}};
    if (IsSigned(which_.mode)) wish.psk = {};
    if (which_.resumes) wish.resume = &ticket_.resumption();
    if (which_.joins) wish.join = KeyIds{};
    if (!which_.joins) wish.streams = kStreams;
    return wish;
  }
  Bytes ToAnswerer(const Bytes& datagram);
  Bytes ToOfferer(const Bytes& datagram);
  void Keep(const char* from, const Bytes& octets);
  Protection ProtectionOf(const Message& message) const;
  void AddSecrets(Json& json) const;
  void AddTraffic(Json& json) const;
  Json JsonOfRun() const;

  const V2Case& which_;
  Draws rng_;
  const crypto::Suite& suite_ = crypto::DefaultSuite();
  Policy policy_ = PolicyOf(which_);
  Policy offer_ = OfferOf(which_);
  Others others_{which_, rng_};
  Identity offerer_id_ = which_.offerer == nullptr ? kMember : IdentityOf(*which_.offerer);
  Identity answerer_id_ = which_.joins ? kGroup : kPeer;
  Credentials of_offerer_ = CredentialsOf(which_.offerer, which_.answerer);
  Credentials of_answerer_ = CredentialsOf(which_.answerer, which_.offerer);
  OneTicket ticket_{which_, suite_, offerer_id_, answerer_id_, rng_};
  Offerer offerer_{suite_, offer_, &of_offerer_};
  Answerer answerer_{suite_, policy_, others_, 4, rng_, &of_answerer_};
  Exchange exchange_;  // the Offerer's, before it wipes what failed
  std::vector<std::pair<const char*, Bytes>> sent_;
};

void V2Run::Keep(const char* from, const Bytes& octets) {
  if (!octets.empty()) sent_.emplace_back(from, octets);
}

Bytes V2Run::ToAnswerer(const Bytes& datagram) {
  Bytes out(kMaxOneDatagram);
  const auto outcome = answerer_.Receive(datagram, AsBytes("192.0.2.7:2271"), kTime, rng_, out);
  out.resize(outcome.reply);
  Keep("answerer", out);
  return out;
}

Bytes V2Run::ToOfferer(const Bytes& datagram) {
  Bytes out(kMaxOneDatagram);
  const auto outcome = offerer_.Receive(datagram, kTime, rng_, out);
  KEYMAST_CHECK(outcome.status.has_value());
  out.resize(outcome.send);
  Keep("offerer", out);
  // Of what has ended nothing is there any more.
  const bool is_open = offerer_.state() < Offerer::State::kDone;
  if (is_open) exchange_ = offerer_.exchange();
  if (offerer_.state() == Offerer::State::kOffered) exchange_.th = HashOf(suite_, out);
  return out;
}

// ProtectionOf finds the row of MIKEYv2 §4.4 that a message has.
Protection V2Run::ProtectionOf(const Message& message) const {
  const Exchange& exchange = exchange_;
  const auto rand_r = message.Get<RandrPayload>(1);
  switch (message.header.data_type) {
    case DataType::kCap:
      return OfCap(exchange);
    case DataType::kError:
      return OfErrorInsteadOfAnswer(exchange, rand_r->rand);
    case DataType::kKeys:
      return OfKeys(suite_, exchange, rand_r->rand);
    default:
      break;
  }
  return IsAnswer(message.header.data_type) ? OfAnswer(exchange) : OfFinish(suite_, exchange);
}

void V2Run::AddSecrets(Json& json) const {
  const Exchange& exchange = exchange_;
  json["hashes"] = {{"th", ToHex(exchange.th)}};
  Json& secrets = json["secrets"] = Json::object();
  const ByteView psk = exchange.psk_v2.view();
  if (!psk.empty()) {
    secrets["psk_v2"] = ToHex(psk);
    if (!which_.resumes) secrets["report"] = ToHex(ReportKey(suite_, psk).view());
  }
  if (!which_.entitled) return;
  json["hashes"]["ah"] = ToHex(exchange.ah);
  json["hashes"]["f"] = ToHex(exchange.F(suite_));
  secrets["x"] = ToHex(exchange.secret.view());
  if (!which_.joins) secrets["tgk"] = ToHex(exchange.tgk.view());
  const crypto::Key32 resumption =
      ResumptionSecret(suite_, exchange.secret.view(), exchange.th, exchange.ah);
  secrets["resumption"] = ToHex(resumption.view());
  const bool has_psk = !psk.empty() && !which_.resumes;
  if (!has_psk) secrets["report"] = ToHex(ReportKey(suite_, resumption.view()).view());
}

void V2Run::AddTraffic(Json& json) const {
  const UnicastSession session = offerer_.session();
  Json& traffic = json["traffic_keys"] = Json::array();
  for (const CsbSession& one : session.sessions) {
    crypto::SecretBytes key(32);
    crypto::SecretBytes salt(12);
    session.TrafficKeys(suite_, one.cs_id, key, salt);
    traffic.push_back({{"cs_id", one.cs_id},
                       {"ssrc", one.ssrc.value},
                       {"master_key", ToHex(key)},
                       {"master_salt", ToHex(salt)}});
  }
}

Json JsonOfSide(const Identity& identity, const Fixture* fixture) {
  Json json{{"id_type", NameOf(identity.type)},
            {"identity", std::string(identity.data.begin(), identity.data.end())}};
  if (fixture == nullptr) return json;
  json["private_key"] = fixture->key;
  json["certificate"] = fixture->certificate;
  return json;
}

Json V2Run::JsonOfRun() const {
  Json json{
      {"name", which_.name}, {"about", which_.about}, {"mode", static_cast<int>(which_.mode)}};
  json["offerer"] = JsonOfSide(offerer_id_, which_.offerer);
  json["answerer"] = JsonOfSide(answerer_id_, which_.answerer);
  json["test_keys"] = Json::object();
  if (which_.resumes) {
    json["test_keys"]["resumption"] = ToHex(ticket_.resumption().secret.view());
    json["test_keys"]["ticket"] = ToHex(ticket_.resumption().ticket);
  } else if (!IsSigned(which_.mode)) {
    json["test_keys"]["psk"] = ToHex(others_.psk());
  }
  Json messages = Json::array();
  Json& values = json["private_values"] = Json::object();
  for (const auto& [from, octets] : sent_) {
    Message message;
    KEYMAST_CHECK(ParseMessage(octets, message).has_value());
    const auto* dh = message.Get<DhPayload>();
    if (dh != nullptr) values[from] = rng_.PrivateOf(*CryptoGroup(dh->group), dh->value);
    V2Sent sent{from, octets};
    if (message.header.data_type != DataType::kRetry) {
      sent.protection = ProtectionOf(message);
      const bool by_psk = Equal(sent.protection.inkey, exchange_.psk_v2.view());
      const bool has_mac =
          message.Get<KemacPayload>() != nullptr || message.Get<VPayload>() != nullptr;
      if (has_mac) sent.inkey = by_psk ? "psk_v2" : "x";
    }
    messages.push_back(JsonOfV2(suite_, sent));
  }
  AddSecrets(json);
  if (!which_.joins) AddTraffic(json);
  json["messages"] = std::move(messages);
  return json;
}

Json V2Run::Play() {
  Bytes cap(kMaxOneDatagram);
  const Result<size_t> size = offerer_.Open(WishOf(), kTime, rng_, cap);
  KEYMAST_CHECK(size.has_value());
  cap.resize(*size);
  Keep("offerer", cap);
  exchange_ = offerer_.exchange();
  exchange_.th = HashOf(suite_, cap);
  Bytes next = cap;
  while (!next.empty()) {
    const Bytes reply = ToAnswerer(next);
    next = ToOfferer(reply);
  }
  const auto state = which_.entitled ? Offerer::State::kDone : Offerer::State::kFailed;
  KEYMAST_CHECK(offerer_.state() == state);
  return JsonOfRun();
}

}  // namespace

Json V2VectorOf(const V2Case& which) { return V2Run(which).Play(); }

Json Version2Vectors() {
  Json vectors = Json::array();
  for (const V2Case& which : kCases) vectors.push_back(V2VectorOf(which));
  return vectors;
}

}  // namespace keymast::tools
