// SPDX-License-Identifier: Apache-2.0
// What is asked of a certificate, and how it is shown (MIKEYv2 §6).
#pragma once

#include <optional>

#include "crypto/public_key.h"
#include "mikey/identity.h"
#include "mikey/v2/grammar.h"

namespace keymast::mikey::v2 {

// Shown is how a party says whose key signs (MIKEYv2 §6 rule 4): by its certificates, or by the
// hash of its own or its identity alone, whose certificate the other then has.
enum class Shown : uint8_t { kCertificates, kHash, kNothing };

// Claim is what a certificate should prove.
struct Claim {
  Identity identity;
  bool is_group = false;  // to answer in the name of that group: §6 rule 2
  std::optional<crypto::Fingerprint> fingerprint;  // SDP's (MIKEYv2 §12): it alone counts
  // Before that has come: a certificate counts that is whole in the message, valid and may sign,
  // whoever issued it and whatever it names. Never of a group.
  bool is_provisional = false;
};

}  // namespace keymast::mikey::v2
