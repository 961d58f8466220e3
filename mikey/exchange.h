// SPDX-License-Identifier: Apache-2.0
// One run of a mode, and the messages of each mode as functions over it: a writer and a reader a
// message. The machines (initiator.h, responder.h) decide which is due.
#pragma once

#include "mikey/grammar.h"
#include "mikey/v1.h"

namespace keymast::mikey {

inline constexpr size_t kRandSize = 16;         // octets of RAND that we send (RFC 3830 §6.11)
inline constexpr size_t kEnvelopeKeySize = 32;  // octets of envelope keys that we make

// Offer is what an Initiator wants of a run. Views are borrowed for the call.
struct Offer {
  CsbId csb_id;                          // of a new bundle: see ChooseCsbId
  std::span<const CsbSession> sessions;  // numbered from 1
  std::span<const CsbPolicy> policies;
  std::span<const KeyDataPayload> keys;  // modes kPsk and kPk
  bool wants_answer = true;              // verification message; the other modes have one anyway
  Cache cache = Cache::kNone;            // mode kPk: whether the envelope key is used again
  bool fresh_dh = true;                  // an update of a DH mode: with a new DH value
  KeyValidity dh_validity;               // modes kDh and kDhhmac
  std::optional<uint32_t> counter;       // T is this COUNTER; shared keys only
  std::optional<ByteView> sdp_ids;       // RFC 4567 §4.1.4: the protocols offered in signalling
  std::optional<crypto::Fingerprint> chash;  // mode kPk: the Responder's certificate, SHA-256
  bool send_rand = true;                     // mode kRsar: ours, else the Responder makes one
};

// Exchange is a run as one side sees it. Its session becomes valid when the run ends well.
struct Exchange {
  Session session;
  OwnedIdentity idi;
  OwnedIdentity idr;
  Timestamp t;
  bool has_time = false;         // a Responder could read T
  bool authenticated = false;    // the proof of the message received was good
  bool can_prove = false;        // and we have a key for a proof of ours
  bool update = false;           // of a bundle that exists: no RAND (RFC 3830 §4.5)
  bool asked_with_rand = false;  // mode kRsar: the request brought one
  bool fresh_dh = false;
  DhGroup dh_group = DhGroup::kOakley5;
  crypto::SecretKey<crypto::kDhPrivateSize> dh_private;
  Octets<kMaxTgk> dh_initiator;  // the public values
  Octets<kMaxTgk> dh_responder;

  // Whether this run's messages are PSK messages: those that update a bundle of another mode under
  // a cached envelope key are.
  bool ByPsk() const { return session.mode == Mode::kPsk || (update && session.UpdatesByPsk()); }
  PskContext Context() const {
    return {session.algorithms, session.shared.view(), session.csb.csb_id, session.csb.rand.view()};
  }
  // What V, or SIGNr of mode kRsar, covers behind the message (RFC 3830 §5.2, RFC 4738 §3.6).
  Answered Transcript() const { return {idi.view().data, idr.view().data, t.view()}; }
};

// Received is a message that was parsed and has the form of its data type; nothing of it may be
// believed yet.
struct Received {
  ByteView datagram;
  const Message& message;
  Instant now;

  template <class P>
  const P* Get(size_t index = 0) const {
    return message.Get<P>(index);
  }
};

// Certificates of a message, by what they may be used for (RFC 3830 §6.7): views.
struct Chains {
  FixedList<ByteView, kMaxCertificates> signing;
  FixedList<ByteView, kMaxCertificates> envelope;  // empty: the signing ones serve for both
};
// kUnsupportedPolicy for a certificate given by URL: nothing is fetched here.
Result<Chains> ChainsOf(const Message& message);

// HeaderOf a message of the run, without map; V flag unset.
Header HeaderOf(const Exchange& exchange, DataType data_type);

// Parts says which optional payloads the opening of a message has, in the order of the RFC.
struct Parts {
  bool rand = false;
  bool certificates = false;
};
// AddOpening adds T, RAND, IDi, CERTi, IDr and {SP} of an Initiator's message.
void AddOpening(const Party& party, const Exchange& exchange, const Offer& offer,
                const Parts& parts, ChainWriter& chain);
void AddId(const OwnedIdentity& identity, ChainWriter& chain);  // if it is known
void AddChain(const Self& self, ChainWriter& chain);

// Writers return the length of the message in `out`: kTooLong when it does not fit, or what a key
// or policy is refused for. Readers authenticate first, then fill the run's session. PSK (RFC 3830
// §3.1).
Result<size_t> WritePsk(const Party& party, Exchange& exchange, const Offer& offer,
                        MutableBytes out);
Status ReadPsk(const Party& party, const Received& received, Exchange& exchange);
// PK (§3.2).
Result<size_t> WritePk(const Party& party, Exchange& exchange, const Offer& offer, Instant now,
                       crypto::Rng& rng, MutableBytes out);
Status ReadPk(const Party& party, const Received& received, Exchange& exchange);
// V of both (§6.9).
Result<size_t> WriteAnswer(const Party& party, const Exchange& exchange, MutableBytes out);
Status ReadAnswer(const Party& party, const Received& received, Exchange& exchange);
// DH (§3.3) and DHHMAC (RFC 4650 §3): they differ in the proof alone.
Result<size_t> WriteDhInit(const Party& party, Exchange& exchange, const Offer& offer,
                           crypto::Rng& rng, MutableBytes out);
Status ReadDhInit(const Party& party, const Received& received, crypto::Rng& rng,
                  Exchange& exchange);
Result<size_t> WriteDhResp(const Party& party, const Exchange& exchange, MutableBytes out);
Status ReadDhResp(const Party& party, const Received& received, Exchange& exchange);
// RSA-R (RFC 4738 §3).
Result<size_t> WriteRsarInit(const Party& party, Exchange& exchange, const Offer& offer,
                             MutableBytes out);
Status ReadRsarInit(const Party& party, const Received& received, Exchange& exchange);
// TakeGrant puts what a Responder gives into the session: kInvalidArgument for what no message can
// carry, kPayloadUnexpected for a group whose member proposed policies (RFC 4738 §3.2),
// kUnsupportedPolicy for a policy that one peer did not propose (§3.6).
Status TakeGrant(const Grant& grant, crypto::Rng& rng, Exchange& exchange);
Result<size_t> WriteRsarResp(const Party& party, Exchange& exchange, const Grant& grant,
                             const crypto::PublicKey& envelope_key, crypto::Rng& rng,
                             MutableBytes out);
Status ReadRsarResp(const Party& party, const Received& received, Exchange& exchange);

}  // namespace keymast::mikey
