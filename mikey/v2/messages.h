// SPDX-License-Identifier: Apache-2.0
// The messages of an exchange as they are written (MIKEYv2 §3.4). Each returns its length in `out`,
// and is kTooLong when it does not fit there.
#pragma once

#include "mikey/v2/credentials.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// CapProofs is how CAP is closed.
struct CapProofs {
  bool has_v = false;  // by the exchange's pre-shared key
  Signer signer;       // who is shown; nobody in modes by pre-shared key alone
  bool has_sign = false;
};

// WriteCap has DH where the exchange has a value.
Result<size_t> WriteCap(const crypto::Suite& suite, const Exchange& exchange,
                        const Capabilities& offer, const CapProofs& proofs, MutableBytes out);

// Given is what an answer brings. Streams and contents are empty where they come in KEYS.
struct Given {
  const Streams& streams;
  const Contents& contents;
  ByteView envelope;      // of mode RSA: X under the Offerer's key
  Signer signer;          // of modes by certificate
  uint8_t fragments = 0;  // that we take; 0: not stated
};
Result<size_t> WriteAnswer(const crypto::Suite& suite, const Exchange& exchange, const Given& given,
                           MutableBytes out);
// MeasureAnswer is the length that WriteAnswer would have, before any work with keys: `out` is
// written over. The exchange needs neither RANDr nor value nor secrets, `given` no envelope.
Result<size_t> MeasureAnswer(const crypto::Suite& suite, const Exchange& exchange,
                             const Given& given, MutableBytes out);
// WriteFinish has SIGN in mode DH alone.
Result<size_t> WriteFinish(const crypto::Suite& suite, const Exchange& exchange,
                           const Signer& signer, MutableBytes out);
// WriteKeys answers a finish; `rand_r` is drawn for it alone. `fresh` is for the next exchange, or
// empty.
Result<size_t> WriteKeys(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r,
                         const Streams& streams, const Contents& contents, MutableBytes out,
                         ByteView fresh = {});

// WriteRetry is kTooLong where it would be longer than `out`: never longer than its cause. `fresh`
// may be empty.
Result<size_t> WriteRetry(CsbId csb_id, ByteView rand_i, ByteView cookie, ByteView fresh,
                          MutableBytes out);

// WriteFragmentRetry answers the first FRAGMENT of a CAP.
Result<size_t> WriteFragmentRetry(CsbId csb_id, const FragmentPayload& fragment, ByteView cookie,
                                  ByteView fresh, MutableBytes out);

// WriteHint stands in place of an answer, without proof.
Result<size_t> WriteHint(const Exchange& exchange, ErrorNumber number, MutableBytes out);
// WriteError stands in place of an answer: proven by V, or by SIGN where there is a signer.
Result<size_t> WriteError(const crypto::Suite& suite, const Exchange& exchange, ErrorNumber number,
                          ByteView rand_r, const Signer& signer, MutableBytes out);
// WriteErrorToFinish stands in place of KEYS.
Result<size_t> WriteErrorToFinish(const crypto::Suite& suite, const Exchange& exchange,
                                  ErrorNumber number, ByteView rand_r, MutableBytes out);

}  // namespace keymast::mikey::v2
