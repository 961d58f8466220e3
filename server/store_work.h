// SPDX-License-Identifier: Apache-2.0
// Operations that work on the store as a whole: backups, and changes of the master key. They are
// done by the committer, one part at a time between commits.
#pragma once

#include <deque>
#include <filesystem>

#include "keymast/v1/server.pb.h"
#include "server/backup_job.h"
#include "server/shard.h"

namespace keymast::server {

class StoreWork {
 public:
  // OpenKey opens the key that a rotation leads to, as it is configured at that moment.
  using OpenKey = std::function<tl::expected<std::unique_ptr<crypto::MasterKey>, Failure>()>;

  // What a store on this machine has; without `backups`, a folder, none are made.
  struct Means {
    std::string backups;
    OpenKey open_key = {};
    BackupJob::Pace pace = {};
  };
  StoreWork(Shard& shard, Means means)
      : shard_(shard), means_(std::move(means)), rotation_(shard.parts().durable.rotation()) {}

  // Turn goes on with what is under way; called in each turn of the loop.
  void Turn();

  bool MakesBackups() const { return !means_.backups.empty(); }
  // Id of the master key in use.
  const std::string& key_in_use() const { return rotation_.new_key_id; }
  // IsRotating: everything is being sealed anew since a change from `old_id` to `new_id`, whether
  // or not an operation is at it.
  bool IsRotating(const std::string& old_id, const std::string& new_id) const {
    return rotation_.IsRunning() && rotation_.old_key_id == old_id &&
           rotation_.new_key_id == new_id;
  }
  // Backups are those in the folder, by name.
  std::vector<v1::Backup> Backups() const;
  bool HasBackup(const std::string& id) const;  // its name is taken, be it by a file
  bool IsBackup(const std::string& id) const;
  v1::Backup BackupNamed(const std::string& id) const;  // one that is there
  // Remove takes a backup away: at once for who lists them, from the disk by the committer, before
  // `answer` is called; kFailedPrecondition when the disk keeps it.
  struct Removal {
    std::string id;
    Instant made_before;  // a newer one stays
    Pipeline::Effect answer;
  };
  void Remove(Removal removal) { removals_.push_back(std::move(removal)); }

 private:
  using Job = std::function<rekey::Progress(rekey::Progress)>;
  void Go(const rekey::Operation& operation, Job job);
  void GoOnRemoving();
  std::string FolderOf(const std::string& id) const;
  Job BackupStep(const rekey::Operation& operation);
  bool GiveUpBackup();
  Job RotationJob(const rekey::Operation& operation) const;
  // What a rotation's job does, on the committer's thread.
  rekey::Progress BeginRotation(rekey::Progress progress, const std::string& old_id,
                                const std::string& new_id) const;
  rekey::Progress CancelRotation(rekey::Progress progress) const;
  rekey::Progress StepRotation(rekey::Progress progress) const;

  // BackupUnderWay is one that this process has begun.
  struct BackupUnderWay {
    OperationId of;
    std::shared_ptr<BackupJob> job;  // the committer's
    bool is_given_up = false;
  };

  Shard& shard_;
  const Means means_;
  Durable::Rotation rotation_;  // as the last job left it
  std::deque<Removal> removals_;
  std::optional<BackupUnderWay> backup_;
};

}  // namespace keymast::server
