// SPDX-License-Identifier: Apache-2.0
// A store of whose commits the audit records are in a second place first.
#pragma once

#include "server/audit_sink.h"
#include "server/durable.h"

namespace keymast::server {

class AuditedStore final : public Durable {
 public:
  AuditedStore(std::unique_ptr<Durable> store, AuditSink::Config sink);

  // Commit gives kAuditBlocked, and commits nothing, when the second place does not take the
  // records among the changes. Changes without any need it for nothing.
  Result<uint64_t> Commit(const std::vector<rekey::Change>& changes) override;
  Failure Refusal() const override { return refusal_; }
  tl::expected<void, Failure> MayRecord() override { return sink_.Probe(); }

  std::unique_ptr<CommitRoom> NewRoom() const override { return store_->NewRoom(); }
  tl::expected<rekey::State, Failure> Load() override { return store_->Load(); }
  Status CloseClean() override { return store_->CloseClean(); }
  uint64_t revision() const override { return store_->revision(); }
  Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) override {
    return store_->Audit(after, limit);
  }
  Result<std::string> BeginBackup() override { return store_->BeginBackup(); }
  Status EndBackup() override { return store_->EndBackup(); }
  Rotation rotation() const override { return store_->rotation(); }
  tl::expected<void, Failure> BeginRotation(const crypto::MasterKey& next) override {
    return store_->BeginRotation(next);
  }
  Result<Rotation> RotationStep() override { return store_->RotationStep(); }
  Status CancelRotation() override { return store_->CancelRotation(); }

 private:
  const std::unique_ptr<Durable> store_;
  AuditSink sink_;
  Failure refusal_;
};

}  // namespace keymast::server
