// SPDX-License-Identifier: Apache-2.0
// How a repository changes its master key while it is in use (docs/keys-at-rest.md). Pages are
// sealed anew as ever when they are rewritten, and records go as ever when no page needs them: what
// is left to be done is seen from their headers, also after a crash.
#include "base/failpoint.h"
#include "records/repository.h"

namespace keymast::records {
namespace {

// CanUnwrap asks the master key for what it just wrapped, before anything depends on it.
tl::expected<void, Failure> CanUnwrap(const crypto::MasterKey& master_key,
                                      const WrappedKey& wrapped) {
  const auto key = master_key.Unwrap(wrapped.octets);
  if (key && *key == wrapped.key) return {};
  return Fail(Error::kFailedPrecondition, "master key " + master_key.id() +
                                              ": does not open what it wraps" +
                                              (key ? "" : " (" + key.error().message + ")"));
}

constexpr size_t kAuditEntriesAStep = 32;
constexpr size_t kAuditOctetsAStep = 256 << 10;

std::string WhyNotWritten(Error error) {
  return "the change of the master key cannot be written: " + std::string(ErrorName(error));
}

}  // namespace

// PutMeta writes the meta entry alone; what it says holds once it is durable.
Status Repository::PutMeta(Meta next) {
  store::Batch batch;
  batch.fence = store_->fence();
  batch.puts.emplace_back(kMetaKey, WriteMeta(next, rng_));
  PassFailpoint("records.meta.before");
  const auto written = store_->Commit(batch);
  PassFailpoint("records.meta.written");
  if (written) {
    Adopt(std::move(next));
    return {};
  }
  const Status settled = Settle(Err(written.error()));
  if (unsure_) open_meta_.emplace(std::move(next), std::move(batch.puts.front().second));
  return settled;
}

void Repository::Adopt(Meta next) {
  meta_ = std::move(next);
  const std::lock_guard lock(keys_);
  envelope_.Use(meta_.record_keys);
}

// SettleMeta finds out what became of a meta entry whose commit was left open.
Status Repository::SettleMeta() {
  if (!open_meta_) return {};
  const auto found = store_->Scan(kMetaKey, {}, 1, 0);
  if (!found) return Err(found.error());
  if (found->empty()) return Err(Error::kCorrupt);
  if (Equal(found->front().value, open_meta_->second)) Adopt(std::move(open_meta_->first));
  open_meta_.reset();
  return {};
}

tl::expected<void, Failure> Repository::BeginRotation(const crypto::MasterKey& next) {
  if (const Status ready = Ready(); !ready) {
    return Fail(ready.error(), WhyNotWritten(ready.error()));
  }
  if (meta_.left) {
    return Fail(Error::kFailedPrecondition, "the rotation from master key " +
                                                meta_.left->master_key_id + " to " +
                                                meta_.in_use.master_key_id + " is not over");
  }
  if (next.id() == meta_.in_use.master_key_id) {
    return Fail(Error::kInvalidArgument, "master key " + next.id() + ": is in use already");
  }
  auto wrapped = WrapMetaKey(next, rng_);
  if (!wrapped) return tl::unexpected(wrapped.error());
  if (auto can = CanUnwrap(next, *wrapped); !can) return can;
  Meta begun = meta_;
  begun.left = std::move(begun.in_use);
  begun.in_use = std::move(*wrapped);
  begun.record_keys.push_back(MakeRecordKey(envelope_.newest() + 1, rng_));
  const Status written = PutMeta(std::move(begun));
  audit_cursor_.clear();
  audit_renewed_ = false;
  if (!written) return Fail(written.error(), WhyNotWritten(written.error()));
  return {};
}

// RenewAudit seals a few entries of the audit log anew, which are on no page, from where the last
// call stopped; after a start it passes over those that are done.
Status Repository::RenewAudit() {
  store::Batch batch;
  batch.fence = store_->fence();
  size_t octets = 0;
  while (batch.puts.empty()) {
    const auto entries = store_->Scan(kAuditPrefix, audit_cursor_, kAuditEntriesAStep, 0);
    if (!entries) return Settle(Err(entries.error()));
    audit_renewed_ = entries->empty();
    if (audit_renewed_) return {};
    for (const store::Entry& entry : *entries) {
      octets += entry.key.size() + entry.value.size();
      if (octets > kAuditOctetsAStep && !batch.puts.empty()) break;
      audit_cursor_ = entry.key;
      if (RecordKeyOf(entry.value) == envelope_.newest()) continue;
      const auto opened = envelope_.Open(EntryType::kAudit, entry.key, entry.value);
      // What is damaged stays so: who reads the log is told.
      if (!opened) continue;
      batch.puts.emplace_back(
          entry.key, envelope_.Seal(EntryType::kAudit, entry.key, opened->header, opened->body));
    }
  }
  const auto written = store_->Commit(batch);
  PassFailpoint("records.rotation.audit");
  if (written) return {};
  audit_cursor_.clear();
  return Settle(Err(written.error()));
}

// Finish forgets the master key that was left, and the record keys that nothing is sealed under.
Status Repository::Finish() {
  Meta finished = meta_;
  finished.left.reset();
  finished.record_keys.assign(1, meta_.record_keys.back());
  return PutMeta(std::move(finished));
}

Result<RotationProgress> Repository::RotationStep() {
  if (const Status ready = Ready(); !ready) return Err(ready.error());
  if (!meta_.left) return rotation();
  Status status = RemoveTail();
  if (status && writer_.sealed().older > 0) {
    RecordPlace place;
    place.renew = true;
    status = WriteRecord({}, place);
    PassFailpoint("records.rotation.renewed");
  } else {
    if (status && !audit_renewed_) status = RenewAudit();
    PassFailpoint("records.rotation.finish");
    if (status && audit_renewed_) status = Finish();
  }
  if (!status) return Err(status.error());
  return rotation();
}

Status Repository::CancelRotation() {
  if (const Status ready = Ready(); !ready) return ready;
  if (!meta_.left) return Err(Error::kFailedPrecondition);
  Meta cancelled = meta_;
  cancelled.in_use = std::move(*cancelled.left);
  cancelled.left.reset();
  return PutMeta(std::move(cancelled));
}

RotationProgress Repository::rotation() const {
  const Sealed sealed = writer_.sealed();
  return {meta_.left ? meta_.left->master_key_id : std::string(), meta_.in_use.master_key_id,
          sealed.all - sealed.older, sealed.all};
}

}  // namespace keymast::records
