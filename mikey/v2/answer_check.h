// SPDX-License-Identifier: Apache-2.0
// What an Offerer checks of an answer up to what its KEMAC hides, in the order of MIKEYv2 §7. No
// call changes anything of an exchange but the copy that it is given.
#pragma once

#include "mikey/v2/credentials.h"
#include "mikey/v2/dh_pool.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// Received is a datagram for an Offerer.
struct Received {
  ByteView datagram;
  const Message& message;
  Instant now;
};

// Awaited is what an answer is held against; borrowed.
struct Awaited {
  const crypto::Suite& suite;
  const Capabilities& offer;
  std::span<const Digest> hashes;  // TH of each CAP that was sent
  const Trust* trust = nullptr;    // null: no mode by certificate was offered
  Signer signer;                   // who opens RSA's envelope
  std::optional<crypto::Fingerprint> fingerprint;
  bool takes_provisional = false;
  DhPool* pool = nullptr;
  crypto::Rng& rng;
};

// FormOf an answer by what it says that was chosen: whether it may be is checked then.
Result<Form> FormOf(const Message& message);

// CheckChoice fills the exchange's choice from an answer (MIKEYv2 §3.3): one value a TLV, each from
// the list that was offered, agreeing with the message. kPolicyViolation otherwise.
Status CheckChoice(const Awaited& awaited, const Received& received, const Parts& parts,
                   Exchange& answered);

// ProveAnswer checks who answers and finds, by the proof, the CAP that was answered: RANDr, TH, X
// and the peer's key are then in the exchange. An error of Trust::Judge, kUnknownIdentity,
// kMalformed for a value that no secret follows from, kAuthenticationFailed.
Status ProveAnswer(const Awaited& awaited, const Received& received, const Parts& parts,
                   Exchange& answered);

// ProveError of an ERROR in place of an answer: by V under the pre-shared key, or by SIGN of who
// may answer (MIKEYv2 §13).
Status ProveError(const Awaited& awaited, const Received& received, const Parts& parts,
                  const Exchange& exchange);

}  // namespace keymast::mikey::v2
