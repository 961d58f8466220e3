// SPDX-License-Identifier: Apache-2.0
// Operations that work on the store as a whole: backups, and changes of the master key. They are
// done by the committer, between commits.
#pragma once

#include <filesystem>

#include "keymast/v1/server.pb.h"
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
    std::string key_in_use = {};  // id of the master key at the start
  };
  StoreWork(Shard& shard, Means means)
      : shard_(shard), means_(std::move(means)), key_in_use_(means_.key_in_use) {}

  // Turn goes on with what is under way; called in each turn of the loop.
  void Turn();

  // Where a backup of this id lies; empty when none are made here.
  std::string FolderOf(const std::string& id) const;
  bool MakesBackups() const { return !means_.backups.empty(); }
  // Id of the master key in use.
  const std::string& key_in_use() const { return key_in_use_; }
  // Backups are those in the folder, by name.
  std::vector<v1::Backup> Backups() const;
  // Remove takes a backup away.
  void Remove(const std::string& id) const;

 private:
  using Job = std::function<rekey::Progress(rekey::Progress)>;
  void Go(const rekey::Operation& operation, Job job);
  Job BackupJob(const rekey::Operation& operation) const;
  Job RotationJob(const rekey::Operation& operation) const;
  Job BeginJob(const rekey::Operation& operation) const;

  Shard& shard_;
  const Means means_;
  std::string key_in_use_;
};

}  // namespace keymast::server
