// SPDX-License-Identifier: Apache-2.0
// The error message (RFC 3830 §5.1.2): HDR, T, {ERR}, {SP}, [V|SIGNr].
#pragma once

#include "mikey/exchange.h"

namespace keymast::mikey {

// ErrorNumberOf is what a peer is told of a refusal; nothing for what it is not told at all: a
// repeated message, and ours. All that has to do with keys and who is known looks alike.
std::optional<ErrorNumber> ErrorNumberOf(Error error, const V1Policy& policy,
                                         const Message& message);

// WriteError answers a message of `exchange` without proof: a hint for who sent it.
// WriteProvenError closes it with V or SIGN, for a message that was authenticated, and lists our
// policies where one was refused. Both return the length in `out`.
Result<size_t> WriteError(const Exchange& exchange, ErrorNumber number, MutableBytes out);
Result<size_t> WriteProvenError(const Party& party, const Exchange& exchange, ErrorNumber number,
                                MutableBytes out);

// PeerError is what an error message says; it is a hint unless it is proven.
struct PeerError {
  ErrorNumber number = ErrorNumber::kUnspecified;
  bool proven = false;
};
// ReadError reads the answer to a message of ours. An answer with a proof that is not good is
// kAuthenticationFailed.
Result<PeerError> ReadError(const Party& party, const Received& received, const Exchange& exchange);

}  // namespace keymast::mikey
