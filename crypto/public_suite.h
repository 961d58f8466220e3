// SPDX-License-Identifier: Apache-2.0
// The functions behind PublicSuite.
#pragma once

#include "crypto/public_key.h"

namespace keymast::crypto {

Result<size_t> Sign(const PrivateKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
                    MutableBytes out);
bool Verify(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
            ByteView signature);
Result<size_t> RsaWrap(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out);
Envelope RsaUnwrap(const PrivateKey& key, ByteView wrapped);
Result<size_t> RsaWrapOaep(const PublicKey& public_key, ByteView key, Rng& rng, MutableBytes out);
SecretKey<kOaepKey> RsaUnwrapOaep(const PrivateKey& key, ByteView wrapped);
void DhGenerate(DhGroup group, Rng& rng, MutableBytes private_out, MutableBytes public_out);
bool DhAgree(DhGroup group, ByteView private_value, ByteView peer_public, MutableBytes shared);

inline constexpr PublicSuite kOpenSslPublic = {
    PublicKey::FromSpki, Sign,          Verify,     RsaWrap, RsaUnwrap,
    RsaWrapOaep,         RsaUnwrapOaep, DhGenerate, DhAgree};

}  // namespace keymast::crypto
