// SPDX-License-Identifier: Apache-2.0
// The messages of an exchange as they are written (MIKEYv2 §3.4). Each returns its length in `out`,
// which has kMaxOneDatagram octets or more, and is kTooLong when it does not fit in a datagram.
#pragma once

#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// WriteCap closes with V by the pre-shared key, and has DH where the exchange has a value.
Result<size_t> WriteCap(const crypto::Suite& suite, const Exchange& exchange,
                        const Capabilities& offer, MutableBytes out);

// WriteAnswer of a mode by pre-shared key. Streams and contents are empty where they come in KEYS.
Result<size_t> WriteAnswer(const crypto::Suite& suite, const Exchange& exchange,
                           const Streams& streams, const Contents& contents, MutableBytes out);
Result<size_t> WriteFinish(const crypto::Suite& suite, const Exchange& exchange, MutableBytes out);
// WriteKeys answers a finish; `rand_r` is drawn for it alone.
Result<size_t> WriteKeys(const crypto::Suite& suite, const Exchange& exchange, ByteView rand_r,
                         const Streams& streams, const Contents& contents, MutableBytes out);

// WriteRetry is kTooLong where it would be longer than `out`: never longer than its cause.
Result<size_t> WriteRetry(CsbId csb_id, ByteView rand_i, ByteView cookie, MutableBytes out);

// WriteError stands in place of an answer: without `rand_r` a hint, else proven by V.
Result<size_t> WriteError(const crypto::Suite& suite, const Exchange& exchange, ErrorNumber number,
                          ByteView rand_r, MutableBytes out);
// WriteErrorToFinish stands in place of KEYS.
Result<size_t> WriteErrorToFinish(const crypto::Suite& suite, const Exchange& exchange,
                                  ErrorNumber number, ByteView rand_r, MutableBytes out);

}  // namespace keymast::mikey::v2
