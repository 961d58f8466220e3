// SPDX-License-Identifier: Apache-2.0
// What is inside a KEMAC of version 2 when it is decrypted (MIKEYv2 §3.5).
#pragma once

#include "base/fixed_list.h"
#include "mikey/key_payloads.h"
#include "mikey/v2/extensions.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kMaxPlain = kSmall ? 1152 : 2048;  // octets; small: of one datagram
// Octets of Encr data: key wrap adds up to 15 (RFC 5649 §4.1).
inline constexpr size_t kMaxEncrypted = kMaxPlain + 8;
inline constexpr size_t kMaxGivenKeys = kSmall ? 10 : 16;
inline constexpr size_t kMaxPathKeys = 24;  // of a leaf (MIKEYv2 §14)
inline constexpr size_t kMaxMsks = 2;       // the active one and the one that is announced
inline constexpr size_t kGroupRandSize = 16;

// Contents in the order in which they stand. Views point into what was read, or are borrowed until
// it is written.
struct Contents {
  std::optional<IdrPayload> sender;  // of RSA_RESP
  FixedList<KeyDataPayload, kMaxGivenKeys> keys;
  FixedList<ByteView, kMaxMsks> rands;  // the k-th belongs to the k-th MSK, as does the k-th state
  std::optional<CsbId> csb_id;          // of the group
  FixedList<MskState, kMaxMsks> msks;
  std::optional<MemberState> member;
};

// WriteContents returns the length, none for nothing: kTooLong when it does not fit.
Result<size_t> WriteContents(const Contents& contents, MutableBytes out);

// ReadContents reads the chain that must fill `plain`; it begins with the sender in RSA_RESP alone.
// kMalformed for all that is not in its place, too much of it, key data of a type that version 2
// does not have, and keys of lengths that nobody uses.
Result<Contents> ReadContents(ByteView plain, bool has_sender);
// The same in place: after an error there is nothing in `contents` to be used.
Status ReadContents(ByteView plain, bool has_sender, Contents& contents);

}  // namespace keymast::mikey::v2
