// SPDX-License-Identifier: Apache-2.0
// What a symmetric key can tell of a message: whether its MAC or V holds, and what is encrypted.
// Unlike a receiver, who takes what its profile allows, this tries whatever the message says.
#pragma once

#include "mikey/kemac.h"

namespace keymast::tools {

// Secret is a key with what its derivation takes from elsewhere. Views are borrowed.
struct Secret {
  ByteView key;  // a pre-shared key, an MSK, an envelope key
  ByteView rand;
  CsbId csb_id;
};
// RFC 3830 §4.1.2 excludes not even an empty one; no receiver of ours takes fewer than 16 octets.
constexpr bool IsUsableKey(ByteView key) { return key.size() >= 16; }

// IsKnownPrf is false for a PRF that nothing can be derived with.
constexpr bool IsKnownPrf(mikey::PrfFunc prf) {
  return prf == mikey::PrfFunc::kMikey1 || prf == mikey::PrfFunc::kHmacSha256;
}

// ComputeMac fills `out` with the MAC, by an algorithm other than NULL, over what is covered.
void ComputeMac(const crypto::Suite& suite, const Secret& secret, mikey::PrfFunc prf,
                mikey::MacAlg alg, std::span<const ByteView> covered, MutableBytes out);

// Crypt encrypts or decrypts in place by AES-CM.
void Crypt(const crypto::Suite& suite, const Secret& secret, mikey::PrfFunc prf, mikey::EncrAlg alg,
           const mikey::TPayload& t, MutableBytes data);

// CanCrypt is true for AES-CM; NULL and what we do not speak leave the octets as they are.
constexpr bool CanCrypt(mikey::EncrAlg alg) {
  return alg == mikey::EncrAlg::kAesCm128 || alg == mikey::EncrAlg::kAesCm256;
}

// KemacHolds verifies the MAC of a message's KEMAC; both are of `datagram`, MAC algorithm not NULL.
bool KemacHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
                const mikey::Message& message, mikey::Coverage coverage);

// VHolds verifies the V payload that closes `datagram`, algorithm not NULL.
bool VHolds(const crypto::Suite& suite, const Secret& secret, ByteView datagram,
            const mikey::Message& message, const mikey::Answered& answered);

// CanDecrypt is true for NULL and AES-CM with a known PRF and a T payload.
bool CanDecrypt(const mikey::Message& message);
// Decrypt gives what the KEMAC holds; nothing is verified by it.
crypto::SecretBytes Decrypt(const crypto::Suite& suite, const Secret& secret,
                            const mikey::Message& message);

}  // namespace keymast::tools
