// SPDX-License-Identifier: Apache-2.0
// A crypto session bundle as an exchange leaves it with both sides: keys, policies, crypto sessions
// (RFC 3830 §2.3, §4.3.3, §4.4). It owns all that it has; nothing points into a message.
#pragma once

#include <array>

#include "base/fixed_list.h"
#include "base/octets.h"
#include "mikey/kemac.h"

namespace keymast::mikey {

inline constexpr size_t kMaxTgk = 192;  // a secret of DH group OAKLEY 5
inline constexpr size_t kMaxSaltOctets = 32;
inline constexpr size_t kMaxSpi = kSmall ? 8 : 128;  // octets; libsrtp takes no longer MKI
inline constexpr size_t kMaxPolicies = 8;
inline constexpr size_t kMaxPolicyParams = kSmall ? 32 : 255;  // octets
inline constexpr size_t kMaxSessions = 16;

// CsbKey is one key of a bundle, with its validity (RFC 3830 §6.13, §6.14).
struct CsbKey {
  KeyDataType type = KeyDataType::kTgk;
  crypto::SecretKey<kMaxTgk> key;
  crypto::SecretKey<kMaxSaltOctets> salt;  // empty: derived from a TGK where it is needed
  KvType kv = KvType::kNull;
  Octets<kMaxSpi> spi;
  Octets<8> valid_from;
  Octets<8> valid_to;

  bool IsTgk() const { return type != KeyDataType::kTek && type != KeyDataType::kTekSalt; }
};

// CsbPolicy is one SP payload.
struct CsbPolicy {
  uint8_t number = 0;
  ProtType prot_type = ProtType::kSrtp;
  Octets<kMaxPolicyParams> params;

  SpPayload Payload() const { return {number, prot_type, params.view()}; }
};

// CsbSession is one crypto session of the map. `has_seq` and `spi` come from a GENERIC-ID map only.
struct CsbSession {
  uint8_t cs_id = 0;
  uint8_t policy = 0;
  Ssrc ssrc;
  Roc roc;
  bool has_seq = false;
  uint16_t seq = 0;
  Octets<kMaxSpi> spi;
};

using CsbPolicies = FixedList<CsbPolicy, kMaxPolicies>;
using CsbSessions = FixedList<CsbSession, kMaxSessions>;

struct Csb {
  CsbId csb_id;
  PrfFunc prf = PrfFunc::kHmacSha256;
  Octets<255> rand;
  FixedList<CsbKey, kMaxKeys> keys;
  CsbPolicies policies;
  CsbSessions sessions;
};

// TakeKeys puts keys in place of those that the bundle had. kUnsupportedPolicy for more than
// kMaxKeys and for one that does not fit: a key of fewer than 16 or more than kMaxTgk octets, a
// longer salt, SPI or interval.
Status TakeKeys(std::span<const KeyDataPayload> keys, Csb& csb);

// TakePolicies adds the SP payloads of a message, each in place of the one of its number: an update
// may bring some anew (RFC 3830 §4.5). kUnsupportedPolicy for more or longer ones than fit,
// kMalformed for two with one number.
Status TakePolicies(const Message& message, CsbPolicies& policies);

// PutPolicy adds one policy, in place of the one of its number: kUnsupportedPolicy when there is no
// room.
Status PutPolicy(const CsbPolicy& policy, CsbPolicies& policies);

// TakeSessions puts the crypto sessions of a message's map in place of those that the bundle had; a
// message without any leaves them. kUnsupportedPolicy for more than fit, kMalformed for session
// data that cannot be read, a crypto session 0 or 255, or two of one number.
Status TakeSessions(const Header& header, CsbSessions& sessions);

// SessionMap is the written map of at most kMaxSessions crypto sessions; it lives as long as the
// header that points into it. Sessions numbered from 1 without SEQ and SPI go into an SRTP-ID map,
// others into a GENERIC-ID map (RFC 6043 §6.1.1).
class SessionMap {
 public:
  explicit SessionMap(std::span<const CsbSession> sessions);
  // Of the type given; an SRTP-ID map only of sessions that fit one.
  SessionMap(std::span<const CsbSession> sessions, CsIdMapType type);
  void Describe(Header& header) const;

 private:
  static constexpr size_t kMaxEntry = 17 + kMaxSpi;       // of a GENERIC-ID map with one policy
  std::array<uint8_t, kMaxSessions * kMaxEntry> octets_;  // as far as it is written
  size_t size_ = 0;
  uint8_t count_;
  CsIdMapType type_;
};

// PayloadOf shows a key of the bundle as key data; views live as long as the key.
KeyDataPayload PayloadOf(const CsbKey& key);

// DeriveTek fills `tek` for a crypto session: from a TGK by the PRF, of a TEK the octets themselves
// (RFC 3830 §4.1.3). False for a TEK of another length.
bool DeriveTek(const crypto::Suite& suite, const Csb& csb, const CsbKey& key, uint8_t cs_id,
               MutableBytes tek);

// DeriveSalt fills `salt`: the one that came with the key, else derived from the TGK (RFC 3830
// §4.1.3). False for a salt of another length, or a TEK without one.
bool DeriveSalt(const crypto::Suite& suite, const Csb& csb, const CsbKey& key, uint8_t cs_id,
                MutableBytes salt);

// IsCookie is true for an ID that a demultiplexer on a media port takes for STUN's or ZRTP's magic
// cookie (RFC 7983 §7, RFC 6189 §5): no bundle has it.
constexpr bool IsCookie(CsbId id) { return id.value == 0x2112A442 || id.value == 0x5A525450; }

// ChooseCsbId draws an ID that `in_use` does not know, and that is no cookie.
template <class InUse>
CsbId ChooseCsbId(crypto::Rng& rng, InUse in_use) {
  while (true) {
    std::array<uint8_t, 4> octets{};
    rng.Fill(octets);
    const CsbId id(Reader(octets).U32());
    if (!IsCookie(id) && !in_use(id)) return id;
  }
}

}  // namespace keymast::mikey
