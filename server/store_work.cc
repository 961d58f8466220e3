// SPDX-License-Identifier: Apache-2.0
#include "server/store_work.h"

#include <algorithm>

#include "groups/group.h"
#include "server/translate.h"
#include "shell/files.h"

namespace keymast::server {
namespace {

using rekey::Operation;
using rekey::OperationKind;
using rekey::Progress;

// How far a rotation goes is told in so many parts: each is a commit.
constexpr uint64_t kParts = 20;

Progress Failed(Progress progress, Error error, std::string message) {
  progress.failed = true;
  progress.error = error;
  progress.message = std::move(message);
  progress.ended = Instant::min();  // set when it is kept
  return progress;
}

Progress Cancelled(Progress progress) {
  return Failed(std::move(progress), Error::kCancelled, "was cancelled");
}

uint64_t OctetsIn(const std::filesystem::path& folder) {
  std::error_code problem;
  uint64_t octets = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder, problem)) {
    if (file.is_regular_file(problem)) octets += file.file_size(problem);
  }
  return octets;
}

Instant ChangedAt(const std::filesystem::path& folder) {
  std::error_code problem;
  const auto time = std::filesystem::last_write_time(folder, problem);
  if (problem) return {};
  const auto system = std::chrono::file_clock::to_sys(time);
  return FromUnixNanos(
      std::chrono::duration_cast<std::chrono::nanoseconds>(system.time_since_epoch()).count());
}

}  // namespace

std::string StoreWork::FolderOf(const std::string& id) const { return means_.backups + "/" + id; }

std::vector<v1::Backup> StoreWork::Backups() const {
  std::vector<std::string> ids;
  std::error_code problem;
  if (!MakesBackups()) return {};
  for (const auto& entry : std::filesystem::directory_iterator(means_.backups, problem)) {
    const std::string id = entry.path().filename().string();
    if (entry.is_directory(problem) && groups::IsResourceId(id)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  std::vector<v1::Backup> backups;
  for (const std::string& id : ids) {
    v1::Backup& backup = backups.emplace_back();
    backup.set_name("backups/" + id);
    backup.set_directory(FolderOf(id));
    backup.set_octets(OctetsIn(FolderOf(id)));
    *backup.mutable_create_time() = ToProto(ChangedAt(FolderOf(id)));
  }
  return backups;
}

void StoreWork::Remove(const std::string& id) const {
  std::error_code problem;
  std::filesystem::remove_all(FolderOf(id), problem);
}

StoreWork::Job StoreWork::BackupJob(const Operation& operation) const {
  const std::string folder = FolderOf(operation.subject);
  return [this, folder](Progress progress) {
    if (progress.cancelling) return Cancelled(std::move(progress));
    if (const auto made = shell::MakeFolder(means_.backups); !made) {
      return Failed(std::move(progress), made.error().error, made.error().message);
    }
    // What an attempt before a crash left is no backup.
    std::error_code problem;
    std::filesystem::remove_all(folder, problem);
    const Result<uint64_t> octets = shard_.parts().durable.Backup(folder);
    if (!octets) {
      return Failed(std::move(progress), octets.error(),
                    folder + " cannot be written (" + std::string(ErrorName(octets.error())) + ")");
    }
    progress.done = progress.total = *octets;
    progress.notes = {folder};
    progress.ended = Instant::min();
    return progress;
  };
}

StoreWork::Job StoreWork::BeginJob(const Operation& operation) const {
  const std::string old_id = operation.targets.empty() ? std::string() : operation.targets[0];
  return [this, old_id, new_id = operation.subject](Progress progress) {
    Durable& durable = shard_.parts().durable;
    if (progress.cancelling) return Cancelled(std::move(progress));
    const Durable::Rotation now = durable.rotation();
    // Begun before a crash.
    const bool is_begun = now.IsRunning() && now.new_key_id == new_id;
    if (!is_begun && now.new_key_id != old_id) {
      return Failed(std::move(progress), Error::kFailedPrecondition,
                    "the master key in use is " + now.new_key_id);
    }
    if (!is_begun) {
      const auto key = means_.open_key();
      if (!key) return Failed(std::move(progress), key.error().error, key.error().message);
      if ((*key)->id() != new_id) {
        return Failed(std::move(progress), Error::kFailedPrecondition,
                      "the next master key that is configured is " + (*key)->id());
      }
      const auto begun = durable.BeginRotation(**key);
      if (!begun) return Failed(std::move(progress), begun.error().error, begun.error().message);
    }
    const Durable::Rotation rotation = durable.rotation();
    progress.done = rotation.done;
    progress.total = std::max<uint64_t>(rotation.total, 1);
    return progress;
  };
}

StoreWork::Job StoreWork::RotationJob(const Operation&) const {
  return [this](Progress progress) {
    Durable& durable = shard_.parts().durable;
    if (progress.cancelling) {
      const Status cancelled = durable.CancelRotation();
      if (cancelled) return Cancelled(std::move(progress));
      return Failed(std::move(progress), cancelled.error(), "could not be cancelled");
    }
    const uint64_t part = std::max<uint64_t>(progress.total / kParts, 1);
    const uint64_t until = progress.done + part;
    for (;;) {
      const Result<Durable::Rotation> rotation = durable.RotationStep();
      if (!rotation) {
        return Failed(std::move(progress), rotation.error(),
                      "stopped; it goes on when it is begun again");
      }
      progress.done = rotation->done;
      progress.total = std::max<uint64_t>(rotation->total, 1);
      if (!rotation->IsRunning()) {
        progress.done = progress.total;
        progress.ended = Instant::min();
        return progress;
      }
      if (progress.done >= until || progress.done >= progress.total) return progress;
    }
  };
}

// Go has one part of an operation done, and keeps how far it is.
void StoreWork::Go(const Operation& operation, Job job) {
  auto progress = std::make_shared<Progress>(operation.progress);
  auto key = std::make_shared<std::string>();
  const OperationId id = operation.id;
  Durable& durable = shard_.parts().durable;
  shard_.Do(
      [progress, key, &durable, job = std::move(job)] {
        *progress = job(*progress);
        *key = durable.rotation().new_key_id;
      },
      [this, progress, key, id] {
        key_in_use_ = *key;
        const Instant now = shard_.Now();
        const auto& operations = shard_.controller().state().operations;
        const auto found = operations.find(id);
        if (found == operations.end() || shard_.Unable()) return;
        if (progress->IsDone()) progress->ended = now;
        // It may have been cancelled meanwhile.
        progress->cancelling = progress->cancelling || found->second.progress.cancelling;
        shard_.Take(shard_.controller().MoveOperation(id, *progress, now));
      });
}

void StoreWork::Turn() {
  for (const auto& [id, operation] : shard_.controller().state().operations) {
    if (operation.progress.IsDone()) continue;
    if (operation.kind == OperationKind::kBackup) return Go(operation, BackupJob(operation));
    if (operation.kind != OperationKind::kMasterKey) continue;
    const bool is_begun = operation.progress.total != 0;
    return Go(operation, is_begun ? RotationJob(operation) : BeginJob(operation));
  }
}

}  // namespace keymast::server
