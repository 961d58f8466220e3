// SPDX-License-Identifier: Apache-2.0
// SIGN of version 2 (MIKEYv2 §4.2, §5). The type of a signature is that of the signer's key.
#pragma once

#include "mikey/v2/credentials.h"
#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {

// TypeOf the signatures that a key makes, and how they are made.
SignatureType TypeOf(crypto::KeyKind kind);
crypto::SignatureScheme SchemeOf(crypto::KeyKind kind);

// ComputeSign fills `out`, as long as the key's signatures; `head` is the message up to it.
void ComputeSign(const crypto::Suite& suite, const Protection& protection, const OwnKey& key,
                 ByteView head, MutableBytes out);
// CheckSign is kUnsupportedAlgorithm for a type that is not the key's, kAuthenticationFailed.
Status CheckSign(const crypto::Suite& suite, const Protection& protection, const ProvedKey& key,
                 ByteView head, const SignPayload& sign);
// OpenEnvelope is PublicSuite::unwrap_oaep: what is not for the key gives another envelope (MIKEYv2
// §5).
crypto::SecretKey<crypto::kOaepKey> OpenEnvelope(const crypto::Suite& suite, const OwnKey& key,
                                                 ByteView sealed);

}  // namespace keymast::mikey::v2
