// SPDX-License-Identifier: Apache-2.0
// From what the store holds to the acknowledged state, or to the place of the damage.
#pragma once

#include <deque>

#include "records/pages.h"
#include "records/record.h"

namespace keymast::records {

// JournalEntry is a record that the journal holds.
struct JournalEntry {
  uint64_t number = 0;
  size_t octets = 0;
  uint32_t record_key = 0;  // that seals it
};

struct Recovered {
  explicit Recovered(const PageLimits& limits) : pages(limits) {}

  rekey::State state;
  Pages pages;
  std::deque<JournalEntry> journal;  // of whole steps; never empty
  uint64_t incarnation = 0;
  bool is_only_begun = false;  // that incarnation: nothing was committed in it but its beginning
  Hash last_hash{};            // of the last record's value
  std::vector<uint64_t> tail;  // records of a step whose end was never written: to be removed
  uint64_t last() const { return journal.back().number; }
};

// Recover reads pages and replays the journal over them; nothing is written. The failure names key
// or commit number: kCorrupt, kNewerFormat, kIo.
tl::expected<Recovered, Failure> Recover(store::Store& store, const Envelope& envelope,
                                         const PageLimits& limits, const std::string& data);

}  // namespace keymast::records
