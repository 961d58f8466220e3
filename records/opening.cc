// SPDX-License-Identifier: Apache-2.0
// How a repository comes to be: made once by `init`, opened by each start.
#include <algorithm>

#include "base/failpoint.h"
#include "records/repository.h"

namespace keymast::records {
namespace {

constexpr Header kFirst{1, 1};  // commit and incarnation of a new store
constexpr uint64_t kFirstNumbers = 64;

store::Batch FirstBatch(const Meta& meta, store::Fence fence, crypto::Rng& rng) {
  store::Batch batch;
  const Envelope envelope(meta.record_keys, rng);
  const std::string key = JournalKey(kFirst.number);
  Record record;
  record.start = true;
  record.begin = kFirst.number;
  batch.puts.emplace_back(kMetaKey, WriteMeta(meta, rng));
  batch.puts.emplace_back(key,
                          envelope.Seal(EntryType::kRecord, key, kFirst, WriteRecord(record, {})));
  batch.expected = {{std::string(kMetaKey), 0}, {key, 0}};
  batch.fence = fence;
  return batch;
}

tl::unexpected<Failure> CannotWrite(Error error, const Places& places) {
  return Fail(error, "data " + places.data + " or witness " + places.witness +
                         " cannot be written: " + std::string(ErrorName(error)));
}

// CheckAudit: the state has the end of the audit log, so that no entry can go from there unnoticed.
tl::expected<void, Failure> CheckAudit(store::Store& store, const Meta& meta,
                                       const Recovered& recovered, crypto::Rng& rng,
                                       const Places& places) {
  const audit::Head& head = recovered.state.audit;
  const Status end = CheckAuditEnd(store, Envelope(meta.record_keys, rng), head);
  if (end) return {};
  if (end.error() != Error::kCorrupt) {
    return ReadFailure(end.error(), places.data, "audit log");
  }
  return Damaged(places.data, "the audit log does not end with record " +
                                  std::to_string(head.sequence) +
                                  " as the state has it: entries were removed, altered or put in");
}

// Renew gives data of the time before record keys one, and a meta entry that holds it.
tl::expected<void, Failure> Renew(store::Store& store, const MasterKeys& master_keys, Meta& meta,
                                  crypto::Rng& rng, const Places& places) {
  const auto given = std::find_if(master_keys.begin(), master_keys.end(), [&](const auto* key) {
    return key->id() == meta.in_use.master_key_id;
  });
  KEYMAST_CHECK(given != master_keys.end());
  auto wrapped = WrapMetaKey(**given, rng);
  if (!wrapped) return tl::unexpected(wrapped.error());
  meta.in_use = std::move(*wrapped);
  meta.record_keys.push_back(MakeRecordKey(meta.record_keys.back().number + 1, rng));
  meta.is_current = true;
  store::Batch batch;
  batch.fence = store.fence();
  batch.puts.emplace_back(kMetaKey, WriteMeta(meta, rng));
  const auto written = store.Commit(batch);
  if (!written) return CannotWrite(written.error(), places);
  return {};
}

}  // namespace

tl::expected<void, Failure> Repository::Format(store::Store& store, store::Witness& witness,
                                               const crypto::MasterKey& master_key,
                                               crypto::Rng& rng, const Places& places) {
  auto wrapped = WrapMetaKey(master_key, rng);
  if (!wrapped) return tl::unexpected(wrapped.error());
  Meta meta;
  meta.import_key = crypto::MakeKeyPair(rng).private_key;
  meta.record_keys.push_back(MakeRecordKey(1, rng));
  meta.in_use = std::move(*wrapped);
  Status status = witness.Reserve(kFirstNumbers);
  PassFailpoint("records.format.reserved");
  if (status) {
    const auto written = store.Commit(FirstBatch(meta, store.fence(), rng));
    if (!written) status = Err(written.error());
  }
  PassFailpoint("records.format.committed");
  if (status) status = witness.CloseClean(kFirst.number);
  if (!status) return CannotWrite(status.error(), places);
  return {};
}

tl::expected<Repository::Opened, Failure> Repository::Open(Parts parts,
                                                           const MasterKeys& master_keys,
                                                           crypto::Rng& rng, bool accept_rollback) {
  const Places places = parts.places;
  auto meta = ReadMeta(*parts.store, master_keys, places.data);
  if (!meta) return tl::unexpected(meta.error());
  auto recovered =
      Recover(*parts.store, Envelope(meta->record_keys, rng), parts.tuning.pages, places.data);
  if (!recovered) return tl::unexpected(recovered.error());
  if (const auto whole = CheckAudit(*parts.store, *meta, *recovered, rng, places); !whole) {
    return tl::unexpected(whole.error());
  }
  std::optional<store::WitnessRecord> known;
  if (parts.witness != nullptr) known = parts.witness->record();
  const auto start =
      DecideStart({recovered->incarnation, recovered->last()}, known, accept_rollback, places);
  if (!start) return tl::unexpected(start.error());
  if (!meta->is_current) {
    auto renewed = Renew(*parts.store, master_keys, *meta, rng, places);
    if (!renewed) return tl::unexpected(renewed.error());
  }

  Opened opened;
  opened.start = *start;
  opened.epoch = parts.store->fence();
  opened.import_key = {crypto::PublicKeyOf(meta->import_key), meta->import_key};
  opened.state = std::move(recovered->state);
  const bool is_only_begun = recovered->is_only_begun;
  opened.repository.reset(new Repository(std::move(parts), std::move(*meta), rng, *recovered));
  const Status begun = opened.repository->Begin(*start, opened.state);
  if (!begun) return CannotWrite(begun.error(), places);
  // One that ended before it did anything in the incarnation that it began left that to this one.
  opened.start.new_incarnation = opened.start.new_incarnation || is_only_begun;
  return opened;
}

Status Repository::BeginIncarnation(uint64_t incarnation) {
  if (witness_ != nullptr) return witness_->Renew(incarnation);
  auto made = store::Witness::Create(places_.witness, incarnation);
  if (!made) return Err(made.error());
  witness_ = std::move(*made);
  return {};
}

Status Repository::Begin(const Start& start, rekey::State& state) {
  if (start.clean) return {};
  if (start.new_incarnation) {
    // The witness first: whatever happens from here on, the old incarnation is over.
    const Status renewed = BeginIncarnation(start.incarnation);
    if (!renewed) return renewed;
    PassFailpoint("records.incarnation.begun");
  }
  incarnation_ = start.incarnation;
  next_ = start.next;
  const std::vector<rekey::Change> skipped =
      rekey::SkipLost(state, start.lost.value_or(UINT64_MAX),
                      start.new_incarnation ? rekey::SkipLimit::kHalf : rekey::SkipLimit::kNone);
  const auto bodies = Bodies(skipped);
  if (!bodies) return Err(bodies.error());
  Status status = RemoveTail();
  PassFailpoint("records.start.before");
  if (status) status = WriteStep(*bodies, true);
  PassFailpoint("records.start.written");
  if (!status) return status;
  for (const rekey::Change& change : skipped) rekey::Apply(state, change);
  return {};
}

}  // namespace keymast::records
