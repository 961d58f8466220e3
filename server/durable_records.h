// SPDX-License-Identifier: Apache-2.0
// A repository as the durable store of a shard.
#pragma once

#include "records/repository.h"
#include "server/durable.h"

namespace keymast::server {

// DurableRecords hands on to a repository, which outlives its use.
class DurableRecords : public Durable {
 public:
  explicit DurableRecords(records::Repository& repository) : repository_(repository) {}

  Result<uint64_t> Commit(const std::vector<rekey::Change>& changes) override {
    return repository_.Commit(changes);
  }
  std::unique_ptr<CommitRoom> NewRoom() const override;
  tl::expected<rekey::State, Failure> Load() override { return repository_.Load(); }
  Status CloseClean() override { return repository_.CloseClean(); }
  uint64_t revision() const override { return repository_.revision(); }
  Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) override {
    return repository_.Audit(after, limit);
  }
  Result<std::string> BeginBackup() override { return repository_.BeginBackup(); }
  Status EndBackup() override { return repository_.EndBackup(); }
  Rotation rotation() const override { return repository_.rotation(); }
  tl::expected<void, Failure> BeginRotation(const crypto::MasterKey& next) override {
    return repository_.BeginRotation(next);
  }
  Result<Rotation> RotationStep() override { return repository_.RotationStep(); }
  Status CancelRotation() override { return repository_.CancelRotation(); }

 private:
  records::Repository& repository_;
};

}  // namespace keymast::server
