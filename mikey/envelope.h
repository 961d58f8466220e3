// SPDX-License-Identifier: Apache-2.0
// What the modes PK and RSA-R share: a signed message with an envelope key under RSA in it, and
// keys under the envelope key (RFC 3830 §3.2, §6.2, §6.3).
#pragma once

#include "mikey/exchange.h"
#include "mikey/proofs.h"

namespace keymast::mikey {

// MakeEnvelopeKey draws the run's envelope key.
void MakeEnvelopeKey(crypto::Rng& rng, Session& session);

// AddPke wraps the run's envelope key and adds it.
Status AddPke(const Party& party, const Exchange& exchange, const crypto::PublicKey& key,
              crypto::Rng& rng, ChainWriter& chain);

// CheckSigned finds the signer's key by its identity and certificates and checks the signature.
Status CheckSigned(const Party& party, const Received& received, const Identity& signer,
                   const Appended& appended = {});

// ReadEnvelope opens PKE and KEMAC of a message whose signature is good; `sender` must be the
// identity inside, or is taken from there when it is empty.
Status ReadEnvelope(const Party& party, const Received& received, OwnedIdentity& sender,
                    Exchange& exchange);

}  // namespace keymast::mikey
