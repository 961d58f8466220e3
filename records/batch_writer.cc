// SPDX-License-Identifier: Apache-2.0
#include "records/batch_writer.h"

#include <algorithm>

#include "records/audit_log.h"
#include "records/codec.h"

namespace keymast::records {
namespace {

constexpr size_t kRenewedABatch = 8;

}  // namespace

// Draft is a batch on its way, with what is to be remembered once it is durable.
struct BatchWriter::Draft {
  store::Batch batch;
  std::vector<Rewrite> rewrites;
  size_t deleted = 0;  // records at the front of the journal
  Fingerprint pages{};
  JournalEntry entry;
  Hash hash{};
  size_t octets = 0;      // left for pages
  size_t operations = 0;  // left for pages
};

BatchWriter::BatchWriter(store::Store& store, const Envelope& envelope, const Tuning& tuning,
                         Recovered& recovered)
    : store_(store), envelope_(envelope), tuning_(tuning), pages_(tuning.pages) {
  Restart(recovered);
}

void BatchWriter::Restart(Recovered& recovered) {
  pages_ = std::move(recovered.pages);
  journal_ = std::move(recovered.journal);
  last_hash_ = recovered.last_hash;
  journal_octets_ = 0;
  for (const JournalEntry& entry : journal_) journal_octets_ += entry.octets;
}

// Pressure is how many times the journal is as long as it should be at most.
size_t BatchWriter::Pressure() const {
  return std::max(journal_.size() / tuning_.journal_records,
                  journal_octets_ / tuning_.journal_octets);
}

bool BatchWriter::Overflows() const {
  return Pressure() >= tuning_.overflow || pages_.urgent() > tuning_.overflow;
}

Sealed BatchWriter::sealed() const {
  const uint32_t newest = envelope_.newest();
  const auto is_older = [newest](const JournalEntry& entry) { return entry.record_key < newest; };
  Sealed sealed;
  sealed.all = pages_.stored() + journal_.size();
  sealed.older = pages_.SealedBefore(newest, SIZE_MAX).size() +
                 static_cast<size_t>(std::count_if(journal_.begin(), journal_.end(), is_older));
  return sealed;
}

// PagesToRenew are a few of those that older record keys seal. Records under them are never sealed
// anew: they go when nothing waits for its page any more.
std::vector<std::string> BatchWriter::PagesToRenew() const {
  const uint32_t newest = envelope_.newest();
  const auto young = std::find_if(journal_.begin(), journal_.end(), [&](const JournalEntry& entry) {
    return entry.record_key == newest;
  });
  std::vector<std::string> keys;
  if (young != journal_.begin()) {
    keys = pages_.Candidates(kRenewedABatch, std::prev(young)->number);
  }
  for (const std::string& key : pages_.SealedBefore(newest, kRenewedABatch)) {
    const bool is_new = std::find(keys.begin(), keys.end(), key) == keys.end();
    if (is_new && keys.size() < kRenewedABatch) keys.push_back(key);
  }
  return keys;
}

// PagesFor are those that changes have waited for longest. It leaves the younger half of the
// journal alone, so that a page that changes all the time is not written all the time.
std::vector<std::string> BatchWriter::PagesFor(const Draft& draft, const RecordPlace& place) const {
  if (place.renew) return PagesToRenew();
  if (place.fold) return pages_.Candidates(draft.operations, last());
  const size_t pressure = Pressure();
  const uint64_t until = pressure == 0 ? 0 : journal_[journal_.size() / 2].number;
  return pages_.Candidates(tuning_.pages_a_batch * std::max<size_t>(pressure, 1), until);
}

Status BatchWriter::AddPages(Draft& draft, const RecordPlace& place) const {
  for (const std::string& key : PagesFor(draft, place)) {
    Result<Rewrite> rewrite = pages_.Plan(key, store_, envelope_, place.header);
    if (!rewrite) return Err(rewrite.error());
    if (rewrite->operations() > draft.operations || rewrite->octets() > draft.octets) return {};
    draft.operations -= rewrite->operations();
    draft.octets -= rewrite->octets();
    Toggle(draft.pages, rewrite->toggled);
    if (rewrite->deleted) draft.batch.deletes.push_back(*rewrite->deleted);
    for (auto& put : rewrite->puts) draft.batch.puts.push_back(put);
    draft.rewrites.push_back(std::move(*rewrite));
  }
  return {};
}

// AddDeletions takes records away that no page needs any more, oldest first.
void BatchWriter::AddDeletions(Draft& draft) const {
  const std::optional<uint64_t> needed = pages_.SinceWithout(draft.rewrites);
  for (const JournalEntry& entry : journal_) {
    if (draft.deleted == tuning_.deletes_a_batch) return;
    if (needed && entry.number >= *needed) return;
    draft.batch.deletes.push_back(JournalKey(entry.number));
    ++draft.deleted;
  }
}

Result<BatchWriter::Draft> BatchWriter::Plan(const Body& body, const RecordPlace& place) const {
  const std::string key = JournalKey(place.header.number);
  const store::Limits limits = store_.limits();
  Draft draft;
  draft.pages = pages_.fingerprint();
  draft.entry = {place.header.number, Envelope::kOverhead + kRecordFields + body.changes.size(),
                 envelope_.newest()};
  size_t fixed = 2 * key.size() + draft.entry.octets + tuning_.deletes_a_batch * key.size();
  if (!body.audited.empty()) {
    const std::string audit = AuditKey(body.last_audited);
    draft.batch.puts.emplace_back(
        audit, envelope_.Seal(EntryType::kAudit, audit, place.header, body.audited));
    fixed += audit.size() + draft.batch.puts.back().second.size();
  }
  if (fixed > limits.octets) return Err(Error::kBatchTooLarge);
  draft.octets = limits.octets - fixed;
  // The record, the expectation that its key is free, and the deletions.
  draft.operations = limits.operations - 2 - draft.batch.puts.size() - tuning_.deletes_a_batch;
  if (place.alone) {
    if (const Status added = AddPages(draft, place); !added) return Err(added.error());
    AddDeletions(draft);
  }
  const bool none_left = draft.deleted == journal_.size();
  const Record record{place.more,
                      place.start,
                      last(),
                      last_hash_,
                      none_left ? place.header.number : journal_[draft.deleted].number,
                      draft.pages};
  Bytes value =
      envelope_.Seal(EntryType::kRecord, key, place.header, WriteRecord(record, body.changes));
  draft.hash = crypto::Sha256(value);
  draft.batch.puts.emplace_back(key, std::move(value));
  draft.batch.expected.push_back({key, 0});
  draft.batch.fence = store_.fence();
  return draft;
}

Status BatchWriter::Write(const Body& body, const RecordPlace& place) {
  const Result<Draft> draft = Plan(body, place);
  if (!draft) return Err(draft.error());
  const Result<store::Revision> written = store_.Commit(draft->batch);
  if (!written) return Err(written.error());
  for (const Rewrite& rewrite : draft->rewrites) pages_.Adopt(rewrite, envelope_);
  for (size_t i = 0; i < draft->deleted; ++i) {
    journal_octets_ -= journal_.front().octets;
    journal_.pop_front();
  }
  journal_.push_back(draft->entry);
  journal_octets_ += draft->entry.octets;
  last_hash_ = draft->hash;
  return {};
}

void BatchWriter::Note(ByteView changes, uint64_t number) {
  const Status noted = ForEachChange(changes, [&](const rekey::Change& change, ByteView octets) {
    pages_.Note(change, octets, number);
  });
  KEYMAST_CHECK(noted.has_value());
}

}  // namespace keymast::records
