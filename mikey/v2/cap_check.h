// SPDX-License-Identifier: Apache-2.0
// What an Answerer makes of a CAP that may cost something: its proofs strike modes, then one is
// chosen (MIKEYv2 §7). Nothing of the Answerer changes here.
#pragma once

#include "mikey/v2/credentials.h"
#include "mikey/v2/decoy_keys.h"
#include "mikey/v2/directory.h"
#include "mikey/v2/fresh.h"
#include "mikey/v2/tickets.h"

namespace keymast::mikey::v2 {

// FirstMessage is a CAP under way, with the exchange that it may open.
struct FirstMessage {
  ByteView datagram;
  ByteView address;
  Instant now;
  const Header& header;
  Parts parts;
  Capabilities offer;
  std::optional<KeyIds> join;
  bool address_proved = false;
  Exchange exchange;

  Asked asked() const;
};

// Answering is what an Answerer judges with; borrowed.
struct Answering {
  const crypto::Suite& suite;
  const Policy& policy;
  const Directory& others;
  const Credentials* credentials;  // null: no mode by certificate
  const Tickets* tickets;          // null: nothing is resumed
  ByteView nobodys_key;            // for the V of who is not known
  const DecoyKeys& decoys;         // for the SIGN of whose certificate is not known
  const Fresh& fresh;
};

// Judged is what the proofs of a CAP are worth.
struct Judged {
  bool v_good = false;
  bool sign_good = false;
  bool strikes_psk = false;        // modes 1, 4, 6
  bool strikes_pk = false;         // modes 2, 3, 5
  bool lacks_certificate = false;  // by hash or name CAP shows none that we have and SIGN proves
  bool may_encrypt = false;        // the Offerer's certificate is good for an envelope
  std::optional<crypto::Fingerprint> fingerprint;  // SDP's
  Standing certificate;                            // the Offerer's
  std::optional<Resumption> resumed;
  Signer signer;                   // of ours whose type the Offerer verifies
  std::optional<uint32_t> leaves;  // of whoever CAP names, if it has left or was removed

  // MIKEYv2 §13: V or SIGN of ours is due to who has proved itself, where the Offerer takes it.
  bool CanProveErrors() const { return v_good || (sign_good && signer.credential != nullptr); }
  // Proves is true where CAP's proof, that of the mode, was good.
  bool Proves(Mode mode) const { return IsPskType(mode) ? v_good : sign_good; }
  // ComesBack by the answer alone, for which a recorded CAP would do. In the other modes the finish
  // decides, and nobody hears without proof that a member has left (MIKEYv2 §8).
  bool ComesBack(Mode mode) const { return leaves && !IsLate(mode) && Proves(mode); }
  // What FRESH is for (MIKEYv2 §8).
  Fresh::Tail Tail(const FirstMessage& cap) const;
};

// Judge checks V and SIGN; the exchange has the keys that they were good for.
Judged Judge(const Answering& answering, FirstMessage& cap);

// Choose fills the exchange's choice: of what both take what the Offerer prefers.
// kAuthenticationFailed when modes were struck and none is left, kUnknownKey for a certificate that
// is not known, kReplayed when FRESH is missing or not good, kUnsupportedPolicy.
Status Choose(const Answering& answering, const Judged& judged, FirstMessage& cap);

}  // namespace keymast::mikey::v2
