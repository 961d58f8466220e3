// SPDX-License-Identifier: Apache-2.0
#include "store/memory_store.h"

#include <map>
#include <mutex>

#include "store/batch_check.h"
#include "store/recent_commits.h"

namespace keymast::store {
namespace {

struct Version {
  Revision revision = 0;
  std::optional<Bytes> value;  // absent: deleted
};

// History is one key's versions, oldest first: the newest, and those that a kept revision needs.
using History = std::vector<Version>;

const Version* AsOf(const History& history, Revision revision) {
  for (auto version = history.rbegin(); version != history.rend(); ++version) {
    if (version->revision <= revision) return version->value ? &*version : nullptr;
  }
  return nullptr;
}

}  // namespace

class MemoryDisk {
 public:
  Fence Open() {
    const std::lock_guard lock(mutex_);
    recent_ = RecentCommits(recent_.newest());
    return ++fence_;
  }

  Result<Revision> Commit(const Batch& batch, Fence fence) {
    const std::lock_guard lock(mutex_);
    if (fence != fence_ || batch.fence != fence_) return Err(Error::kFenced);
    for (const Expectation& expectation : batch.expected) {
      if (RevisionOf(expectation.key) != expectation.revision) return Err(Error::kConflict);
    }
    const Revision revision = recent_.newest() + 1;
    std::vector<WatchEvent> events;
    for (const auto& [key, value] : batch.puts) {
      keys_[key].push_back({revision, value});
      events.push_back({revision, key, value});
    }
    for (const std::string& key : batch.deletes) {
      if (RevisionOf(key) == 0) continue;
      keys_[key].push_back({revision, std::nullopt});
      events.push_back({revision, key, std::nullopt});
    }
    recent_.Add(std::move(events));
    for (const auto& put : batch.puts) Prune(put.first);
    for (const std::string& key : batch.deletes) Prune(key);
    return revision;
  }

  Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after, size_t limit,
                                  Revision revision) const {
    const std::lock_guard lock(mutex_);
    if (revision == 0) revision = recent_.newest();
    if (const Status found = recent_.Find(revision); !found) return Err(found.error());
    std::vector<Entry> entries;
    auto at = after < prefix ? keys_.lower_bound(prefix) : keys_.upper_bound(after);
    for (; at != keys_.end() && at->first.starts_with(prefix); ++at) {
      if (entries.size() == limit) break;
      const Version* version = AsOf(at->second, revision);
      if (version == nullptr) continue;
      entries.push_back({at->first, *version->value, version->revision});
    }
    return entries;
  }

  Result<std::vector<WatchEvent>> Watch(std::string_view prefix, Revision from,
                                        size_t limit) const {
    const std::lock_guard lock(mutex_);
    return recent_.Since(prefix, from, limit);
  }

  Revision revision() const {
    const std::lock_guard lock(mutex_);
    return recent_.newest();
  }

 private:
  // RevisionOf is 0 for an absent key.
  Revision RevisionOf(const std::string& key) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return 0;
    const Version* version = AsOf(found->second, recent_.newest());
    return version == nullptr ? 0 : version->revision;
  }

  // Prune drops versions that no kept revision can see.
  void Prune(const std::string& key) {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return;
    History& history = found->second;
    while (history.size() > 1 && history[1].revision <= recent_.oldest()) {
      history.erase(history.begin());
    }
  }

  mutable std::mutex mutex_;
  Fence fence_ = 0;
  RecentCommits recent_{0};
  std::map<std::string, History, std::less<>> keys_;
};

std::shared_ptr<MemoryDisk> MakeMemoryDisk() { return std::make_shared<MemoryDisk>(); }

namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk)
      : disk_(std::move(disk)), fence_(disk_->Open()) {}

  Result<Revision> Commit(const Batch& batch) override {
    if (const Status good = CheckBatch(batch, limits()); !good) return Err(good.error());
    return disk_->Commit(batch, fence_);
  }
  Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after, size_t limit,
                                  Revision revision) override {
    return disk_->Scan(prefix, after, limit, revision);
  }
  Result<std::vector<WatchEvent>> Watch(std::string_view prefix, Revision from,
                                        size_t limit) override {
    return disk_->Watch(prefix, from, limit);
  }
  Revision revision() const override { return disk_->revision(); }
  Result<std::string> BeginBackup() override { return Err(Error::kUnimplemented); }
  Status EndBackup() override { return {}; }
  Fence fence() const override { return fence_; }

 private:
  const std::shared_ptr<MemoryDisk> disk_;
  const Fence fence_;
};

}  // namespace

std::unique_ptr<Store> OpenMemoryStore(std::shared_ptr<MemoryDisk> disk) {
  return std::make_unique<MemoryStore>(std::move(disk));
}

}  // namespace keymast::store
