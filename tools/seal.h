// SPDX-License-Identifier: Apache-2.0
// The `seal` of a KEMAC or V in a description: what is encrypted and authenticated, under which
// key.
#pragma once

#include <deque>

#include "crypto/primitives.h"
#include "mikey/message.h"
#include "tools/authenticate.h"
#include "tools/description.h"
#include "tools/key_file.h"

namespace keymast::tools {

// Told is what a message, or an earlier one of its CSB ID, says that a MAC hangs on. A message's
// own RAND, identities and T come first; octets are copies.
struct Told {
  std::optional<Bytes> rand;
  std::optional<Bytes> idi;
  std::optional<Bytes> idr;
  std::optional<Bytes> timestamp;
  mikey::TsType ts_type = mikey::TsType::kNtpUtc;  // of the timestamp
};

// TellFrom fills what is open from the payloads of a description.
void TellFrom(const Json& payloads, Told& told);

// SealContext is what all seals of a message share.
struct SealContext {
  const crypto::Suite& suite;
  const Keys& keys;
  const mikey::Header& header;
  const Told& own;      // of the message
  const Told& earlier;  // of the message before it, for a V
};

// EncryptSealed gives a KEMAC's Encr data: `keys` (behind `id`) or `plain`, under the key `key`.
tl::expected<Bytes, Failure> EncryptSealed(const SealContext& context, const Json& seal,
                                           mikey::EncrAlg alg);

// Sealed is where a MAC is to be put when all else is written.
struct Sealed {
  const Json* seal;
  mikey::MacAlg alg;
  bool is_v;
  size_t begin;   // of the payload
  size_t mac_at;  // its last field
  size_t mac_size;
};

// PutMac computes the MAC over the message as it is and puts it into its place.
tl::expected<void, Failure> PutMac(const SealContext& context, const Sealed& sealed,
                                   MutableBytes message);

}  // namespace keymast::tools
