// SPDX-License-Identifier: Apache-2.0
// How a repository comes to be: made once by `init`, opened by each start.
#include "records/meta.h"
#include "records/repository.h"

namespace keymast::records {
namespace {

constexpr Header kFirst{1, 1};  // commit and incarnation of a new store
constexpr uint64_t kFirstNumbers = 64;

store::Batch FirstBatch(const Envelope& envelope, store::Fence fence, crypto::Rng& rng) {
  store::Batch batch;
  const crypto::KeyPair import_key = crypto::MakeKeyPair(rng);
  const std::string key = JournalKey(kFirst.number);
  Record record;
  record.start = true;
  record.begin = kFirst.number;
  batch.puts.emplace_back(kMetaKey, WriteMeta(envelope, kFirst, import_key.private_key));
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

}  // namespace

tl::expected<void, Failure> Repository::Format(store::Store& store, store::Witness& witness,
                                               const crypto::SecretKey<32>& master_key,
                                               crypto::Rng& rng, const Places& places) {
  const Envelope envelope(master_key, rng);
  Status status = witness.Reserve(kFirstNumbers);
  if (status) {
    const auto written = store.Commit(FirstBatch(envelope, store.fence(), rng));
    if (!written) status = Err(written.error());
  }
  if (status) status = witness.CloseClean(kFirst.number);
  if (!status) return CannotWrite(status.error(), places);
  return {};
}

tl::expected<Repository::Opened, Failure> Repository::Open(Parts parts,
                                                           const crypto::SecretKey<32>& master_key,
                                                           crypto::Rng& rng, bool accept_rollback) {
  const Envelope envelope(master_key, rng);
  const Places places = parts.places;
  const auto import_key = ReadMeta(*parts.store, envelope, places.data);
  if (!import_key) return tl::unexpected(import_key.error());
  auto recovered = Recover(*parts.store, envelope, parts.tuning.pages, places.data);
  if (!recovered) return tl::unexpected(recovered.error());
  std::optional<store::WitnessRecord> known;
  if (parts.witness != nullptr) known = parts.witness->record();
  const auto start =
      DecideStart({recovered->incarnation, recovered->last()}, known, accept_rollback, places);
  if (!start) return tl::unexpected(start.error());

  Opened opened;
  opened.start = *start;
  opened.epoch = parts.store->fence();
  opened.import_key = {crypto::PublicKeyOf(*import_key), *import_key};
  opened.state = std::move(recovered->state);
  opened.repository.reset(new Repository(std::move(parts), master_key, rng, *recovered));
  const Status begun = opened.repository->Begin(*start, opened.state);
  if (!begun) return CannotWrite(begun.error(), places);
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
  }
  incarnation_ = start.incarnation;
  next_ = start.next;
  const std::vector<rekey::Change> skipped =
      rekey::SkipLost(state, start.lost.value_or(UINT64_MAX),
                      start.new_incarnation ? rekey::SkipLimit::kHalf : rekey::SkipLimit::kNone);
  const auto bodies = Bodies(skipped);
  if (!bodies) return Err(bodies.error());
  Status status = RemoveTail();
  if (status) status = WriteStep(*bodies, true);
  if (!status) return status;
  for (const rekey::Change& change : skipped) rekey::Apply(state, change);
  return {};
}

}  // namespace keymast::records
