// SPDX-License-Identifier: Apache-2.0
#include "server/store_work.h"

#include <algorithm>

#include "base/failpoint.h"
#include "groups/group.h"
#include "server/progress.h"
#include "server/translate.h"
#include "shell/files.h"

namespace keymast::server {
namespace {

using rekey::Operation;
using rekey::OperationKind;
using rekey::Progress;

// How far an operation goes is told in so many parts: each is a commit, an event and a line of the
// log.
constexpr uint64_t kParts = 20;

uint64_t PartOf(const Progress& progress) { return std::max<uint64_t>(progress.total / kParts, 1); }

bool IsWorthKeeping(const Progress& kept, const Progress& now) {
  return now.IsDone() || now.total != kept.total || now.done >= kept.done + PartOf(now);
}

Instant ChangedAt(const std::filesystem::path& folder) {
  std::error_code problem;
  const auto time = std::filesystem::last_write_time(folder, problem);
  if (problem) return {};
  const auto system = std::chrono::file_clock::to_sys(time);
  return FromUnixNanos(
      std::chrono::duration_cast<std::chrono::nanoseconds>(system.time_since_epoch()).count());
}

// Its name goes first, in one step: no crash leaves half of a backup in the list.
Status RemoveFolder(const std::string& folder, Instant made_before) {
  std::error_code problem;
  if (!std::filesystem::exists(folder, problem) || ChangedAt(folder) > made_before) return {};
  const std::string gone = folder + kGone;
  PassFailpoint("server.removal.before");
  std::filesystem::remove_all(gone, problem);
  std::filesystem::rename(folder, gone, problem);
  if (problem || !shell::SyncFolderOf(folder)) return Err(Error::kFailedPrecondition);
  PassFailpoint("server.removal.renamed");
  std::filesystem::remove_all(gone, problem);
  return {};
}

}  // namespace

std::string StoreWork::FolderOf(const std::string& id) const { return means_.backups + "/" + id; }

std::vector<v1::Backup> StoreWork::Backups() const {
  std::vector<std::string> ids;
  std::error_code problem;
  if (!MakesBackups()) return {};
  for (std::filesystem::directory_iterator at(means_.backups, problem), end; !problem && at != end;
       at.increment(problem)) {
    const std::string id = at->path().filename().string();
    if (groups::IsResourceId(id) && IsBackup(id)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  std::vector<v1::Backup> backups;
  for (const std::string& id : ids) backups.push_back(BackupNamed(id));
  return backups;
}

bool StoreWork::IsBackup(const std::string& id) const {
  std::error_code problem;
  return HasBackup(id) && std::filesystem::is_directory(FolderOf(id), problem);
}

v1::Backup StoreWork::BackupNamed(const std::string& id) const {
  v1::Backup backup;
  backup.set_name("backups/" + id);
  backup.set_directory(FolderOf(id));
  backup.set_octets(OctetsIn(FolderOf(id)));
  *backup.mutable_create_time() = ToProto(ChangedAt(FolderOf(id)));
  return backup;
}

bool StoreWork::HasBackup(const std::string& id) const {
  std::error_code problem;
  const bool is_going = std::any_of(removals_.begin(), removals_.end(),
                                    [&id](const Removal& one) { return one.id == id; });
  return !is_going && std::filesystem::exists(FolderOf(id), problem);
}

StoreWork::Job StoreWork::BackupStep(const Operation& operation) {
  if (!backup_ || backup_->of != operation.id) {
    backup_ = {operation.id, std::make_shared<BackupJob>(shard_.parts().durable,
                                                         FolderOf(operation.subject), means_.pace)};
  }
  return [job = backup_->job](Progress progress) { return job->Step(std::move(progress)); };
}

// GiveUpBackup gives the room back that a backup takes when the store has none, and takes away what
// was begun of one when its operation turned out not to be durable. False: there is no need of it.
bool StoreWork::GiveUpBackup() {
  if (!backup_) return false;
  const auto& operations = shard_.controller().state().operations;
  const bool is_unknown = !operations.contains(backup_->of);
  const bool is_in_the_way = shard_.Frozen() && !backup_->is_given_up;
  if (!is_unknown && !is_in_the_way) return false;
  const Failure why{Error::kNoSpace, "the store had no space left meanwhile", {}, {}, 0};
  if (!shard_.DoAnyway([job = backup_->job, why] { job->GiveUp(why); }, [] {})) return true;
  backup_->is_given_up = true;
  if (is_unknown) backup_.reset();
  return true;
}

Progress StoreWork::BeginRotation(Progress progress, const std::string& old_id,
                                  const std::string& new_id) const {
  Durable& durable = shard_.parts().durable;
  if (const std::string in_use = durable.rotation().new_key_id; in_use != old_id) {
    return Failed(std::move(progress), Error::kFailedPrecondition,
                  "the master key in use is " + in_use);
  }
  const auto key = means_.open_key();
  if (!key) return Failed(std::move(progress), key.error().error, key.error().message);
  if ((*key)->id() != new_id) {
    return Failed(std::move(progress), Error::kFailedPrecondition,
                  "the next master key that is configured is " + (*key)->id());
  }
  const auto begun = durable.BeginRotation(**key);
  if (!begun) return Failed(std::move(progress), begun.error().error, begun.error().message);
  const Durable::Rotation rotation = durable.rotation();
  progress.done = rotation.done;
  progress.total = std::max<uint64_t>(rotation.total, 1);
  return progress;
}

Progress StoreWork::CancelRotation(Progress progress) const {
  const Status cancelled = shard_.parts().durable.CancelRotation();
  if (cancelled) return Cancelled(std::move(progress));
  return Failed(std::move(progress), cancelled.error(), "could not be cancelled");
}

Progress StoreWork::StepRotation(Progress progress) const {
  const uint64_t until = progress.done + PartOf(progress);
  for (;;) {
    const Result<Durable::Rotation> rotation = shard_.parts().durable.RotationStep();
    if (!rotation) {
      return Failed(std::move(progress), rotation.error(),
                    "stopped; asked for again, with the same ids, it goes on");
    }
    progress.done = rotation->done;
    progress.total = std::max<uint64_t>(rotation->total, 1);
    if (!rotation->IsRunning()) {
      progress.done = progress.total;
      return Ended(std::move(progress));
    }
    if (progress.done >= until || progress.done >= progress.total) return progress;
  }
}

// The store says how far a rotation is: what is kept of the operation may be older.
StoreWork::Job StoreWork::RotationJob(const Operation& operation) const {
  const std::string old_id = operation.targets.empty() ? std::string() : operation.targets[0];
  return [this, old_id, new_id = operation.subject](Progress progress) {
    const Durable::Rotation now = shard_.parts().durable.rotation();
    const bool is_begun = now.new_key_id == new_id;
    const bool is_running = is_begun && now.IsRunning();
    if (progress.cancelling && is_running) return CancelRotation(std::move(progress));
    if (progress.cancelling && !is_begun) return Cancelled(std::move(progress));
    return is_begun ? StepRotation(std::move(progress))
                    : BeginRotation(std::move(progress), old_id, new_id);
  };
}

// Go has one part of an operation done, and keeps how far it is.
void StoreWork::Go(const Operation& operation, Job job) {
  auto progress = std::make_shared<Progress>(operation.progress);
  auto rotation = std::make_shared<Durable::Rotation>();
  const OperationId id = operation.id;
  Durable& durable = shard_.parts().durable;
  shard_.Do(
      [progress, rotation, &durable, job = std::move(job)] {
        *progress = job(*progress);
        *rotation = durable.rotation();
      },
      [this, progress, rotation, id] {
        rotation_ = *rotation;
        if (progress->IsDone() && backup_ && backup_->of == id) backup_.reset();
        const Instant now = shard_.Now();
        const auto& operations = shard_.controller().state().operations;
        const auto found = operations.find(id);
        if (found == operations.end() || shard_.Unable()) return;
        if (progress->IsDone()) progress->ended = now;
        if (!IsWorthKeeping(found->second.progress, *progress)) return;
        // It may have been cancelled meanwhile.
        progress->cancelling = progress->cancelling || found->second.progress.cancelling;
        PassFailpoint("server.operation.moved");
        shard_.Take(shard_.controller().MoveOperation(id, *progress, now));
      });
}

void StoreWork::GoOnRemoving() {
  auto removed = std::make_shared<Status>();
  const Removal& removal = removals_.front();
  shard_.Do([removed, folder = FolderOf(removal.id),
             before = removal.made_before] { *removed = RemoveFolder(folder, before); },
            [this, removed] {
              const Pipeline::Effect answer = std::move(removals_.front().answer);
              removals_.pop_front();
              shard_.Behind(
                  [answer, removed](const Status& status) { answer(status ? *removed : status); });
            });
}

void StoreWork::Turn() {
  if (GiveUpBackup() || shard_.Frozen()) return;
  if (!removals_.empty()) return GoOnRemoving();
  for (const auto& [id, operation] : shard_.controller().state().operations) {
    if (operation.progress.IsDone()) continue;
    if (operation.kind == OperationKind::kBackup) return Go(operation, BackupStep(operation));
    if (operation.kind == OperationKind::kMasterKey) return Go(operation, RotationJob(operation));
  }
}

}  // namespace keymast::server
