// SPDX-License-Identifier: Apache-2.0
// How every value of ours lies in the store: a header in clear and a sealed body,
//
//   format (2) | commit number (8) | incarnation (8) | nonce (24) | ciphertext | tag (16)
//
// XChaCha20-Poly1305 under a key derived from the master key. Type, key and header are the AAD, so
// that a value opens at its own place and in its own time only.
#pragma once

#include "crypto/primitives.h"

namespace keymast::records {

// Formats 2 and 3 added what a member's octet of flags says, format 3 the leaves of a subscriber
// (records/fields.h), and tickets, format 4 its certificates, the leaves of deleted subscribers and
// two more numbers; those before are read too.
inline constexpr uint16_t kFormat = 4;

enum class EntryType : uint8_t { kMeta = 1, kRecord = 2, kPage = 3, kAudit = 4 };

struct Header {
  uint64_t number = 0;  // of the commit that wrote the value
  uint64_t incarnation = 0;
  friend bool operator==(const Header&, const Header&) = default;
};

struct Opened {
  Header header;
  crypto::SecretBytes body;
};

// Fingerprint stands for one version of one page. Those of all pages together are their XOR: a page
// that is missing, additional or of another time changes it.
using Fingerprint = std::array<uint8_t, 32>;
void Toggle(Fingerprint& all, const Fingerprint& one);

// KeyCheck tells in clear which master key a store belongs to.
using KeyCheck = std::array<uint8_t, 16>;

class Envelope {
 public:
  static constexpr size_t kOverhead = 2 + 8 + 8 + crypto::Sealer::kOverhead;

  // `rng` outlives the envelope.
  Envelope(const crypto::SecretKey<32>& master_key, crypto::Rng& rng);

  Bytes Seal(EntryType type, std::string_view key, const Header& header, ByteView body) const;
  // kNewerFormat, or kCorrupt: damaged, moved, or of another master key.
  Result<Opened> Open(EntryType type, std::string_view key, ByteView value) const;

  Fingerprint FingerprintOf(std::string_view key, ByteView value) const;
  const KeyCheck& key_check() const { return key_check_; }

 private:
  crypto::Sealer sealer_;
  crypto::SecretKey<32> fingerprint_key_;
  KeyCheck key_check_{};
  crypto::Rng& rng_;
};

}  // namespace keymast::records
