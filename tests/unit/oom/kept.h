// SPDX-License-Identifier: Apache-2.0
// A store in memory that outlives its process: each commit is in a file, in one write, before it
// counts.
#pragma once

#include "records/repository.h"
#include "server/durable.h"

namespace keymast::oom {

// KeptStore hands on to `inner`; Backup makes an empty folder, since memory has no files to copy.
class KeptStore final : public store::Store {
 public:
  KeptStore(std::unique_ptr<store::Store> inner, int file)
      : inner_(std::move(inner)), file_(file) {}
  Result<store::Revision> Commit(const store::Batch& batch) override;
  Result<std::vector<store::Entry>> Scan(std::string_view prefix, std::string_view after,
                                         size_t limit, store::Revision revision) override {
    return inner_->Scan(prefix, after, limit, revision);
  }
  Result<std::vector<store::WatchEvent>> Watch(std::string_view prefix, store::Revision from,
                                               size_t limit) override {
    return inner_->Watch(prefix, from, limit);
  }
  Result<uint64_t> Backup(const std::string& folder) override;
  store::Revision revision() const override { return inner_->revision(); }
  store::Fence fence() const override { return inner_->fence(); }

 private:
  const std::unique_ptr<store::Store> inner_;
  const int file_;
};

// CommitAgain makes the commits of a file in another store.
void CommitAgain(ByteView file, store::Store& store);

// Kept is a repository as keymastd has it.
class Kept final : public server::Durable {
 public:
  explicit Kept(records::Repository& repository) : repository_(repository) {}
  Result<uint64_t> Commit(const std::vector<rekey::Change>& changes) override {
    return repository_.Commit(changes);
  }
  std::unique_ptr<server::CommitRoom> NewRoom() const override;
  tl::expected<rekey::State, Failure> Load() override { return repository_.Load(); }
  Status CloseClean() override { return repository_.CloseClean(); }
  uint64_t revision() const override { return repository_.revision(); }
  Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) override {
    return repository_.Audit(after, limit);
  }
  Result<uint64_t> Backup(const std::string& folder) override { return repository_.Backup(folder); }
  Rotation rotation() const override { return repository_.rotation(); }
  tl::expected<void, Failure> BeginRotation(const crypto::MasterKey& next) override {
    return repository_.BeginRotation(next);
  }
  Result<Rotation> RotationStep() override { return repository_.RotationStep(); }
  Status CancelRotation() override { return repository_.CancelRotation(); }

 private:
  records::Repository& repository_;
};

}  // namespace keymast::oom
