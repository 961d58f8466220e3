// SPDX-License-Identifier: Apache-2.0
// A store in memory, a witness file and a master key: what a server finds when it starts.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "records/repository.h"
#include "store/memory_store.h"
#include "tests/unit/records/dice.h"

namespace keymast::records {

// Fault is what becomes of one commit of the store.
struct Fault {
  uint64_t at = 0;  // which commit from now on, from 1; 0: none
  bool takes_effect = false;
  Error error = Error::kOutcomeUnknown;
};

// FaultyStore lets one commit fail, before or after it took effect.
class FaultyStore final : public store::Store {
 public:
  FaultyStore(std::unique_ptr<store::Store> inner, Fault& fault)
      : inner_(std::move(inner)), fault_(fault) {}

  Result<store::Revision> Commit(const store::Batch& batch) override;
  Result<std::vector<store::Entry>> Scan(std::string_view prefix, std::string_view after,
                                         size_t limit, store::Revision revision) override {
    return inner_->Scan(prefix, after, limit, revision);
  }
  Result<std::vector<store::WatchEvent>> Watch(std::string_view prefix, store::Revision from,
                                               size_t limit) override {
    return inner_->Watch(prefix, from, limit);
  }
  store::Revision revision() const override { return inner_->revision(); }
  Result<std::string> BeginBackup() override { return inner_->BeginBackup(); }
  Status EndBackup() override { return inner_->EndBackup(); }
  store::Fence fence() const override { return inner_->fence(); }

 private:
  std::unique_ptr<store::Store> inner_;
  Fault& fault_;
};

// SmallTuning makes pages split, records part and the journal turn over all the time.
Tuning SmallTuning();

// Copy makes a new disk with the same entries.
std::shared_ptr<store::MemoryDisk> Copy(store::Store& store);
std::vector<store::Entry> EntriesOf(store::Store& store);
std::shared_ptr<store::MemoryDisk> DiskOf(const std::vector<store::Entry>& entries);

crypto::LocalMasterKey MasterKeyOf(uint8_t octet);

class Site {
 public:
  explicit Site(const Tuning& tuning = SmallTuning());
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  // Start opens what is there; Failed expects that it is refused.
  Repository::Opened Start(bool accept_rollback = false);
  Failure Failed(bool accept_rollback = false);
  tl::expected<Repository::Opened, Failure> TryStart(bool accept_rollback);
  // Entries of the disk while nothing has it open.
  std::vector<store::Entry> Entries();

  std::string SaveWitness() const;
  void RestoreWitness(const std::string& octets) const;

  std::shared_ptr<store::MemoryDisk> disk = store::MakeMemoryDisk();
  store::Store* running = nullptr;  // of the last start, while it lives
  std::string folder;
  std::string witness;
  std::string boot = "this boot";
  crypto::LocalMasterKey master_key = MasterKeyOf(7);
  std::optional<crypto::LocalMasterKey> next_master_key;  // given beside it
  crypto::SeededRng rng{7};
  Tuning tuning;
  Fault fault;
};

}  // namespace keymast::records
