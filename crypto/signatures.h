// SPDX-License-Identifier: Apache-2.0
// What `Sign` and `Verify` of PublicSuite choose from. The key takes the scheme, and the signature,
// or the room for it, has signature_size() octets.
#pragma once

#include "crypto/public_key.h"

namespace keymast::crypto {

void RsaSign(const PrivateKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
             MutableBytes out);
bool RsaVerify(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
               ByteView signature);
void EcdsaSign(const PrivateKey& key, std::span<const ByteView> parts, MutableBytes out);
bool EcdsaVerify(const PublicKey& key, std::span<const ByteView> parts, ByteView signature);
void Ed25519Sign(const PrivateKey& key, std::span<const ByteView> parts, MutableBytes out);
bool Ed25519Verify(const PublicKey& key, std::span<const ByteView> parts, ByteView signature);

}  // namespace keymast::crypto
