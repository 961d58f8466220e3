// SPDX-License-Identifier: Apache-2.0
#include "records/repository.h"

#include "base/failpoint.h"

namespace keymast::records {
namespace {

constexpr uint64_t kNumberBlock = 64;
constexpr size_t kMostRoomBatches = 16;
// A stop takes a second or two at most.
constexpr size_t kMostFoldBatches = 128;

}  // namespace

Repository::Repository(Parts parts, Meta meta, crypto::Rng& rng, Recovered& recovered)
    : store_(std::move(parts.store)),
      witness_(std::move(parts.witness)),
      places_(std::move(parts.places)),
      tuning_(parts.tuning),
      rng_(rng),
      meta_(std::move(meta)),
      envelope_(meta_.record_keys, rng),
      writer_(*store_, envelope_, tuning_, recovered),
      tail_(recovered.tail),
      incarnation_(recovered.incarnation),
      next_(writer_.last() + 1),
      revision_(writer_.last()) {}

Status Repository::Ready() const {
  if (closed_) return Err(Error::kStoreClosed);
  if (unsure_) return Err(Error::kOutcomeUnknown);
  return {};
}

Result<uint64_t> Repository::Commit(const std::vector<rekey::Change>& changes) {
  if (const Status ready = Ready(); !ready) return Err(ready.error());
  const Result<std::vector<Body>> bodies = Bodies(changes);
  if (!bodies) return Err(bodies.error());
  Status status = RemoveTail();
  if (status) status = MakeRoom();
  if (status) status = WriteStep(*bodies, false);
  if (!status) return Err(status.error());
  return revision();
}

Result<std::vector<Body>> Repository::Bodies(const std::vector<rekey::Change>& changes) const {
  return Split(changes, tuning_.record_octets,
               [this](const ChannelId& id) { return writer_.pages().HasChannel(id); });
}

// WriteStep writes the records of one step; the step counts when its last record is durable.
Status Repository::WriteStep(const std::vector<Body>& bodies, bool start) {
  const uint64_t first = next_;
  for (size_t i = 0; i < bodies.size(); ++i) {
    RecordPlace place;
    place.more = i + 1 < bodies.size();
    place.start = start && i == 0;
    // What was before a start stays: it shows whether that began an incarnation.
    place.alone = bodies.size() == 1 && !start;
    if (i > 0) PassFailpoint("records.step.between");
    const Status written = WriteRecord(bodies[i], place);
    if (!written) {
      // Records without an end wait to be removed.
      if (i > 0) unsure_ = true;
      return written;
    }
  }
  for (size_t i = 0; i < bodies.size(); ++i) writer_.Note(bodies[i].changes, first + i);
  return {};
}

Status Repository::WriteRecord(const Body& body, RecordPlace place) {
  const uint64_t number = next_;
  place.header = {number, incarnation_};
  if (number > reserved_) {
    const uint64_t until = std::max(number + kNumberBlock - 1, witness_->record().reserved);
    if (const Status reserved = Settle(witness_->Reserve(until)); !reserved) return reserved;
    reserved_ = until;
    PassFailpoint("records.number.reserved");
  }
  const Status written = writer_.Write(body, place);
  if (!written) return Settle(written);
  next_ = number + 1;
  if (place.more) return {};
  PassFailpoint("records.record.unnoted");
  // Durable, but as long as the witness has not heard of it its loss would go unnoticed.
  if (!witness_->Note(number)) {
    closed_ = true;
    return Err(Error::kStoreClosed);
  }
  revision_ = number;
  return {};
}

// Settle remembers what a failure means for the commits after it.
Status Repository::Settle(const Status& status) {
  if (status) return status;
  switch (status.error()) {
    case Error::kNoSpace:
    case Error::kBatchTooLarge:
      break;  // nothing changed
    case Error::kOutcomeUnknown:
    case Error::kConflict:
      unsure_ = true;
      break;
    default:
      closed_ = true;
  }
  return status;
}

// MakeRoom writes batches of pages while the journal is far too long.
Status Repository::MakeRoom() {
  for (size_t i = 0; i < kMostRoomBatches && writer_.Overflows(); ++i) {
    const Status written = WriteRecord({}, {});
    if (!written) return written;
  }
  return {};
}

// Fold writes the pages that changes wait for: reading a page is several times as fast as replaying
// the changes to it. What is left stays in the journal.
Status Repository::Fold() {
  if (const Status removed = RemoveTail(); !removed) return removed;
  RecordPlace place;
  place.fold = true;
  for (size_t i = 0; i < kMostFoldBatches && writer_.pages().waiting() > 0; ++i) {
    if (const Status written = WriteRecord({}, place); !written) return written;
    PassFailpoint("records.fold.written");
  }
  return {};
}

// RemoveTail takes the records of a step away whose end was never written, newest first, so that
// what is left is a step without end at every moment.
Status Repository::RemoveTail() {
  while (!tail_.empty()) {
    store::Batch batch;
    batch.fence = store_->fence();
    const size_t count = std::min(tail_.size(), store_->limits().operations);
    for (size_t i = 0; i < count; ++i) {
      batch.deletes.push_back(JournalKey(tail_[tail_.size() - 1 - i]));
    }
    const auto removed = store_->Commit(batch);
    if (!removed) return Settle(Err(removed.error()));
    tail_.resize(tail_.size() - count);
    PassFailpoint("records.tail.removed");
  }
  return {};
}

tl::expected<rekey::State, Failure> Repository::Load() {
  if (const Status settled = SettleMeta(); !settled) {
    return ReadFailure(settled.error(), places_.data, "meta entry");
  }
  auto recovered = Recover(*store_, envelope_, tuning_.pages, places_.data);
  if (!recovered) return tl::unexpected(recovered.error());
  if (recovered->last() < revision()) {
    return Damaged(places_.data, "commit " + std::to_string(revision()) +
                                     " was acknowledged and is not there any more");
  }
  if (recovered->incarnation != incarnation_) {
    return Fail(Error::kFenced, "data " + places_.data + ": another server has begun incarnation " +
                                    std::to_string(recovered->incarnation));
  }
  const uint64_t last = recovered->last();
  // What was in doubt and is there is shown from now on, so its loss must be noticed.
  if (last > revision() && !closed_ && !witness_->Note(last)) closed_ = true;
  tail_ = recovered->tail;
  next_ = last + 1;
  revision_ = last;
  writer_.Restart(*recovered);
  unsure_ = false;
  return std::move(recovered->state);
}

Status Repository::CloseClean() {
  if (const Status ready = Ready(); !ready) return ready;
  // A start that committed nothing leaves the witness as it is: clean.
  const bool committed = reserved_ != 0;
  const Status folded = committed ? Fold() : Status();
  if (unsure_ || closed_) return folded;
  closed_ = true;
  if (!committed) return {};
  PassFailpoint("records.close.folded");
  return witness_->CloseClean(revision());
}

}  // namespace keymast::records
