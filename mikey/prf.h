// SPDX-License-Identifier: Apache-2.0
// Key derivation (RFC 3830 §4.1) and the labels that tell the keys apart.
#pragma once

#include "crypto/primitives.h"
#include "mikey/profile3gpp.h"

namespace keymast::mikey {

// Prf fills `out` from `inkey` and `label` (RFC 3830 §4.1.2; RFC 6043 §6.1 for the SHA-256 form).
// `inkey` has at least 1 octet, `label` at most 256.
void Prf(const crypto::Suite& suite, PrfFunc func, ByteView inkey, ByteView label,
         MutableBytes out);

// Constants of RFC 3830 §4.1.3 and §4.1.4.
enum class KeyConstant : uint32_t {
  kTek = 0x2AD01C64,
  kTgkAuth = 0x1B5C7973,
  kTgkEncr = 0x15798CEF,
  kTgkSalt = 0x39A2C14B,
  kMikeyEncr = 0x150533E1,
  kMikeyAuth = 0x2D22AC75,
  kMikeySalt = 0x29B88916,
};
inline constexpr uint8_t kMikeyOwnKeys = 0xff;  // in the place of cs_id, RFC 3830 §4.1.4

// Derive runs the PRF over constant || cs_id || csb_id || RAND.
void Derive(const crypto::Suite& suite, PrfFunc func, ByteView inkey, KeyConstant constant,
            uint8_t cs_id, CsbId csb_id, ByteView rand, MutableBytes out);

// TransportKeys protect a message itself (RFC 3830 §4.1.4).
struct TransportKeys {
  crypto::Key32 encr;
  crypto::Key32 auth;
  crypto::Salt14 salt;
};

// Algorithms of a message, or those that a profile asks for.
struct Algorithms {
  PrfFunc prf = PrfFunc::kMikey1;
  EncrAlg encr = EncrAlg::kAesCm128;
  MacAlg mac = MacAlg::kHmacSha1_160;
  friend bool operator==(const Algorithms&, const Algorithms&) = default;
};

// DeriveTransportKeys derives all three; DeriveCipherKeys leaves `auth` empty, so that a receiver
// pays for them only behind a good MAC.
TransportKeys DeriveTransportKeys(const crypto::Suite& suite, const Algorithms& algorithms,
                                  ByteView psk, CsbId csb_id, ByteView rand);
TransportKeys DeriveCipherKeys(const crypto::Suite& suite, const Algorithms& algorithms,
                               ByteView psk, CsbId csb_id, ByteView rand);
crypto::Key32 DeriveAuthKey(const crypto::Suite& suite, const Algorithms& algorithms, ByteView psk,
                            CsbId csb_id, ByteView rand);

// CryptKeyData encrypts or decrypts in place: AES in SRTP's counter mode with
// IV = (S XOR (0x0000 || CSB ID || T)) || 0x0000 (RFC 3830 §4.2.3), with T as FullTime has it.
struct TPayload;
void CryptKeyData(const crypto::Suite& suite, const TransportKeys& keys, CsbId csb_id,
                  const TPayload& t, MutableBytes data);

// Mac computes the MAC of a MAC algorithm other than NULL over the parts.
void Mac(const crypto::Suite& suite, MacAlg alg, ByteView key, std::span<const ByteView> parts,
         MutableBytes out);

}  // namespace keymast::mikey
