// SPDX-License-Identifier: Apache-2.0
#include "tests/vectors/peers.h"

#include "crypto/certificate.h"
#include "crypto/rsa_key.h"

namespace keymast::mikey {
namespace {

using nlohmann::json;
using vectors::HexIn;

std::string Label(const Status& status) {
  return status ? "ok" : std::string(ErrorName(status.error()));
}

// DerOf takes the octets out of a PEM block.
Bytes DerOf(const std::string& pem) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes der;
  uint32_t bits = 0;
  int count = 0;
  const size_t start = pem.find('\n');
  for (const char letter : pem.substr(start, pem.find("-----END") - start)) {
    const size_t digit = kDigits.find(letter);
    if (digit == std::string_view::npos) continue;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (count += 6; count >= 8) der.push_back(static_cast<uint8_t>(bits >> (count -= 8)));
  }
  return der;
}

// FileDirectory knows what the file says: one shared key for whoever comes, one authority.
class FileDirectory : public Directory {
 public:
  explicit FileDirectory(const json& keys) {
    shared_ = crypto::SecretKey<kMaxSharedKey>(keys.contains("psk") ? HexIn(keys["psk"])
                                                                    : Bytes(16, 0x5a));
    if (keys.contains("ca_pem")) {
      EXPECT_TRUE(trust_.AddAnchor(DerOf(keys["ca_pem"])));
    }
    tgk_.key = kGranted;
    grant_.keys = {&tgk_, 1};
  }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Identity&) const override {
    return &shared_;
  }
  Result<crypto::PublicKey> SigningKeyOf(const Identity& peer, std::span<const ByteView> chain,
                                         Instant now) const override {
    if (chain.empty()) return Err(Error::kUnknownIdentity);
    if (Status trusted = trust_.Verify(chain, now); !trusted) return Err(trusted.error());
    const auto certificate = crypto::Certificate::FromDer(chain[0]);
    if (!certificate) return Err(certificate.error());
    if (!peer.empty() && !certificate->Names(peer.data)) return Err(Error::kCertificateUntrusted);
    return certificate->public_key();
  }
  Result<crypto::PublicKey> EnvelopeKeyOf(const Identity& peer, std::span<const ByteView> chain,
                                          Instant now) const override {
    return SigningKeyOf(peer, chain, now);
  }
  bool CounterIsNew(const Identity&, uint32_t) const override { return true; }
  void TakeCounter(const Identity&, uint32_t) override {}
  Session* Find(CsbId, const Identity&) override { return nullptr; }
  Result<Grant> GrantTo(const Identity&, const Csb& asked) override {
    asked_ = asked;
    grant_.policies = asked_.policies.view();
    return grant_;
  }

 private:
  static constexpr std::array<uint8_t, 16> kGranted{1, 2, 3};
  crypto::SecretKey<kMaxSharedKey> shared_;
  crypto::TrustStore trust_;
  KeyDataPayload tgk_;
  Grant grant_;
  Csb asked_;
};

Instant ToInstant(NtpTime time) {
  return FromUnixNanos((static_cast<int64_t>(time >> 32) - 2208988800) * 1'000'000'000);
}

// Both is a file's two messages, parsed, and the party that we play.
class Both {
 public:
  explicit Both(const json& file) : keys_(file["keys"]), others_(keys_) {
    policy_ = V1Policy::Legacy();
    policy_.take_oakley1 = true;
    policy_.require_identities = false;
    init_ = HexIn(file["messages"]["init"]["hex"]);
    if (file["messages"].contains("resp")) resp_ = HexIn(file["messages"]["resp"]["hex"]);
    EXPECT_TRUE(ParseMessage(init_, parsed_init_));
    if (!resp_.empty()) {
      EXPECT_TRUE(ParseMessage(resp_, parsed_resp_));
    }
    if (const auto* t = parsed_init_.Get<TPayload>(); t != nullptr) Timestamp::From(*t, t_);
    for (const char* role : {"resp_key", "init_key"}) {
      if (!keys_.contains(role)) continue;
      private_.push_back(
          *crypto::PrivateKey::FromPem(AsBytes(keys_[role].get_ref<const std::string&>())));
    }
    if (!private_.empty()) self_.signing_key = self_.envelope_key = &private_[0];
  }

  // AsResponder gives the first message to our step machine.
  Status AsResponder(Session& session) {
    if (const auto* idr = parsed_init_.Get<IdPayload>(1))
      self_.identity = {idr->id_type, idr->data};
    const Instant now = ToInstant(t_.Time());
    ReplayCache cache(4, std::chrono::minutes(5), now - std::chrono::hours(1));
    crypto::SeededRng rng(1);
    Bytes out(kMaxMessage);
    return Responder(party_, cache).Receive(init_, now, rng, session, out).status;
  }

  // OfInit is the run whose first message is the file's.
  Exchange OfInit(Mode mode) const {
    Exchange exchange;
    exchange.session.mode = mode;
    exchange.session.algorithms = {parsed_init_.header.prf, EncrAlg::kAesCm128,
                                   MacAlg::kHmacSha1_160};
    exchange.session.csb.prf = parsed_init_.header.prf;
    exchange.session.csb.csb_id = CsbId(parsed_init_.header.csb_id);
    const auto* kemac = parsed_init_.Get<KemacPayload>();
    if (kemac != nullptr && mode != Mode::kDhhmac) {
      exchange.session.algorithms = AlgorithmsOf(parsed_init_.header, *kemac);
    }
    exchange.session.csb.rand = Octets<255>(parsed_init_.Get<RandPayload>()->rand);
    exchange.session.shared = *others_.SharedWith({});
    exchange.t = t_;
    return exchange;
  }

  Received Resp() const { return {resp_, parsed_resp_, ToInstant(t_.Time())}; }
  bool RespRepeatsT() const { return Equal(parsed_resp_.Get<TPayload>()->value, t_.view()); }
  ByteView Envelope(bool init) const {
    return (init ? parsed_init_ : parsed_resp_).Get<PkePayload>()->data;
  }
  // The Initiator opens with its own key.
  void PlayInitiator() { self_.signing_key = self_.envelope_key = &private_.back(); }

  const json& keys_;
  FileDirectory others_;
  V1Policy policy_;
  Self self_;
  Party party_{crypto::DefaultSuite(), policy_, self_, others_};
  std::vector<crypto::PrivateKey> private_;
  Bytes init_;
  Bytes resp_;
  Message parsed_init_;
  Message parsed_resp_;
  Timestamp t_;
};

std::string ParseLabel(const Bytes& octets) {
  Message message;
  if (Status parsed = ParseMessage(octets, message); !parsed) return Label(parsed);
  const Result<Form> form = FormOf(message.header.data_type);
  return form ? Label(CheckGrammar(message, *form)) : std::string(ErrorName(form.error()));
}

void Split(const Status& status, Verdict& verdict) {
  const bool verified = status || status.error() == Error::kDecryptionFailed;
  verdict.verify = verified ? "ok" : Label(status);
  verdict.decrypt = verified ? Label(status) : "-";
}

std::string Merged(const Verdict& verdict) {
  return verdict.verify == "ok" ? verdict.decrypt : verdict.verify;
}

// The quirk's transport keys of a PSK message: whether its MAC is good under them.
bool QuirkOpens(const Both& both) {
  const Exchange exchange = both.OfInit(Mode::kPsk);
  const auto* kemac = both.parsed_init_.Get<KemacPayload>();
  TransportKeys keys;
  keys.encr = crypto::Key32::OfSize(16);
  keys.auth = crypto::Key32::OfSize(20);
  keys.salt = crypto::Salt14::OfSize(14);
  const auto derive = [&exchange](KeyConstant constant, MutableBytes out) {
    QuirkDerive(exchange.session.shared.view(), constant, kMikeyOwnKeys,
                exchange.session.csb.csb_id, exchange.session.csb.rand.view(), out);
  };
  derive(KeyConstant::kMikeyEncr, keys.encr.mutable_view());
  derive(KeyConstant::kMikeyAuth, keys.auth.mutable_view());
  derive(KeyConstant::kMikeySalt, keys.salt.mutable_view());
  Bytes mac(20);
  const std::array<ByteView, 1> covered{ByteView(both.init_).first(both.init_.size() - 20)};
  Mac(crypto::DefaultSuite(), MacAlg::kHmacSha1_160, keys.auth.view(), covered, mac);
  if (kemac->mac.size() != 20 || !Equal(mac, kemac->mac)) return false;
  Bytes plain(kemac->encr_data.begin(), kemac->encr_data.end());
  CryptKeyData(crypto::DefaultSuite(), keys, exchange.session.csb.csb_id, both.t_.Payload(), plain);
  std::array<KeyDataPayload, 4> found;
  return ParseKeyData(plain, found).has_value() &&
         ToHex(found[0].key) == both.keys_["init_tgk"].get<std::string>();
}

// Under the tests' policy NULL encryption and NULL MAC are read.
std::string WithNull(const Both& both) {
  const auto* kemac = both.parsed_init_.Get<KemacPayload>();
  const auto* rand = both.parsed_init_.Get<RandPayload>();
  const PskContext context{AlgorithmsOf(both.parsed_init_.header, *kemac),
                           both.others_.SharedWith({})->view(),
                           CsbId(both.parsed_init_.header.csb_id), rand->rand};
  OpenedKeys opened;
  const Status status = OpenKemac(crypto::DefaultSuite(), context, both.init_, both.parsed_init_,
                                  opened, PskPolicy{true, 1});
  const bool reported = !status || !both.keys_.contains("init_tgk") ||
                        ToHex(opened.keys()[0].key) == both.keys_["init_tgk"].get<std::string>();
  return reported ? Label(status) : "another key";
}

// HasReportedKey compares what was decrypted with the key that the file reports.
bool HasReportedKey(const Both& both, const Csb& csb) {
  if (!both.keys_.contains("init_tgk") || csb.keys.empty()) return true;
  return ToHex(csb.keys[0].key.view()) == both.keys_["init_tgk"].get<std::string>();
}

// TekOf compares the traffic keys that the file reports with those that follow from the TGK, by our
// rule, then by the quirk's.
std::string TekOf(const Both& both) {
  const Message& init = both.parsed_init_;
  if (!both.keys_.contains("init_cs") || init.Get<RandPayload>() == nullptr) return "-";
  Csb csb;
  csb.prf = PrfFunc::kMikey1;
  csb.csb_id = CsbId(init.header.csb_id);
  csb.rand = Octets<255>(init.Get<RandPayload>()->rand);
  CsbKey key;
  key.key = crypto::SecretKey<kMaxTgk>(HexIn(both.keys_["init_tgk"]));
  std::string verdict = "ok";
  for (const json& session : both.keys_["init_cs"]) {
    const auto cs_id = session["cs_id"].get<uint8_t>();
    const Bytes expected_tek = HexIn(session["tek"]);
    const Bytes expected_salt = HexIn(session["salt"]);
    Bytes tek(expected_tek.size());
    Bytes salt(expected_salt.size());
    EXPECT_TRUE(DeriveTek(crypto::DefaultSuite(), csb, key, cs_id, tek));
    EXPECT_TRUE(DeriveSalt(crypto::DefaultSuite(), csb, key, cs_id, salt));
    if (tek == expected_tek && salt == expected_salt) continue;
    const ByteView rand = csb.rand.view();
    QuirkDerive(key.key.view(), KeyConstant::kTek, cs_id, csb.csb_id, rand, tek);
    QuirkDerive(key.key.view(), KeyConstant::kTgkSalt, cs_id, csb.csb_id, rand, salt);
    verdict = tek == expected_tek && salt == expected_salt ? "quirk 1" : "differs";
  }
  return verdict;
}

void JudgeInit(Both& both, Verdict& verdict) {
  Session session;
  const Status status = both.AsResponder(session);
  Split(status, verdict);
  const DataType data_type = both.parsed_init_.header.data_type;
  const bool decrypts = data_type == DataType::kPskInit || data_type == DataType::kPkInit;
  if (status && decrypts && !HasReportedKey(both, session.csb)) verdict.decrypt = "another key";
  if (data_type == DataType::kPskInit) {
    const std::string lenient = WithNull(both);
    if (lenient != Merged(verdict)) verdict.null = lenient;
    if (verdict.verify == "authentication_failed" && QuirkOpens(both)) {
      verdict.verify = verdict.decrypt = "quirk 1";
      verdict.null = "";
    }
  }
  if (!decrypts) verdict.decrypt = "-";
  verdict.tek = data_type == DataType::kRsarInit ? "-" : TekOf(both);
}

// A Responder of libmikey makes a T of its own, while V covers the Initiator's, and no identities.
std::string VerifyAnswer(Both& both, Mode mode) {
  Exchange exchange = both.OfInit(mode);
  if (mode == Mode::kPk) {
    exchange.session.shared = both.party_.suite.pk->unwrap(both.private_[0], both.Envelope(true));
  }
  const Status status = ReadAnswer(both.party_, both.Resp(), exchange);
  if (status) return both.RespRepeatsT() ? "ok" : "quirk 2";
  if (mode != Mode::kPsk || status.error() != Error::kAuthenticationFailed) return Label(status);
  Bytes key(20);
  QuirkDerive(exchange.session.shared.view(), KeyConstant::kMikeyAuth, kMikeyOwnKeys,
              exchange.session.csb.csb_id, exchange.session.csb.rand.view(), key);
  const ByteView ver = both.parsed_resp_.Get<VPayload>()->ver_data;
  Bytes mac(20);
  const std::array<ByteView, 2> covered{ByteView(both.resp_).first(both.resp_.size() - ver.size()),
                                        both.t_.view()};
  Mac(crypto::DefaultSuite(), MacAlg::kHmacSha1_160, key, covered, mac);
  return Equal(mac, ver) ? "quirks 1, 2" : Label(status);
}

std::string VerifyDhResp(Both& both, Mode mode) {
  const Received resp = both.Resp();
  const Exchange exchange = both.OfInit(mode);
  const Status status = mode == Mode::kDh ? CheckSigned(both.party_, resp, {})
                                          : CheckMac(both.party_.suite, exchange.Context(),
                                                     resp.datagram, resp.message);
  return status && !both.RespRepeatsT() ? "quirk 2" : Label(status);
}

void JudgeRsarResp(Both& both, Verdict& verdict) {
  Exchange exchange = both.OfInit(Mode::kRsar);
  exchange.asked_with_rand = true;
  const auto* idi = both.parsed_init_.Get<IdPayload>(0);
  const auto* idr = both.parsed_resp_.Get<IdPayload>(0);
  exchange.idi = OwnedIdentity({idi->id_type, idi->data});
  exchange.idr = OwnedIdentity({idr->id_type, idr->data});
  both.PlayInitiator();
  const Received resp = both.Resp();
  verdict.verify = Label(ReadRsarResp(both.party_, resp, exchange));
  // Its signature covers its own identity and its own T (quirk 3); it sends a RAND that it ignores.
  const ByteView t = both.parsed_resp_.Get<TPayload>()->value;
  if (CheckSigned(both.party_, resp, exchange.idr.view(), {idr->data, t, {}})) {
    verdict.verify += ", quirk 3";
  }
  exchange.t = {};
  Timestamp::From(*both.parsed_resp_.Get<TPayload>(), exchange.t);
  verdict.decrypt = Label(ReadEnvelope(both.party_, resp, exchange.idr, exchange));
  if (!HasReportedKey(both, exchange.session.csb)) verdict.decrypt = "another key";
  verdict.tek = TekOf(both);
}

void JudgeResp(Both& both, Verdict& verdict) {
  switch (both.parsed_resp_.header.data_type) {
    case DataType::kPskVerification:
      verdict.verify = VerifyAnswer(both, Mode::kPsk);
      return;
    case DataType::kPkVerification:
      verdict.verify = VerifyAnswer(both, Mode::kPk);
      return;
    case DataType::kDhResp:
      verdict.verify = VerifyDhResp(both, Mode::kDh);
      verdict.tek = TekOf(both);
      return;
    case DataType::kDhhmacResp:
      verdict.verify = VerifyDhResp(both, Mode::kDhhmac);
      verdict.tek = TekOf(both);
      return;
    case DataType::kRsarResp:
      return JudgeRsarResp(both, verdict);
    default:
      ADD_FAILURE() << "an answer of a type that no file has";
  }
}

}  // namespace

Verdict Judge(const json& file, const std::string& message) {
  Verdict verdict{ParseLabel(HexIn(file["messages"][message]["hex"])), "-", "-", "", "-"};
  if (verdict.parse != "ok") return verdict;
  Both both(file);
  message == "init" ? JudgeInit(both, verdict) : JudgeResp(both, verdict);
  return verdict;
}

void QuirkDerive(ByteView inkey, KeyConstant constant, uint8_t cs_id, CsbId csb_id, ByteView rand,
                 MutableBytes out) {
  const Bytes empty(1);  // HMAC under an empty key is HMAC under one zero octet
  std::fill(out.begin(), out.end(), uint8_t{0});
  for (size_t at = 0; at < inkey.size(); at += 32) {
    const size_t size = std::min<size_t>(32, inkey.size() - at);
    const bool taken_as_empty = size == 32 && at + size == inkey.size();
    Bytes piece(out.size());
    Derive(crypto::DefaultSuite(), PrfFunc::kMikey1,
           taken_as_empty ? ByteView(empty) : inkey.subspan(at, size), constant, cs_id, csb_id,
           rand, piece);
    for (size_t i = 0; i < out.size(); ++i) out[i] ^= piece[i];
  }
}

}  // namespace keymast::mikey
