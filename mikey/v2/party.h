// SPDX-License-Identifier: Apache-2.0
// What both step machines of version 2 (offerer.h, answerer.h) work with. They are pure: messages,
// time and randomness go in, messages and keys come out. All that is borrowed outlives the
// machines.
#pragma once

#include "base/fixed_list.h"
#include "base/octets.h"
#include "base/time.h"
#include "crypto/public_key.h"
#include "mikey/csb.h"
#include "mikey/mbms.h"
#include "mikey/profile3gpp.h"
#include "mikey/v2/contents.h"
#include "mikey/v2/fragments.h"
#include "mikey/v2/grammar.h"
#include "mikey/v2/protection.h"
#include "mikey/v2/resumption.h"
#include "mikey/v2/small_party.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kRandOctets = 32;  // of RANDs that we send
inline constexpr size_t kTgkOctets = 32;   // of TGKs that we make (MIKEYv2 §3.5)
inline constexpr size_t kMaxOneDatagram = 1232;
inline constexpr size_t kMinFirstCap = 411;   // so that any single datagram may answer it, §2
inline constexpr size_t kMaxFirstCap = 1146;  // so that it fits with cookie and FRESH, §2
// RETRYs that an Offerer follows, §2: at once, and with those beyond them, one in each wait.
inline constexpr size_t kRetriesAtOnce = 3;
inline constexpr size_t kMaxRetries = kRetriesAtOnce + (kSmall ? 0 : 4);
inline constexpr size_t kMaxCookie = 64;
// What an Offerer keeps to send it again. Small: a join by pre-shared key.
inline constexpr size_t kMaxSent = kPskOnly ? 640 : kMaxOneDatagram;
inline constexpr size_t kMaxSdpIds = 64;  // octets of the protocols that SDP offers, §12

using Profiles = FixedList<uint16_t, 4>;  // IANA's numbers of SRTP protection profiles

// Policy is what a party offers and takes, each list in order of preference. An Answerer takes
// nothing that is not in its own lists, and of what both have what the Offerer prefers.
struct Policy {
  FixedList<uint8_t, 6> modes;
  FixedList<uint8_t, 2> prfs;
  FixedList<uint8_t, 3> encrs;
  FixedList<uint8_t, 2> macs;
  FixedList<uint8_t, 3> groups;
  FixedList<uint8_t, 3> signatures;  // that are verified
  Profiles profiles;
  uint32_t features = 0;
  // FRAGMENTs of a message that are taken and sent, 2 to kMaxFragments: then what the machines
  // write needs room for kMaxWhole octets. 0: none, and room for one datagram.
  uint8_t fragments = 0;
  // V of CAP in modes by pre-shared key. Both sides are configured alike: without it a group's keys
  // are in KEYS (MIKEYv2 §1). A CAP that shows a ticket has V always.
  bool uses_v = true;

  // Default has no FRAGMENTs, no SHA-1 and no OAKLEY group (MIKEYv2 §3.3).
  static Policy Default();
  // OfGroup has no modes yet, and the group's own prf, encr and mac: there is one of each for its
  // MTK messages, which a join chooses too (MIKEYv2 §10).
  static Policy OfGroup(const Profile3gpp& profile);
};

constexpr bool IsPskType(Mode mode) {
  return mode == Mode::kPsk || mode == Mode::kDhhmac || mode == Mode::kEarlyDhhmac;
}
// Without certificates no mode by them is offered, for pre-shared keys alone no mode with
// Diffie-Hellman: these are false of all that it goes on with, and what they guard is not linked.
constexpr bool IsSigned(Mode mode) { return kHasCertificates && !IsPskType(mode); }
constexpr bool IsEarly(Mode mode) {
  return !kPskOnly && (mode == Mode::kEarlyDh || mode == Mode::kEarlyDhhmac);
}
constexpr bool HasDh(Mode mode) { return !kPskOnly && mode >= Mode::kDh; }
// IsLate: the Offerer's value is in the finish alone (MIKEYv2 §8).
constexpr bool IsLate(Mode mode) {
  return !kPskOnly && (mode == Mode::kDh || mode == Mode::kDhhmac);
}
// HasTgk: of a session the TGK is in the answer; else it is X (MIKEYv2 §3.5).
constexpr bool HasTgk(Mode mode) { return mode == Mode::kPsk || mode == Mode::kRsa; }
// CryptoGroup is empty for groups that version 2 does not have.
std::optional<crypto::DhGroup> CryptoGroup(DhGroup group);

// RoomOf what the machines write, in octets.
inline size_t RoomOf(const Policy& policy) {
  return policy.fragments == 0 ? kMaxOneDatagram : kMaxWhole;
}

// Choice is what an Answerer chose of an offer (MIKEYv2 §3.3).
struct Choice {
  Mode mode = Mode::kPsk;
  PrfFunc prf = PrfFunc::kHmacSha256;
  EncrAlg encr = EncrAlg::kAesCm256;
  MacAlg mac = MacAlg::kHmacSha256_256;
  DhGroup group = DhGroup::kX25519;                   // modes with Diffie-Hellman
  SignatureType signature = SignatureType::kEd25519;  // SIGNr's, in modes by certificate
  Profiles profiles;                                  // those used
  uint32_t features = 0;
};

// Exchange is one exchange as one side knows it.
struct Exchange {
  Choice choice;
  CsbId csb_id;
  Octets<kMaxRand> rand_i;
  Octets<kMaxRand> rand_r;
  OwnedIdentity offerer;
  OwnedIdentity answerer;
  std::optional<KeyIds> join;     // what CAP says of the group; nothing: unicast
  Octets<kMaxSessionId> session;  // SDP's id, or empty
  Octets<kMaxSdpIds> sdp_ids;     // EXT 1 of a CAP that goes in SDP itself, or empty
  crypto::Key32 psk_v2;
  PeerPublicKey peer_key;                       // of the other's certificate
  [[no_unique_address]] KeptStanding standing;  // of the other
  crypto::DhKey dh;                             // our value
  ExchangeSecret secret;                        // X
  ExchangeSecret tgk;                           // unicast: what the traffic keys follow from
  Digest th{};
  Digest ah{};
  bool was_dh = false;  // a ticket of a DH kind has opened it (MIKEYv2 §11)
  // CAP's proof, that of the chosen mode, was good (MIKEYv2 §1). The Answerer's to know.
  bool is_proved = false;

  bool is_join() const { return join.has_value(); }
  Digest F(const crypto::Suite& suite) const { return FinishHash(suite, th, ah); }
};

// ResumptionOf an exchange that both know to its end, without ticket (MIKEYv2 §11).
Resumption ResumptionOf(const crypto::Suite& suite, const Exchange& exchange, Instant expiry);

// MixSecret makes X of the modes with Diffie-Hellman from our value and the peer's, and the TGK of
// it (MIKEYv2 §3.5, §4.4): false for a value that no secret follows from.
bool MixSecret(const crypto::Suite& suite, ByteView peer_value, Exchange& exchange);

// The rows of MIKEYv2 §4.4. The exchange outlives what they return.
Protection OfCap(const Exchange& exchange);
Protection OfAnswer(const Exchange& exchange);
Protection OfFinish(const crypto::Suite& suite, const Exchange& exchange);
Protection OfKeys(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r);
Protection OfErrorInsteadOfAnswer(const Exchange& exchange, ByteView rand_r);

// UnicastSession is what an exchange leaves between two parties (MIKEYv2 §9).
struct UnicastSession {
  CsbId csb_id;
  PrfFunc prf = PrfFunc::kHmacSha256;
  ExchangeSecret tgk;
  Octets<kMaxRand> rand_i;
  Octets<kMaxRand> rand_r;
  Digest f{};
  CsbSessions sessions;
  CsbPolicies policies;

  // TrafficKeys fills master key and salt of a crypto session, as long as its profile wants them.
  void TrafficKeys(const crypto::Suite& suite, uint8_t cs_id, MutableBytes key,
                   MutableBytes salt) const;
};

// SessionOf a unicast exchange that both sides know to its end; `streams` are those of the answer.
struct Streams;
UnicastSession SessionOf(const crypto::Suite& suite, const Exchange& exchange,
                         const Streams& streams);

// CsIdOf is the crypto session of a stream, counted from 0, in one direction (MIKEYv2 §9).
constexpr uint8_t CsIdOf(size_t stream, bool from_offerer) {
  return static_cast<uint8_t>(2 * stream + (from_offerer ? 1 : 2));
}

// TakeStreams reads map and policies of a message that brings streams: kMalformed for policies that
// the map does not name, or two of one number, and what TakeSessions refuses.
struct Streams {
  CsbSessions sessions;
  CsbPolicies policies;
};
Status TakeStreams(const Message& message, Streams& streams);

// IsComplete is true when the streams are exactly those that were offered (MIKEYv2 §9).
bool IsComplete(const Streams& streams, const Capabilities& offer);

// HeadUpTo is the part of a datagram before a field of it.
inline ByteView HeadUpTo(ByteView datagram, ByteView field) {
  return datagram.first(static_cast<size_t>(field.data() - datagram.data()));
}

}  // namespace keymast::mikey::v2
