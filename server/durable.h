// SPDX-License-Identifier: Apache-2.0
// What keymastd asks of its store; records::Repository behind it, a store that delays and fails in
// the tests.
#pragma once

#include <memory>
#include <optional>

#include "base/error.h"
#include "crypto/master_key.h"
#include "records/rotation.h"
#include "rekey/state.h"

namespace keymast::server {

// CommitRoom is what is left of one commit.
class CommitRoom {
 public:
  virtual ~CommitRoom() = default;

  // Take gives room to a whole step. A step that is given none goes into another commit, with all
  // that come after it; alone in a commit any step may be made durable.
  virtual bool Take(const std::vector<rekey::Change>& step) = 0;
};

// Durable is where changes become durable. Its functions are called by the committer's thread and,
// while no commit is in flight, by the shard's.
class Durable {
 public:
  virtual ~Durable() = default;

  // Commit blocks until the changes are durable, all or none, and returns the store's revision.
  // Without changes it says whether some could be made durable.
  // Errors as store::Store::Commit, and kAuditBlocked: as MayRecord, and nothing was changed.
  virtual Result<uint64_t> Commit(const std::vector<rekey::Change>& changes) = 0;
  // MayRecord says whether changes with audit records among them could be made durable, as far as
  // that is asked of others than the store: kAuditBlocked, or kUnavailable when it is on its way
  // and asking again helps.
  virtual tl::expected<void, Failure> MayRecord() { return {}; }
  // Refusal is what was wrong when a commit last gave kAuditBlocked. Called while none is in
  // flight.
  virtual Failure Refusal() const { return {Error::kAuditBlocked, {}, {}, {}, 0}; }
  // NewRoom is for steps that are to share one commit. Called at any time.
  virtual std::unique_ptr<CommitRoom> NewRoom() const = 0;
  // Load reads the acknowledged state.
  virtual tl::expected<rekey::State, Failure> Load() = 0;
  // CloseClean writes what makes the next start a clean one. Nothing is committed after it.
  virtual Status CloseClean() = 0;

  virtual uint64_t revision() const = 0;
  // Audit gives at most `limit` durable records of the audit log behind `after`. Called at any
  // time. Errors: kCorrupt, kIo.
  virtual Result<std::vector<audit::Record>> Audit(uint64_t after, size_t limit) = 0;

  // As of store::Store: the files of a backup.
  virtual Result<std::string> BeginBackup() = 0;
  virtual Status EndBackup() = 0;
  // Rotation of the master key, as records::Repository has it.
  using Rotation = records::RotationProgress;
  virtual Rotation rotation() const = 0;
  virtual tl::expected<void, Failure> BeginRotation(const crypto::MasterKey& next) = 0;
  virtual Result<Rotation> RotationStep() = 0;
  virtual Status CancelRotation() = 0;
};

// About is what the store says of itself once it is open.
struct About {
  uint64_t incarnation = 0;
  uint64_t epoch = 0;
  std::optional<uint64_t> possibly_lost_commits = 0;  // absent: nobody knows how many
  bool new_incarnation = false;
  std::string master_key_id = {};
};

}  // namespace keymast::server
