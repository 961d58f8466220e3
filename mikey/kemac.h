// SPDX-License-Identifier: Apache-2.0
// What a pre-shared key protects: key data sealed in a KEMAC that closes the message with a MAC
// (RFC 3830 §3.1, §4.2.3, §5.2, §6.2), and the V payload that answers it (§6.9).
#pragma once

#include "mikey/key_data.h"
#include "mikey/message.h"
#include "mikey/prf.h"

namespace keymast::mikey {

// PskContext is what both sides know. Views are borrowed for the call.
struct PskContext {
  Algorithms algorithms;
  ByteView psk;  // 16 to 32 octets
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
// kInvalidArgument for a PSK outside 16..32 octets, kMalformed for a short RAND.
Status CheckContext(const PskContext& context, const PskPolicy& policy);

// CloseWithKemac encrypts `key_data`, adds it as KEMAC and closes the chain with the MAC over
// everything before; returns the message's length. `timestamp` is the T payload's value. kTooLong,
// or an error of CheckContext.
Result<size_t> CloseWithKemac(const crypto::Suite& suite, const PskContext& context,
                              ChainWriter& chain, ByteView timestamp,
                              const KeyDataPayload& key_data, const PskPolicy& policy = {});

inline constexpr size_t kMaxKeys = 8;

// OpenedKeys holds decrypted key data; the sub-payloads point into it, so it stays where it is.
class OpenedKeys {
 public:
  OpenedKeys() = default;
  OpenedKeys(const OpenedKeys&) = delete;
  OpenedKeys& operator=(const OpenedKeys&) = delete;
  std::span<const KeyDataPayload> keys() const { return std::span(keys_).first(count_); }

 private:
  friend Status OpenKemac(const crypto::Suite&, const PskContext&, ByteView, const Message&,
                          OpenedKeys&, const PskPolicy&);
  crypto::SecretKey<255> plain_;
  std::array<KeyDataPayload, kMaxKeys> keys_;
  size_t count_ = 0;
};

// OpenKemac verifies the MAC over `datagram`, of which `message` was parsed, then decrypts and
// reads the key data: kUnsupportedAlgorithm (also when the message's algorithms are not the
// context's), kTooLong, kAuthenticationFailed, kDecryptionFailed (what was decrypted is not a chain
// of keys), or an error of CheckContext.
Status OpenKemac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                 const Message& message, OpenedKeys& opened, const PskPolicy& policy = {});

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

// CheckV compares V's data in constant time: kPayloadMissing, kUnsupportedAlgorithm (NULL under any
// policy: it confirms nothing), kAuthenticationFailed.
Status CheckV(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
              const Message& message, const Answered& answered);

}  // namespace keymast::mikey
