// SPDX-License-Identifier: Apache-2.0
// A party for fuzz targets behind the MAC: it trusts everybody, and its public-key operations cost
// nothing, so that the fuzzer spends its time in the codec and the step machines.
#pragma once

#include "mikey/initiator.h"
#include "mikey/responder.h"
#include "tests/data/rsa_keys.h"

namespace keymast::mikey {

inline const Identity kAlice{IdType::kUri, AsBytes("sip:alice@example.org")};
inline const Identity kBob{IdType::kUri, AsBytes("sip:bob@example.org")};
inline const Instant kFuzzNow = FromUnixNanos(1'800'000'000'000'000'000);
inline constexpr CsbId kKnownCsb{0x12345678};
inline constexpr CsbId kNewCsb{0x23456789};
inline constexpr std::array<uint8_t, 16> kSharedOctets = {0, 1, 2,  3,  4,  5,  6,  7,
                                                          8, 9, 10, 11, 12, 13, 14, 15};
inline constexpr std::array<uint8_t, 16> kTgkOctets = {
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};

// FakePublicSuite has the shapes of the real one.
inline const crypto::PublicSuite kFakePublicSuite = {
    .read_key = crypto::PublicKey::FromSpki,
    .sign = [](const crypto::PrivateKey& key, crypto::SignatureScheme, std::span<const ByteView>,
               MutableBytes out) -> Result<size_t> {
      if (out.size() < key.signature_size()) return Err(Error::kTooLong);
      return key.signature_size();
    },
    .verify = [](const crypto::PublicKey&, crypto::SignatureScheme, std::span<const ByteView>,
                 ByteView) { return true; },
    .wrap = [](const crypto::PublicKey&, ByteView key, crypto::Rng&,
               MutableBytes out) -> Result<size_t> {
      if (out.size() < key.size()) return Err(Error::kTooLong);
      std::copy(key.begin(), key.end(), out.begin());
      return key.size();
    },
    .unwrap =
        [](const crypto::PrivateKey&, ByteView wrapped) {
          const bool fits =
              wrapped.size() >= crypto::kMinEnvelope && wrapped.size() <= crypto::kMaxEnvelope;
          return fits ? crypto::Envelope(wrapped) : crypto::Envelope(ByteView(kSharedOctets));
        },
    .wrap_oaep = [](const crypto::PublicKey&, ByteView key, crypto::Rng&,
                    MutableBytes out) -> Result<size_t> {
      if (out.size() < key.size()) return Err(Error::kTooLong);
      std::copy(key.begin(), key.end(), out.begin());
      return key.size();
    },
    .unwrap_oaep =
        [](const crypto::PrivateKey&, ByteView) {
          return crypto::SecretKey<crypto::kOaepKey>::OfSize(crypto::kOaepKey);
        },
    .dh_generate =
        [](crypto::DhGroup, crypto::Rng& rng, MutableBytes secret, MutableBytes value) {
          rng.Fill(secret);
          rng.Fill(value);
        },
    .dh_agree =
        [](crypto::DhGroup group, ByteView, ByteView peer, MutableBytes shared) {
          if (peer.size() != crypto::DhPublicSize(group)) return false;
          std::copy(peer.begin(), peer.end(), shared.begin());
          return true;
        },
};

inline const crypto::PrivateKey& FuzzKey() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::FromPem(AsBytes(testdata::kEndKey));
  return key;
}

class TrustingDirectory : public Directory {
 public:
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Identity&) const override {
    return &shared_;
  }
  Result<crypto::PublicKey> SigningKeyOf(const Identity&, std::span<const ByteView>,
                                         Instant) const override {
    return FuzzKey().PublicPart();
  }
  Result<crypto::PublicKey> EnvelopeKeyOf(const Identity&, std::span<const ByteView>,
                                          Instant) const override {
    return FuzzKey().PublicPart();
  }
  bool CounterIsNew(const Identity&, uint32_t counter) const override { return counter != 0; }
  void TakeCounter(const Identity&, uint32_t) override { ++counters_; }
  Session* Find(CsbId csb_id, const Identity&) override {
    return known_ != nullptr && csb_id == kKnownCsb ? known_ : nullptr;
  }
  bool Takes(const CsbPolicy& policy) const override { return policy.prot_type == ProtType::kSrtp; }
  std::span<const CsbPolicy> Supported() const override { return {&supported_, 1}; }
  Result<Grant> GrantTo(const Identity& peer, const Csb& asked) override {
    if (peer.data.size() % 7 == 6) return Err(Error::kNotEntitled);
    policies_ = asked.policies;
    grant_.keys = {&key_, 1};
    grant_.policies = policies_.view();
    if (asked.sessions.empty()) {  // a listener: the group's
      grant_.group = true;
      grant_.csb_id = CsbId(7);
      grant_.rand = kSharedOctets;
      grant_.policies = {&supported_, 1};
    }
    return grant_;
  }

  Session* known_ = nullptr;
  int counters_ = 0;

 private:
  crypto::SecretKey<kMaxSharedKey> shared_{ByteView(kSharedOctets)};
  CsbPolicy supported_;
  FixedList<CsbPolicy, kMaxPolicies> policies_;
  KeyDataPayload key_{KeyDataType::kTgk, kTgkOctets, {}, {}};
  Grant grant_;
};

// Party of an identity; `choice` has the bits of a policy.
struct FakeSide {
  FakeSide(const Identity& identity, uint8_t choice) {
    if ((choice & 1) != 0) policy = V1Policy::Legacy();
    policy.require_identities = (choice & 2) == 0;
    suite = crypto::DefaultSuite();
    suite.pk = &kFakePublicSuite;
    self.identity = identity;
    self.signing_key = self.envelope_key = &FuzzKey();
    self.chain = {&certificate, 1};
  }
  FakeSide(const FakeSide&) = delete;
  FakeSide& operator=(const FakeSide&) = delete;

  crypto::Suite suite;
  V1Policy policy;
  ByteView certificate = kTgkOctets;  // nobody looks inside
  Self self;
  TrustingDirectory others;
  Party party{suite, policy, self, others};
  Stamper stamper;
};

// FuzzSessions is a crypto session that the choice wants in either map.
inline std::array<CsbSession, 1> FuzzSessions(uint8_t choice) {
  std::array<CsbSession, 1> sessions;
  sessions[0].cs_id = 1;
  if ((choice & 0x40) != 0) {
    sessions[0].has_seq = true;
    sessions[0].spi = Octets<kMaxSpi>(ByteView(kTgkOctets).first(4));
  }
  return sessions;
}

// ModeOf is the mode that a choice has in bits 2 to 7.
inline Mode ModeOf(uint8_t choice) { return static_cast<Mode>((choice >> 2) % kModeCount); }

inline Offer FuzzOffer(Mode mode, const KeyDataPayload& key, std::span<const CsbSession> sessions,
                       std::span<const CsbPolicy> policies) {
  Offer offer;
  offer.csb_id = kNewCsb;
  offer.sessions = sessions;
  offer.policies = policies;
  if (mode == Mode::kPsk || mode == Mode::kPk) offer.keys = {&key, 1};
  return offer;
}

// KnownBundle of a choice octet, with a peer; whose it is to update is still to be said.
inline Session KnownBundle(uint8_t choice, const Identity& peer) {
  Session session;
  session.mode = ModeOf(choice);
  session.csb.csb_id = kKnownCsb;
  session.csb.rand = Octets<255>(ByteView(kSharedOctets));
  session.shared = crypto::SecretKey<kMaxSharedKey>(ByteView(kSharedOctets));
  session.cache = (choice & 0x80) != 0 ? Cache::kCache : Cache::kNone;
  session.peer = OwnedIdentity(peer);
  return session;
}

}  // namespace keymast::mikey
