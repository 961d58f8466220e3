// SPDX-License-Identifier: Apache-2.0
// The journal record: one for each batch of the store, key `j/` and the commit number.
#pragma once

#include "records/envelope.h"

namespace keymast::records {

inline constexpr std::string_view kJournalPrefix = "j/";
std::string JournalKey(uint64_t number);
// NumberOf is the commit number in a key; kCorrupt when it is no journal key.
Result<uint64_t> NumberOf(std::string_view key);

using Hash = std::array<uint8_t, 32>;

// Record is a record without its changes. Each one says what the store holds after its batch, so
// that the last one vouches for everything before it.
struct Record {
  bool more = false;      // the next record belongs to the same step: alone it means nothing
  bool start = false;     // written by a start: commit numbers may jump before it
  uint64_t previous = 0;  // number and SHA-256 of the record before
  Hash previous_hash{};
  uint64_t begin = 0;   // first record that the journal still holds
  Fingerprint pages{};  // of all pages
  friend bool operator==(const Record&, const Record&) = default;
};

inline constexpr size_t kRecordFields = 1 + 1 + 8 + 32 + 8 + 32;

// WriteRecord is the body of a record, to be sealed.
crypto::SecretBytes WriteRecord(const Record& record, ByteView changes);

// ReadRecord gives the record and a view of its changes in `body`; kCorrupt.
struct ReadRecordResult {
  Record record;
  ByteView changes;
};
Result<ReadRecordResult> ReadRecord(ByteView body);

}  // namespace keymast::records
