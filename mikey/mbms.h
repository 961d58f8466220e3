// SPDX-License-Identifier: Apache-2.0
// MSK, MSK verification and MTK messages in 3GPP form (TS 33.246 §6.4.5; RFC 3830, RFC 4563), for
// sender and receiver. Opening asks for no memory of its own: views point into the datagram.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "base/error.h"
#include "crypto/primitives.h"
#include "mikey/profile3gpp.h"

namespace keymast::mikey {

inline constexpr size_t kMaxStreams = 16;

// SpParam is one parameter of an SP payload with a one-octet value (RFC 3830 §6.10.1).
struct SpParam {
  uint8_t type = 0;
  uint8_t value = 0;
};

// StreamSync is one entry of the SRTP-ID map (RFC 3830 §6.1.1).
struct StreamSync {
  uint8_t policy = 0;
  Ssrc ssrc;
  Roc roc;
};

// KeyIds is the Key ID information extension (RFC 4563 §4); MSK messages have no MTK ID.
struct KeyIds {
  KeyDomainId domain;
  MskId msk;
  std::optional<MtkId> mtk;
};

// MskMessage is what a sender puts in. Views are borrowed for the call.
struct MskMessage {
  KeyIds ids;
  CsbId csb_id;
  uint32_t counter = 0;  // COUNTER under the user key
  ByteView rand;         // group RAND, 16 octets
  ByteView idi;
  ByteView idr;
  std::span<const SpParam> policy;      // SP payload number 0; empty: none
  std::span<const StreamSync> streams;  // at most kMaxStreams
  ByteView msk;                         // 16 to 32 octets
  MtkId low;                            // KV interval: SEQl, SEQu
  MtkId high;
};

// Write functions return the message's length in `out`; kTooLong when it does not fit.
Result<size_t> WriteMskMessage(const crypto::Suite& suite, const Profile3gpp& profile,
                               const MskMessage& message, ByteView user_key, MutableBytes out);

struct MtkMessage {
  KeyIds ids;            // with MTK ID
  CsbId csb_id;          // the one of the MSK message
  uint32_t counter = 0;  // COUNTER under the MSK
  ByteView msk_rand;     // RAND of the MSK message: enters the derivation, is not sent
  ByteView key;          // SRTP master key
  ByteView salt;         // SRTP master salt, 12 or 14 octets
};
Result<size_t> WriteMtkMessage(const crypto::Suite& suite, const Profile3gpp& profile,
                               const MtkMessage& message, ByteView msk, MutableBytes out);

struct Verification {
  CsbId csb_id;
  uint32_t counter = 0;  // of the MSK message answered
  ByteView idi;          // not sent, enters the MAC
  ByteView idr;
  ByteView rand;                        // of the MSK message: enters the key derivation
  std::span<const StreamSync> streams;  // map copied from the MSK message (TS 33.246 §6.4.5.2)
};
Result<size_t> WriteVerification(const crypto::Suite& suite, const Profile3gpp& profile,
                                 const Verification& message, ByteView user_key, MutableBytes out);

// MessageKind tells the three apart before anything is authenticated (TS 33.246 §6.4.6).
enum class MessageKind : uint8_t { kMsk, kMtk, kVerification };

// Unverified is a parsed message nobody may believe yet; it serves to find the key and to check the
// counter before the cost of a MAC. Views point into the datagram.
struct Unverified {
  MessageKind kind = MessageKind::kMsk;
  CsbId csb_id;
  uint32_t counter = 0;
  KeyIds ids;                       // kMsk, kMtk
  ByteView rand;                    // kMsk
  ByteView idi;                     // kMsk
  ByteView idr;                     // kMsk, kVerification
  bool wants_verification = false;  // V flag
  PrfFunc prf = PrfFunc::kMikey1;
  ByteView datagram;
};

// Inspect parses a whole datagram strictly (grammar, limits, no trailing octets) as one of the
// three messages; errors name the reason of the discard.
Result<Unverified> Inspect(ByteView datagram);

struct OpenedMsk {
  crypto::Key32 msk;
  MtkId low;
  MtkId high;
  std::array<StreamSync, kMaxStreams> streams{};
  size_t stream_count = 0;
  std::array<SpParam, 32> policy{};
  size_t policy_count = 0;
};
// OpenMsk verifies the MAC, then decrypts: kAuthenticationFailed, kDecryptionFailed (what was
// decrypted is not a key), kUnsupportedAlgorithm (other than the profile's).
Result<OpenedMsk> OpenMsk(const crypto::Suite& suite, const Profile3gpp& profile,
                          const Unverified& message, ByteView user_key);

struct OpenedMtk {
  crypto::Key32 key;
  crypto::Salt14 salt;
};
Result<OpenedMtk> OpenMtk(const crypto::Suite& suite, const Profile3gpp& profile,
                          const Unverified& message, ByteView msk, ByteView msk_rand);

// VerificationOf an MSK message says what answers it: its CSB ID, map and COUNTER (RFC 3830 §3.1,
// TS 33.246 §6.4.5.2). It looks into both.
inline Verification VerificationOf(const Unverified& message, const OpenedMsk& opened) {
  return {message.csb_id, message.counter, message.idi,
          message.idr,    message.rand,    std::span(opened.streams).first(opened.stream_count)};
}

// CheckVerification verifies the V payload: kAuthenticationFailed.
Status CheckVerification(const crypto::Suite& suite, const Profile3gpp& profile,
                         const Unverified& message, ByteView idi, ByteView rand, ByteView user_key);

// WriteMki spells MSK ID || MTK ID, with the key domain in front when the profile says so; returns
// 6 or 9.
size_t WriteMki(const Profile3gpp& profile, const KeyIds& ids, std::span<uint8_t, 9> out);

}  // namespace keymast::mikey
