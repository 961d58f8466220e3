// SPDX-License-Identifier: Apache-2.0
// How a message of version 1 is closed and checked: by a signature (RFC 3830 §5.2, §6.5), or by the
// MAC of a KEMAC without keys (RFC 4650 §4.2).
#pragma once

#include "mikey/v1.h"

namespace keymast::mikey {

// Appended is what a signature covers behind the message (RFC 4738 §3.6): up to three parts.
using Appended = std::array<ByteView, 3>;

// CloseWithSignature adds SIGN and closes the chain with it; returns the message's length.
// kTooLong; kFailedPrecondition without a signing key of RSA, which is all that version 1 has.
Result<size_t> CloseWithSignature(const Party& party, ChainWriter& chain,
                                  const Appended& appended = {});

// CheckSignature of a message that ends with SIGN: kUnsupportedAlgorithm (also for a key that is
// not RSA), kAuthenticationFailed.
Status CheckSignature(const Party& party, const crypto::PublicKey& key, ByteView datagram,
                      const Message& message, const Appended& appended = {});

// CloseWithMac adds a KEMAC without keys, whose MAC covers the message, NULL as encryption by
// IANA's numbers (the tables of RFC 4650 §4.2 have others); returns the message's length.
Result<size_t> CloseWithMac(const crypto::Suite& suite, const PskContext& context,
                            ChainWriter& chain);

// CheckMac of such a message: kUnsupportedAlgorithm (another MAC, an encryption, key data),
// kAuthenticationFailed.
Status CheckMac(const crypto::Suite& suite, const PskContext& context, ByteView datagram,
                const Message& message);

}  // namespace keymast::mikey
