// SPDX-License-Identifier: Apache-2.0
// The keys of version 2 and what they follow from (MIKEYv2 §4).
#pragma once

#include "mikey/identity.h"
#include "mikey/prf.h"

namespace keymast::mikey::v2 {

using Digest = std::array<uint8_t, 32>;  // SHA-256
inline constexpr Digest kNoDigest{};     // the "0" of MIKEYv2 §4.1

inline constexpr size_t kMaxSharedSecret = kSmall ? 32 : 192;  // Z of OAKLEY 5
// ExchangeSecret is X: what proves answer and finish, and a TGK where none is sent (MIKEYv2 §4.4).
using ExchangeSecret = crypto::SecretKey<kMaxSharedSecret>;

Digest HashOf(const crypto::Suite& suite, std::span<const ByteView> parts);
Digest HashOf(const crypto::Suite& suite, ByteView octets);

// FinishHash is F = H(TH || AH), MIKEYv2 §4.1.
Digest FinishHash(const crypto::Suite& suite, const Digest& th, const Digest& ah);

// Kdf is HMAC(key, "MIKEYv2 " || name || 0x00 || fields), MIKEYv2 §4.3.
crypto::Key32 Kdf(const crypto::Suite& suite, ByteView key, std::string_view name,
                  std::span<const ByteView> fields);

// PskV2 is the key of an exchange from a pre-shared key or MUK of 16 octets or more, which is never
// used itself in version 2; ResumedPsk that of an exchange which a ticket opens (MIKEYv2 §4.3,
// §11).
crypto::Key32 PskV2(const crypto::Suite& suite, ByteView psk, const Identity& offerer,
                    const Identity& answerer);
crypto::Key32 ResumedPsk(const crypto::Suite& suite, ByteView resumption_secret,
                         const Identity& offerer, const Identity& answerer);

// MixedSecret is X of DHHMAC, from the pre-shared key and the Diffie-Hellman secret (MIKEYv2 §4.4).
ExchangeSecret MixedSecret(const crypto::Suite& suite, ByteView psk_v2, ByteView z,
                           const Digest& th);

// ReportKey is R, for a member without PSK from a resumption secret (MIKEYv2 §4.4).
crypto::Key32 ReportKey(const crypto::Suite& suite, ByteView secret);

// ResumptionSecret is what an exchange leaves for a ticket (MIKEYv2 §11).
crypto::Key32 ResumptionSecret(const crypto::Suite& suite, ByteView exchange_secret,
                               const Digest& th, const Digest& ah);

// Label tells a derived key from all others (MIKEYv2 §4.3). Views are borrowed for the call; an
// empty RAND has length 0.
struct Label {
  CsbId csb_id;
  uint8_t data_type = 0;  // 0 for traffic keys
  ByteView rand_i;        // at most kMaxRand octets each
  ByteView rand_r;
  Digest context = kNoDigest;
};

// DeriveMessageKey fills `out` with a key that protects a message: 0xFF in the place of the CS ID.
void DeriveMessageKey(const crypto::Suite& suite, PrfFunc prf, ByteView inkey, KeyConstant constant,
                      const Label& label, MutableBytes out);

// DeriveTraffic fills master key and salt of a crypto session of a unicast exchange, whose context
// is F (MIKEYv2 §4.3).
void DeriveTraffic(const crypto::Suite& suite, PrfFunc prf, ByteView tgk, uint8_t cs_id,
                   const Label& label, MutableBytes key, MutableBytes salt);

}  // namespace keymast::mikey::v2
