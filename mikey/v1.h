// SPDX-License-Identifier: Apache-2.0
// MIKEY version 1 between two parties: what both step machines (initiator.h, responder.h) work
// with. They are pure: messages, time and randomness go in, messages and keys come out. All that is
// borrowed here outlives the machines.
#pragma once

#include <optional>

#include "crypto/public_suite.h"
#include "mikey/csb.h"
#include "mikey/identity.h"
#include "mikey/timestamp.h"

namespace keymast::mikey {

// Mode is how the keys come to both sides.
enum class Mode : uint8_t {
  kPsk,     // RFC 3830 §3.1: the Initiator sends keys under a pre-shared key
  kPk,      // RFC 3830 §3.2: the Initiator sends keys under the Responder's RSA key
  kDh,      // RFC 3830 §3.3: Diffie-Hellman, signed
  kDhhmac,  // RFC 4650: Diffie-Hellman, authenticated by a pre-shared key
  kRsar,    // RFC 4738: the Responder sends keys under the Initiator's RSA key
};
inline constexpr size_t kModeCount = 5;

// SignatureHash is not on the wire: RFC 3830 §4.2.1 has SHA-1 as the default, both sides must be
// configured alike.
enum class SignatureHash : uint8_t { kSha1, kSha256 };

// V1Policy is what a party sends and takes. The default leaves out what is of SHA-1's age; Legacy()
// is RFC 3830's mandatory set.
struct V1Policy {
  Algorithms algorithms{PrfFunc::kHmacSha256, EncrAlg::kAesCm256, MacAlg::kHmacSha256_256};
  SignatureType signature = SignatureType::kRsaPkcs1;
  SignatureHash signature_hash = SignatureHash::kSha256;
  DhGroup dh_group = DhGroup::kOakley5;
  TsType timestamps = TsType::kNtpUtc;  // of messages without a counter

  // MIKEY-1, HMAC-SHA-1-160, PKCS#1 signatures over SHA-1, certificates named by it (CHASH).
  bool take_sha1 = false;
  bool take_oakley1 = false;  // 768 bits
  bool take_oakley2 = false;  // 1,024 bits
  std::array<bool, kModeCount> modes{true, true, true, true, true};
  // Without it parties who are known otherwise may be left out of messages (RFC 3830 §3.1): then
  // somebody else can be made to take a message that was not for them (§9.5).
  bool require_identities = true;
  bool send_errors = true;  // to whom did not authenticate; never set it for multicast

  static V1Policy Legacy();
  bool TakesMode(Mode mode) const { return modes[static_cast<size_t>(mode)]; }
  bool Takes(const Algorithms& offered) const;
  bool Takes(DhGroup group) const;
  bool Takes(HashFunc certificate_hash) const;
};

// Self is who we are.
struct Self {
  Identity identity;
  // Keys are RSA's: those of another kind are as good as none.
  const crypto::PrivateKey* signing_key = nullptr;   // modes kPk, kDh, kRsar
  const crypto::PrivateKey* envelope_key = nullptr;  // opens PKE; may be the signing key
  std::span<const ByteView> chain;                   // certificates to send, our own first; DER
  // What a CHASH for us must name: SHA-256 of our certificate, and SHA-1 where that is taken.
  std::optional<crypto::Fingerprint> envelope_certificate;
  std::optional<std::array<uint8_t, crypto::HashSize(crypto::Hash::kSha1)>>
      envelope_certificate_sha1;
};

// Session is a bundle with what it takes to update it (RFC 3830 §4.5).
struct Session {
  Csb csb;
  Mode mode = Mode::kPsk;
  OwnedIdentity peer;
  // Updates come from one side only, who gave the keys: both would encrypt under one key and could
  // use one timestamp.
  bool updates_from_us = false;
  Algorithms algorithms;
  crypto::SecretKey<kMaxSharedKey> shared;  // pre-shared or envelope key
  Cache cache = Cache::kNone;               // whether an envelope key may be used again

  // The key of later PSK messages of this bundle: a pre-shared key, or a cached envelope key, under
  // which an update must be a PSK message (RFC 3830 §4.5).
  bool UpdatesByPsk() const {
    return mode == Mode::kPsk || (!shared.empty() && cache != Cache::kNone);
  }
};

// Grant is what a Responder of mode kRsar gives. Views live until the answer is written.
struct Grant {
  bool group = false;  // RFC 4738 §3.2: CSB ID, RAND and policies are the Responder's
  CsbId csb_id;        // of a group
  ByteView rand;       // of a group, kMinRand to 255 octets
  std::span<const KeyDataPayload> keys;  // 1 to kMaxKeys
  // At most kMaxPolicies. To one peer only policies that it proposed (RFC 4738 §3.6); empty: the
  // first of them that the directory takes. To a group at least one.
  std::span<const CsbPolicy> policies;
  std::span<const CsbSession> sessions;  // at most kMaxSessions; empty: those of the request
  Cache cache = Cache::kNone;
};

// Directory is what a party knows of others. No call may change anything before the message is
// authenticated but those whose comment says so.
class Directory {
 public:
  virtual ~Directory() = default;

  // The key shared with a peer, kMinSharedKey to kMaxSharedKey octets; null for a stranger. An
  // empty identity asks for the key of the channel on which the message came.
  virtual const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Identity& peer) const = 0;

  // The key that proves a peer's signatures, or under which an envelope for it goes: from the
  // certificates that came (end certificate first, unverified, maybe none) or from what is known.
  // kUnknownIdentity, kCertificateUntrusted, kCertificateExpired, kCertificateRevoked, and whatever
  // else a certificate is refused for. A key that is not RSA's is kUnsupportedAlgorithm to the
  // machine.
  virtual Result<crypto::PublicKey> SigningKeyOf(const Identity& peer,
                                                 std::span<const ByteView> chain,
                                                 Instant now) const = 0;
  virtual Result<crypto::PublicKey> EnvelopeKeyOf(const Identity& peer,
                                                  std::span<const ByteView> chain,
                                                  Instant now) const = 0;

  // A COUNTER is new when it is above every one that was taken from the peer (TS 33.246 §6.4.4 has
  // the same rule). TakeCounter remembers an authenticated one, durably, before the reply leaves.
  virtual bool CounterIsNew(const Identity& peer, uint32_t counter) const = 0;
  virtual void TakeCounter(const Identity& peer, uint32_t counter) = 0;

  // The bundle that a message without RAND updates; null: none. A CSB ID is unique between two
  // parties only: of two bundles the one with the peer; an empty identity means the channel on
  // which the message came. The machine checks that the bundle is the peer's. The pointer is good
  // until Receive returns.
  virtual Session* Find(CsbId csb_id, const Identity& peer) = 0;

  // Fills in, before the answer, what the Initiator left to us: SSRC 0 of the streams that we send
  // (RFC 3830 §6.1.1).
  virtual void CompleteSessions(const Identity&, std::span<CsbSession>) {}

  // Whether a policy is one of ours (RFC 3830 §5.1.1), and ours for the error message that says no.
  virtual bool Takes(const CsbPolicy&) const { return true; }
  virtual std::span<const CsbPolicy> Supported() const { return {}; }

  // Whether the authenticated list of the key management protocols that were offered in signalling
  // is the one that came there (RFC 4567 §4.1.4); empty: the message has none.
  virtual bool TakesSdpIds(ByteView) const { return true; }

  // What a peer gets in mode kRsar; `asked` has what the request brought. kNotEntitled, or any
  // other reason.
  virtual Result<Grant> GrantTo(const Identity&, const Csb&) { return Err(Error::kNotEntitled); }
};

// Party is one side. Borrowed throughout.
struct Party {
  const crypto::Suite& suite;
  const V1Policy& policy;
  const Self& self;
  Directory& others;
};

}  // namespace keymast::mikey
