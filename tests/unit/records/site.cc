// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/records/site.h"

#include <unistd.h>

#include <fstream>

#include "base/check.h"

namespace keymast::records {

Result<store::Revision> FaultyStore::Commit(const store::Batch& batch) {
  const bool now = fault_.at == 1;
  if (fault_.at > 0) --fault_.at;
  if (now && !fault_.takes_effect) return Err(fault_.error);
  const Result<store::Revision> revision = inner_->Commit(batch);
  if (now && revision) return Err(fault_.error);
  return revision;
}

Tuning SmallTuning() {
  Tuning tuning;
  tuning.pages = {4, 600, 1200};
  tuning.merged_octets = 1500;
  tuning.record_octets = 3000;
  tuning.journal_records = 6;
  tuning.journal_octets = 20000;
  tuning.pages_a_batch = 2;
  tuning.deletes_a_batch = 4;
  return tuning;
}

std::vector<store::Entry> EntriesOf(store::Store& store) {
  auto entries = store.Scan({}, {}, SIZE_MAX, 0);
  KEYMAST_CHECK(entries.has_value());
  return *entries;
}

std::shared_ptr<store::MemoryDisk> DiskOf(const std::vector<store::Entry>& entries) {
  auto disk = store::MakeMemoryDisk();
  const auto store = store::OpenMemoryStore(disk);
  for (const store::Entry& entry : entries) {
    store::Batch batch;
    batch.puts = {{entry.key, entry.value}};
    batch.fence = store->fence();
    KEYMAST_CHECK(store->Commit(batch).has_value());
  }
  return disk;
}

std::shared_ptr<store::MemoryDisk> Copy(store::Store& store) { return DiskOf(EntriesOf(store)); }

crypto::LocalMasterKey MasterKeyOf(uint8_t octet) {
  return crypto::LocalMasterKey(crypto::SecretKey<32>(Bytes(32, octet)));
}

Site::Site(const Tuning& small) : tuning(small) {
  // Witness files are synced thousands of times here: where there is memory for files, in there.
  const std::string memory = "/dev/shm/";
  const bool has_memory = access(memory.c_str(), W_OK) == 0;
  std::string path = (has_memory ? memory : testing::TempDir()) + "keymast-records-XXXXXX";
  KEYMAST_CHECK(mkdtemp(path.data()) != nullptr);
  folder = path;
  witness = folder + "/witness";
  const auto store = store::OpenMemoryStore(disk);
  auto made = store::Witness::Create(witness, 1, boot);
  KEYMAST_CHECK(made.has_value());
  const auto formatted = Repository::Format(*store, **made, master_key, rng, {"DATA", witness});
  KEYMAST_CHECK(formatted.has_value());
}

Site::~Site() { std::filesystem::remove_all(folder); }

tl::expected<Repository::Opened, Failure> Site::TryStart(bool accept_rollback) {
  auto store = std::make_unique<FaultyStore>(store::OpenMemoryStore(disk), fault);
  running = store.get();
  auto opened = store::Witness::Open(witness, boot);
  MasterKeys given{&master_key};
  if (next_master_key) given.push_back(&*next_master_key);
  return Repository::Open(
      {std::move(store), opened ? std::move(*opened) : nullptr, {"DATA", witness}, tuning}, given,
      rng, accept_rollback);
}

Repository::Opened Site::Start(bool accept_rollback) {
  auto opened = TryStart(accept_rollback);
  if (!opened) ADD_FAILURE() << opened.error().message;
  KEYMAST_CHECK(opened.has_value());
  return std::move(*opened);
}

Failure Site::Failed(bool accept_rollback) {
  const auto opened = TryStart(accept_rollback);
  if (!opened) return opened.error();
  ADD_FAILURE() << "the start should have been refused";
  return {};
}

std::vector<store::Entry> Site::Entries() { return EntriesOf(*store::OpenMemoryStore(disk)); }

std::string Site::SaveWitness() const {
  std::ifstream file(witness, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Site::RestoreWitness(const std::string& octets) const {
  std::ofstream(witness, std::ios::binary | std::ios::trunc) << octets;
}

}  // namespace keymast::records
