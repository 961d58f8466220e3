// SPDX-License-Identifier: Apache-2.0
// What a shared key protects: key data sealed in a KEMAC that closes the message with a MAC (RFC
// 3830 §3.1, §4.2.3, §5.2, §6.2), or that stands in a signed message under an envelope key (§3.2),
// and the V payload that answers either (§6.9).
#pragma once

#include "mikey/key_data.h"
#include "mikey/message.h"
#include "mikey/prf.h"

namespace keymast::mikey {

inline constexpr size_t kMinSharedKey = 16;
inline constexpr size_t kMaxSharedKey = 128;  // what an envelope may hold; a PSK seldom has over 32

// PskContext is what both sides know. Views are borrowed for the call.
struct PskContext {
  Algorithms algorithms;
  ByteView psk;  // pre-shared or envelope key, kMinSharedKey to kMaxSharedKey octets
  CsbId csb_id;
  ByteView rand;
};

// PskPolicy is what a receiver accepts beyond its algorithms. Only tests against other
// implementations change it: NULL encryption and NULL MAC protect nothing (RFC 3830 §4.2.3).
struct PskPolicy {
  bool allow_null = false;
  size_t min_rand = kMinRand;
};

// AlgorithmsOf a message that has a KEMAC: as labelled, supported or not.
Algorithms AlgorithmsOf(const Header& header, const KemacPayload& kemac);

// CheckContext is kUnsupportedAlgorithm for algorithms we do not speak or the policy forbids,
// kInvalidArgument for a key of another length, kMalformed for a short RAND.
Status CheckContext(const PskContext& context, const PskPolicy& policy);

// CloseWithKemac encrypts `keys`, adds them as KEMAC and closes the chain with the MAC over
// everything before; returns the message's length. `t` is the message's T. kTooLong, or an error of
// CheckContext.
Result<size_t> CloseWithKemac(const crypto::Suite& suite, const PskContext& context,
                              ChainWriter& chain, const TPayload& t,
                              std::span<const KeyDataPayload> keys, const PskPolicy& policy = {});

// AddEnvelopedKemac adds the KEMAC of the public-key modes: the sender's identity in front of the
// keys, a MAC over the KEMAC payload alone, taken as the last one (RFC 3830 §6.2). Errors as
// CloseWithKemac.
Status AddEnvelopedKemac(const crypto::Suite& suite, const PskContext& context, ChainWriter& chain,
                         const TPayload& t, const IdPayload& sender,
                         std::span<const KeyDataPayload> keys);

// Coverage is what a KEMAC's MAC is computed over.
enum class Coverage {
  kMessage,  // RFC 3830 §5.2: everything but the MAC itself, which closes the message
  kKemac,    // RFC 3830 §6.2, public-key modes: the payload, its `next payload` taken as 0
};
// CoveredOctets are those of `datagram`, of which `kemac` was parsed.
std::array<ByteView, 2> CoveredOctets(ByteView datagram, const KemacPayload& kemac,
                                      Coverage coverage);

inline constexpr size_t kMaxKeys = 8;
inline constexpr size_t kMaxKeyData = 512;  // octets of key data in a message

// OpenedKeys holds decrypted key data; the sub-payloads point into it, so it stays where it is.
class OpenedKeys {
 public:
  OpenedKeys() = default;
  OpenedKeys(const OpenedKeys&) = delete;
  OpenedKeys& operator=(const OpenedKeys&) = delete;
  std::span<const KeyDataPayload> keys() const { return std::span(keys_).first(count_); }
  // The identity in front of the keys, in the public-key modes.
  const IdPayload& sender() const { return sender_; }
  // All that was decrypted.
  ByteView plain() const { return plain_.view(); }

 private:
  friend class KemacOpener;
  crypto::SecretScratch<kMaxKeyData> plain_;
  std::array<KeyDataPayload, kMaxKeys> keys_;
  size_t count_ = 0;
  IdPayload sender_;
};

// OpenKemac verifies the MAC over `datagram`, of which `message` was parsed, then decrypts and
// reads the key data: kUnsupportedAlgorithm (also when the message's algorithms are not the
// context's), kTooLong, kAuthenticationFailed, kDecryptionFailed (what was decrypted is not a chain
// of keys), or an error of CheckContext.
Status OpenKemac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                 const Message& message, OpenedKeys& opened, const PskPolicy& policy = {});

// OpenEnvelopedKemac is OpenKemac for what AddEnvelopedKemac wrote.
Status OpenEnvelopedKemac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                          const Message& message, OpenedKeys& opened);

// Answered is what the MAC of a V payload covers beside the message that carries it: the two
// identities (empty where a peer leaves them out) and the T value, as it was transported, of the
// message answered (RFC 3830 §5.2; the RFC is silent on the width of a COUNTER here).
struct Answered {
  ByteView idi;
  ByteView idr;
  ByteView timestamp;
};

// ComputeV fills V's data; `head` is the message up to it.
void ComputeV(const crypto::Suite& suite, const PskContext& context, ByteView head,
              const Answered& answered, MutableBytes out);

// CloseWithV adds V and closes the chain with it; returns the message's length. kTooLong, or an
// error of CheckContext.
Result<size_t> CloseWithV(const crypto::Suite& suite, const PskContext& context, ChainWriter& chain,
                          const Answered& answered);

// CheckV compares V's data in constant time: kPayloadMissing, kUnsupportedAlgorithm (NULL under any
// policy: it confirms nothing), kAuthenticationFailed.
Status CheckV(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
              const Message& message, const Answered& answered);

}  // namespace keymast::mikey
