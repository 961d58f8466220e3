// SPDX-License-Identifier: Apache-2.0
// How every value of ours lies in the store: a header in clear and a sealed body,
//
//   format (2) | record key (4) | commit number (8) | incarnation (8) | nonce (24) | ciphertext |
//   tag (16)
//
// XChaCha20-Poly1305 under the record key with that number (docs/keys-at-rest.md). Type, key and
// header are the AAD, so that a value opens at its own place and in its own time only.
#pragma once

#include <vector>

#include "crypto/primitives.h"

namespace keymast::records {

// Formats 2 and 3 added what a member's octet of flags says, format 3 the leaves of a subscriber
// (records/fields.h), and tickets, format 4 its certificates, the leaves of deleted subscribers and
// two more numbers, format 5 the number of the record key: before, everything was sealed under keys
// derived from the master key, which are record key 0. Format 6 added the sources of a group,
// format 7 the origin of a planned MSK change. Those before are read too.
inline constexpr uint16_t kFormat = 7;

enum class EntryType : uint8_t { kMeta = 1, kRecord = 2, kPage = 3, kAudit = 4 };

struct Header {
  uint64_t number = 0;  // of the commit that wrote the value
  uint64_t incarnation = 0;
  friend bool operator==(const Header&, const Header&) = default;
};

struct Opened {
  Header header;
  uint32_t record_key = 0;
  crypto::SecretBytes body;
};

// RecordKey seals values and vouches for pages. Numbers only rise.
struct RecordKey {
  uint32_t number = 0;
  crypto::SecretKey<32> sealing;
  crypto::SecretKey<32> vouching;  // of fingerprints
};
RecordKey MakeRecordKey(uint32_t number, crypto::Rng& rng);
// FirstRecordKey is number 0, of data that were sealed before there were record keys.
RecordKey FirstRecordKey(const crypto::SecretKey<32>& master_key);

// Fingerprint stands for one version of one page. Those of all pages together are their XOR: a page
// that is missing, additional or of another time changes it.
using Fingerprint = std::array<uint8_t, 32>;
void Toggle(Fingerprint& all, const Fingerprint& one);

// RecordKeyOf is the number in the header of a value; 0 where it has none.
uint32_t RecordKeyOf(ByteView value);

class Envelope {
 public:
  static constexpr size_t kOverhead = 2 + 4 + 8 + 8 + crypto::Sealer::kOverhead;

  // `keys` are some, by rising number. `rng` outlives the envelope.
  Envelope(const std::vector<RecordKey>& keys, crypto::Rng& rng);

  // Seal seals under the newest record key.
  Bytes Seal(EntryType type, std::string_view key, const Header& header, ByteView body) const;
  // kNewerFormat, or kCorrupt: damaged, moved, or of a record key that is not there.
  Result<Opened> Open(EntryType type, std::string_view key, ByteView value) const;
  // FingerprintOf is all zeros, which no page has, for what no record key of ours has sealed.
  Fingerprint FingerprintOf(std::string_view key, ByteView value) const;

  uint32_t newest() const { return keys_.back().number; }
  // Use takes other keys in place of those that are there.
  void Use(const std::vector<RecordKey>& keys);

 private:
  struct Key {
    uint32_t number;
    crypto::Sealer sealer;
    crypto::SecretKey<32> vouching;
  };
  const Key* Find(uint32_t number) const;

  std::vector<Key> keys_;
  crypto::Rng& rng_;
};

}  // namespace keymast::records
