// SPDX-License-Identifier: Apache-2.0
// Writes one batch at a time: a journal record, and beside it as many rewritten pages and deletions
// of old records as there is reason and room for. No batch is written for a page alone as long as
// changes come in.
#pragma once

#include "records/recovery.h"
#include "records/split.h"

namespace keymast::records {

// Tuning is what tests make small.
struct Tuning {
  PageLimits pages;
  size_t merged_octets = 128 << 10;  // of the changes of several steps that share a record
  size_t record_octets = 256 << 10;  // of the changes in one record
  // Beyond either of these, batches rewrite pages so that old records can go; the further beyond,
  // the more pages a batch.
  size_t journal_records = 1024;
  size_t journal_octets = 4 << 20;
  size_t pages_a_batch = 2;
  size_t deletes_a_batch = 16;
  // Beyond this many times the limits, a commit waits for batches of pages.
  size_t overflow = 8;
};

// RecordPlace is where a record stands. One of several of its step carries no pages: they would
// hold half of the step, or none of it while its records are already taken away.
struct RecordPlace {
  Header header;
  bool more = false;
  bool start = false;
  bool alone = true;  // the only one of its step
  bool fold = false;  // as many pages as there is room for, however young
  // A few pages that older record keys seal, and those that keep records under them from going.
  bool renew = false;
};

// Sealed counts the values that hold the state: pages and journal records.
struct Sealed {
  size_t all = 0;
  size_t older = 0;  // under another record key than the newest
};

class BatchWriter {
 public:
  // Store and envelope outlive the writer. It goes on from `recovered` and takes its pages and
  // journal.
  BatchWriter(store::Store& store, const Envelope& envelope, const Tuning& tuning,
              Recovered& recovered);
  // Restart does so anew.
  void Restart(Recovered& recovered);

  // Write makes a body durable as one record, and its audit records beside it; errors as
  // store::Store::Commit, or kCorrupt when a page to be rewritten is damaged. After an error
  // nothing has changed here.
  Status Write(const Body& body, const RecordPlace& place);
  // Note lets changes of a whole step, durable now, wait for their pages.
  void Note(ByteView changes, uint64_t number);

  // Overflows: the journal is so long that pages should be written before anything else.
  bool Overflows() const;
  Sealed sealed() const;
  uint64_t last() const { return journal_.back().number; }
  const Pages& pages() const { return pages_; }
  size_t journal_records() const { return journal_.size(); }

 private:
  struct Draft;
  size_t Pressure() const;
  Result<Draft> Plan(const Body& body, const RecordPlace& place) const;
  std::vector<std::string> PagesFor(const Draft& draft, const RecordPlace& place) const;
  std::vector<std::string> PagesToRenew() const;
  Status AddPages(Draft& draft, const RecordPlace& place) const;
  void AddDeletions(Draft& draft) const;

  store::Store& store_;
  const Envelope& envelope_;
  const Tuning tuning_;
  Pages pages_;
  std::deque<JournalEntry> journal_;
  size_t journal_octets_ = 0;
  Hash last_hash_;
};

}  // namespace keymast::records
