// SPDX-License-Identifier: Apache-2.0
// What closes a message of version 2 and hides what is in it: MAC, signature and encryption under
// keys that belong to this message alone (MIKEYv2 §4.2, §4.4).
#pragma once

#include "mikey/v2/capabilities.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

// Protection is a row of the table in MIKEYv2 §4.4, filled in for a message. Views are borrowed.
struct Protection {
  PrfFunc prf = PrfFunc::kHmacSha256;
  EncrAlg encr = EncrAlg::kAesCm256;
  MacAlg mac = MacAlg::kHmacSha256_256;
  ByteView inkey;
  CsbId csb_id;
  DataType type = DataType::kCap;
  ByteView rand_i;
  ByteView rand_r;
  Digest context = kNoDigest;
  Digest first = kNoDigest;   // h1
  Digest second = kNoDigest;  // h2
  uint32_t t = 0;             // in the IV

  Label label() const { return {csb_id, static_cast<uint8_t>(type), rand_i, rand_r, context}; }
};

// Covered is what a MAC or signature of a message is computed over (MIKEYv2 §4.2); `head` is the
// message up to it.
class Covered {
 public:
  Covered(DataType type, const Digest& first, const Digest& second, ByteView head);
  Covered(const Covered&) = delete;
  Covered& operator=(const Covered&) = delete;
  std::span<const ByteView> parts() const { return parts_; }

 private:
  static constexpr size_t kMaxPrefix = 8 + 12 + 1 + 2 * 32;
  std::array<uint8_t, kMaxPrefix> prefix_{};
  std::array<ByteView, 2> parts_;
};

// ComputeMac fills `out`, as long as the MAC.
void ComputeMac(const crypto::Suite& suite, const Protection& protection, ByteView head,
                MutableBytes out);
// CheckMac is kUnsupportedAlgorithm for another algorithm than the protection's,
// kAuthenticationFailed; compares in constant time.
Status CheckMac(const crypto::Suite& suite, const Protection& protection, ByteView head, MacAlg alg,
                ByteView mac);

// EncryptedSize of a plaintext; of none there is no Encr data (MIKEYv2 §4.3).
constexpr size_t EncryptedSize(EncrAlg alg, size_t plain) {
  return alg == EncrAlg::kAesKwp256 && plain > 0 ? crypto::KeyWrapSize(plain) : plain;
}
// Encrypt fills `out`, of EncryptedSize.
void Encrypt(const crypto::Suite& suite, const Protection& protection, ByteView plain,
             MutableBytes out);
// Decrypt writes the plaintext to the front of `out`, which is as long as `encrypted` at least, and
// returns its length: kDecryptionFailed where a key wrap is not whole.
Result<size_t> Decrypt(const crypto::Suite& suite, const Protection& protection, ByteView encrypted,
                       MutableBytes out);

}  // namespace keymast::mikey::v2
