// SPDX-License-Identifier: Apache-2.0
// Two parties of MIKEY version 1 with keys, certificates and clocks of their own.
#pragma once

#include <map>
#include <memory>

#include "mikey/initiator.h"
#include "mikey/responder.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/make_certificate.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {

inline const Identity kAlice{IdType::kUri, AsBytes("sip:alice@example.org")};
inline const Identity kBob{IdType::kUri, AsBytes("sip:bob@example.org")};
inline const Instant kNow = crypto::kTestNow;
inline constexpr Duration kSkew = std::chrono::minutes(5);
inline const Bytes kTgk16 = Hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");

// TestDirectory knows peers by shared key, and by certificates under one authority.
class TestDirectory : public Directory {
 public:
  TestDirectory() {
    EXPECT_TRUE(trust_.AddAnchor(crypto::MakeCertificate(crypto::AuthorityRecipe())));
  }

  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Identity& peer) const override {
    const auto found = shared_.find(std::string(AsText(peer.data)));
    return found == shared_.end() ? nullptr : &found->second;
  }
  Result<crypto::PublicKey> SigningKeyOf(const Identity& peer, std::span<const ByteView> chain,
                                         Instant now) const override {
    return KeyOf(peer, chain, now);
  }
  Result<crypto::PublicKey> EnvelopeKeyOf(const Identity& peer, std::span<const ByteView> chain,
                                          Instant now) const override {
    return KeyOf(peer, chain, now);
  }
  bool CounterIsNew(const Identity& peer, uint32_t counter) const override {
    const auto found = counters_.find(std::string(AsText(peer.data)));
    return found == counters_.end() || counter > found->second;
  }
  void TakeCounter(const Identity& peer, uint32_t counter) override {
    counters_[std::string(AsText(peer.data))] = counter;
  }
  Session* Find(CsbId csb_id, const Identity& peer) override {
    const auto found = sessions_.find(csb_id.value);
    if (found == sessions_.end()) return nullptr;
    const bool theirs = careless_ || peer.empty() || found->second.peer.view() == peer;
    return theirs ? &found->second : nullptr;
  }
  void CompleteSessions(const Identity&, std::span<CsbSession> sessions) override {
    for (CsbSession& session : sessions) {
      if (session.ssrc == Ssrc(0)) session.ssrc = fill_in_;
    }
  }
  bool Takes(const CsbPolicy& policy) const override { return policy.prot_type == ProtType::kSrtp; }
  std::span<const CsbPolicy> Supported() const override { return supported_; }
  bool TakesSdpIds(ByteView ids) const override {
    return sdp_ids_.empty() || AsText(ids) == sdp_ids_;
  }
  Result<Grant> GrantTo(const Identity&, const Csb& asked) override {
    asked_ = asked;
    if (!grant_) return Err(Error::kNotEntitled);
    return *grant_;
  }

  std::map<std::string, crypto::SecretKey<kMaxSharedKey>> shared_;
  std::map<std::string, Bytes> certificates_;  // known without being sent
  std::map<std::string, uint32_t> counters_;
  std::map<uint32_t, Session> sessions_;
  bool careless_ = false;  // finds bundles whoever asks
  Ssrc fill_in_;
  std::vector<CsbPolicy> supported_;
  std::string sdp_ids_;
  std::optional<Grant> grant_;
  Csb asked_;

 private:
  Result<crypto::PublicKey> KeyOf(const Identity& peer, std::span<const ByteView> chain,
                                  Instant now) const {
    const auto known = certificates_.find(std::string(AsText(peer.data)));
    std::vector<ByteView> whole(chain.begin(), chain.end());
    if (whole.empty() && known != certificates_.end()) whole.push_back(known->second);
    if (whole.empty()) return Err(Error::kUnknownIdentity);
    if (Status trusted = trust_.Verify(whole, now); !trusted) return Err(trusted.error());
    const auto certificate = crypto::Certificate::FromDer(whole[0]);
    if (!certificate) return Err(certificate.error());
    if (!certificate->Names(peer.data)) return Err(Error::kCertificateUntrusted);
    return certificate->public_key();
  }

  crypto::TrustStore trust_;
};

// Side is one party with all that it borrows.
struct Side {
  Side(const Identity& identity, std::string_view key)
      : private_key(crypto::TestKey(key)), certificate(CertificateOf(identity, key)) {
    chain[0] = certificate;
    self.identity = identity;
    self.signing_key = &private_key;
    self.envelope_key = &private_key;
    self.chain = chain;
    self.envelope_certificate = crypto::Certificate::FromDer(certificate)->Fingerprint();
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  static Bytes CertificateOf(const Identity& identity, std::string_view key) {
    crypto::CertificateRecipe recipe = crypto::EndRecipe();
    recipe.key = key;
    recipe.alt_names = "URI:" + std::string(AsText(identity.data));
    return crypto::MakeCertificate(recipe);
  }

  crypto::PrivateKey private_key;
  Bytes certificate;
  std::array<ByteView, 1> chain;
  Self self;
  V1Policy policy;
  TestDirectory others;
  Stamper stamper;
  Party party{crypto::DefaultSuite(), policy, self, others};
  ReplayCache cache{64, kSkew, kNow - 3 * kSkew};
};

// World has Alice, who begins, and Bob.
struct World {
  World() {
    const crypto::SecretKey<kMaxSharedKey> shared{ByteView(kUserKey)};
    alice.others.shared_[std::string(AsText(kBob.data))] = shared;
    bob.others.shared_[std::string(AsText(kAlice.data))] = shared;
    alice.others.certificates_[std::string(AsText(kBob.data))] = bob.certificate;
    key.key = kTgk16;
    sessions[0].cs_id = 1;
    sessions[0].ssrc = Ssrc(0xdeadbeef);
    sessions[1].cs_id = 2;
    sessions[1].roc = Roc(3);
    policy.params = Octets<255>(Hex("00010101011002010103011404010e0701010801010a01010b010a"));
    offer.csb_id = CsbId(0x12345678);
    offer.sessions = sessions;
    offer.policies = {&policy, 1};
  }

  // OfferOf leaves out what a mode's messages do not have.
  Offer OfferOf(Mode mode) const {
    Offer suited = offer;
    if (mode == Mode::kPsk || mode == Mode::kPk) suited.keys = {&key, 1};
    return suited;
  }

  Bytes Start(Mode mode, const Offer& suited) {
    Bytes out(kMaxMessage);
    const Result<size_t> size = initiator.Start(mode, kBob, suited, alice_now, rng, out);
    EXPECT_TRUE(size) << ErrorName(size.error());
    out.resize(size.value_or(0));
    return out;
  }
  Bytes Start(Mode mode) { return Start(mode, OfferOf(mode)); }

  Bytes Update(const Offer& changes) {
    Bytes out(kMaxMessage);
    const Session session = initiator.session();
    const Result<size_t> size = initiator.Update(session, changes, alice_now, rng, out);
    EXPECT_TRUE(size) << ErrorName(size.error());
    out.resize(size.value_or(0));
    return out;
  }

  // ToBob returns what he answers; `status` says what he made of it.
  Bytes ToBob(const Bytes& datagram) {
    Bytes out(kMaxMessage);
    Session fresh;
    const Responder::Outcome outcome = responder.Receive(datagram, bob_now, rng, fresh, out);
    status = outcome.status;
    if (outcome.status && outcome.updated == nullptr) {
      bob.others.sessions_[fresh.csb.csb_id.value] = fresh;
    }
    out.resize(outcome.reply);
    return out;
  }

  const Session& BobsSession() {
    return bob.others.sessions_.at(initiator.session().csb.csb_id.value);
  }

  Side alice{kAlice, testdata::kEndKey};
  Side bob{kBob, testdata::kOtherKey};
  Instant alice_now = kNow;
  Instant bob_now = kNow;
  crypto::SeededRng rng{7};
  Initiator initiator{alice.party, alice.stamper};
  Responder responder{bob.party, bob.cache};
  KeyDataPayload key;
  std::array<CsbSession, 2> sessions;
  CsbPolicy policy;
  Offer offer;
  Status status;
};

inline std::string TekOf(const Session& session, uint8_t cs_id = 1) {
  if (session.csb.keys.empty()) return "none";
  Bytes tek(16);
  Bytes salt(14);
  EXPECT_TRUE(DeriveTek(crypto::DefaultSuite(), session.csb, session.csb.keys[0], cs_id, tek));
  EXPECT_TRUE(DeriveSalt(crypto::DefaultSuite(), session.csb, session.csb.keys[0], cs_id, salt));
  return ToHex(tek) + ToHex(salt);
}

}  // namespace keymast::mikey
