// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_store.h"

#include <rocksdb/utilities/checkpoint.h>

#include <deque>
#include <mutex>

#include "base/failpoint.h"
#include "store/batch_check.h"
#include "store/recent_commits.h"
#include "store/rocks_database.h"
#include "store/rocks_failure.h"
#include "store/rocks_place.h"

namespace keymast::store {
namespace {

// View is the database as of one commit; it keeps the database open.
class View {
 public:
  explicit View(std::shared_ptr<Database> database)
      : database_(std::move(database)), snapshot_(database_->db().GetSnapshot()) {}
  ~View() { database_->db().ReleaseSnapshot(snapshot_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after,
                                  size_t limit) const;
  // RevisionOf is 0 for an absent key.
  Result<Revision> RevisionOf(const std::string& key) const;

 private:
  rocksdb::ReadOptions Options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

  const std::shared_ptr<Database> database_;
  const rocksdb::Snapshot* snapshot_;
};

Result<std::vector<Entry>> View::Scan(std::string_view prefix, std::string_view after,
                                      size_t limit) const {
  const std::string past = PastPrefix(prefix);
  const rocksdb::Slice bound(past);
  rocksdb::ReadOptions options = Options();
  options.iterate_upper_bound = &bound;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> at(database_->db().NewIterator(options));
  std::vector<Entry> entries;
  if (limit == 0) return entries;
  // The least key above `after` is `after` and a zero octet.
  const std::string above = StoredKey(after) + '\0';
  for (at->Seek(after < prefix ? StoredKey(prefix) : above); at->Valid(); at->Next()) {
    const Result<ParsedValue> parsed = ParseValue(at->value().ToStringView());
    if (!parsed) return Err(parsed.error());
    entries.push_back({std::string(CallersKey(at->key().ToStringView())),
                       Bytes(parsed->value.begin(), parsed->value.end()), parsed->revision});
    if (entries.size() == limit) return entries;
  }
  if (!at->status().ok()) return Err(ReadError(at->status()));
  return entries;
}

Result<Revision> View::RevisionOf(const std::string& key) const {
  rocksdb::PinnableSlice record;
  rocksdb::DB& db = database_->db();
  const rocksdb::Status status =
      db.Get(Options(), db.DefaultColumnFamily(), StoredKey(key), &record);
  if (status.IsNotFound()) return 0;
  if (!status.ok()) return Err(ReadError(status));
  const Result<ParsedValue> parsed = ParseValue(record.ToStringView());
  if (!parsed) return Err(parsed.error());
  return parsed->revision;
}

// Writes is a batch in RocksDB's terms and what it will tell the watchers.
struct Writes {
  rocksdb::WriteBatch batch;
  std::vector<WatchEvent> events;
};

class RocksStore final : public Store {
 public:
  RocksStore(Place place, std::unique_ptr<DirectoryLock> lock, std::shared_ptr<Database> database,
             const Head& head)
      : place_(std::move(place)),
        lock_(std::move(lock)),
        head_(head),
        database_(std::move(database)),
        recent_(head.revision) {
    views_.push_back(std::make_shared<View>(database_));
  }

  Result<Revision> Commit(const Batch& batch) override;
  Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after, size_t limit,
                                  Revision revision) override;
  Result<std::vector<WatchEvent>> Watch(std::string_view prefix, Revision from,
                                        size_t limit) override;
  Result<std::string> BeginBackup() override;
  Status EndBackup() override { return RemoveBackupFolder(place_); }
  Revision revision() const override;
  Fence fence() const override { return head_.fence; }

 private:
  Status Check(const Batch& batch);
  Status EnsureWritable(const Batch& batch);
  Status Reopen();
  Result<Writes> Translate(const Batch& batch, Revision revision);
  void Publish(std::vector<WatchEvent> events);
  Result<std::shared_ptr<const View>> ViewAt(Revision revision) const;

  const Place place_;
  const std::unique_ptr<DirectoryLock> lock_;  // outlives the databases below

  std::mutex commit_;  // one commit at a time; held over its sync
  Head head_;          // changed under commit_; the fence never
  bool closed_ = false;
  std::shared_ptr<Database> database_;

  mutable std::mutex mutex_;  // what readers see; never held over I/O
  RecentCommits recent_;
  std::deque<std::shared_ptr<const View>> views_;  // the newest is of recent_.newest()
};

Result<Revision> RocksStore::Commit(const Batch& batch) {
  if (const Status good = CheckBatch(batch, limits()); !good) return Err(good.error());
  const std::lock_guard lock(commit_);
  if (closed_) return Err(Error::kStoreClosed);
  if (batch.fence != head_.fence) return Err(Error::kFenced);
  if (const Status expected = Check(batch); !expected) return Err(expected.error());
  if (const Status ready = EnsureWritable(batch); !ready) return Err(ready.error());

  Head next = head_;
  ++next.revision;
  Result<Writes> writes = Translate(batch, next.revision);
  if (!writes) return Err(writes.error());
  writes->batch.Put(rocksdb::Slice(HeadKey()), EncodeHead(next));
  Status written = database_->Write(writes->batch);
  if (!written && written.error() == Error::kNoSpace) {
    // The disk may have been full for a moment only, perhaps during an earlier flush.
    written = EnsureWritable(batch);
    if (written) written = database_->Write(writes->batch);
  }
  if (!written) {
    if (written.error() == Error::kStoreClosed) closed_ = true;
    return Err(written.error());
  }
  head_ = next;
  Publish(std::move(writes->events));
  PassFailpoint("store.commit.published");
  return next.revision;
}

Status RocksStore::Check(const Batch& batch) {
  for (const Expectation& expectation : batch.expected) {
    const Result<Revision> found = views_.back()->RevisionOf(expectation.key);
    if (!found) return Err(found.error());
    if (*found != expectation.revision) return Err(Error::kConflict);
  }
  return {};
}

// EnsureWritable keeps a reserve free, so that RocksDB hardly ever meets a full disk; when it did,
// a fresh database is opened as after a crash once there is room. After any other failure, also one
// that a background thread met, nothing is known that a fresh database could stand on.
Status RocksStore::EnsureWritable(const Batch& batch) {
  if (database_->damaged()) {
    closed_ = true;
    return Err(Error::kStoreClosed);
  }
  const std::optional<uint64_t> free = place_.Free();
  const uint64_t needed = database_->reserve() + 2 * uint64_t{OctetsOf(batch)};
  if (free && *free < needed) return Err(Error::kNoSpace);
  return database_->writable() ? Status() : Reopen();
}

Status RocksStore::Reopen() {
  const auto opened = Database::Open(place_);
  if (!opened && opened.error().error == Error::kNoSpace) return Err(Error::kNoSpace);
  // A commit that was refused must not have come back.
  if (!opened || (*opened)->head() != head_) {
    closed_ = true;
    return Err(Error::kStoreClosed);
  }
  database_ = *opened;
  auto view = std::make_shared<View>(database_);
  const std::lock_guard lock(mutex_);
  // Views of the old database would keep its deleted files on the disk.
  views_.assign(1, std::move(view));
  return {};
}

Result<Writes> RocksStore::Translate(const Batch& batch, Revision revision) {
  Writes writes;
  for (const auto& [key, value] : batch.puts) {
    writes.batch.Put(StoredKey(key), StoredValue(revision, value));
    writes.events.push_back({revision, key, value});
  }
  for (const std::string& key : batch.deletes) {
    const Result<Revision> found = views_.back()->RevisionOf(key);
    if (!found) return Err(found.error());
    if (*found == 0) continue;
    writes.batch.Delete(StoredKey(key));
    writes.events.push_back({revision, key, std::nullopt});
  }
  return writes;
}

void RocksStore::Publish(std::vector<WatchEvent> events) {
  auto view = std::make_shared<View>(database_);
  std::vector<std::shared_ptr<const View>> dropped;  // released without the lock
  const std::lock_guard lock(mutex_);
  recent_.Add(std::move(events));
  views_.push_back(std::move(view));
  while (views_.size() > recent_.newest() - recent_.oldest() + 1) {
    dropped.push_back(std::move(views_.front()));
    views_.pop_front();
  }
}

Result<std::shared_ptr<const View>> RocksStore::ViewAt(Revision revision) const {
  const std::lock_guard lock(mutex_);
  if (revision == 0) return views_.back();
  if (const Status found = recent_.Find(revision); !found) return Err(found.error());
  const uint64_t back = recent_.newest() - revision;
  if (back >= views_.size()) return Err(Error::kCompacted);
  return views_[views_.size() - 1 - back];
}

Result<std::vector<Entry>> RocksStore::Scan(std::string_view prefix, std::string_view after,
                                            size_t limit, Revision revision) {
  const Result<std::shared_ptr<const View>> view = ViewAt(revision);
  if (!view) return Err(view.error());
  return (*view)->Scan(prefix, after, limit);
}

Result<std::vector<WatchEvent>> RocksStore::Watch(std::string_view prefix, Revision from,
                                                  size_t limit) {
  const std::lock_guard lock(mutex_);
  return recent_.Since(prefix, from, limit);
}

// RocksDB links tables, and copies what it goes on with: a manifest and the end of a log, which are
// no longer than its write buffer. It flushes before, so that room for that must be there.
Result<std::string> RocksStore::BeginBackup() {
  const std::lock_guard lock(commit_);
  if (closed_) return Err(Error::kStoreClosed);
  if (const Status ready = EnsureWritable({}); !ready) return Err(ready.error());
  if (const Status removed = RemoveBackupFolder(place_); !removed) return Err(removed.error());
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database_->db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  PassFailpoint("store.backup.begun");
  std::string folder = BackupFolder(place_);
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder);
  PassFailpoint("store.backup.made");
  if (status.ok()) return folder;
  // What is left of it the next one removes, or the next open.
  RemoveBackupFolder(place_);
  return Err(status.IsNoSpace() ? Error::kNoSpace : Error::kIo);
}

Revision RocksStore::revision() const {
  const std::lock_guard lock(mutex_);
  return recent_.newest();
}

// RaiseFence is the first write of every open.
tl::expected<Head, Failure> RaiseFence(const Place& place, Database& database) {
  Head head = database.head();
  ++head.fence;
  rocksdb::WriteBatch batch;
  batch.Put(rocksdb::Slice(HeadKey()), EncodeHead(head));
  const Status written = database.Write(batch);
  if (written) return head;
  if (written.error() == Error::kNoSpace) {
    return Fail(Error::kNoSpace, "There is no room left on the disk of " + place.path +
                                     ". Make room there, then start again; nothing is lost.");
  }
  return Fail(Error::kIo, "The store in " + place.path +
                              " could not be written. Check the disk, then start again.");
}

}  // namespace

tl::expected<std::unique_ptr<Store>, Failure> OpenRocksStore(const RocksOptions& options) {
  Place place{options.path, options.env == nullptr ? rocksdb::FileSystem::Default()
                                                   : options.env->GetFileSystem()};
  const auto ready = options.create ? PrepareEmpty(place) : FindStore(place);
  if (!ready) return tl::unexpected(ready.error());
  auto lock = LockDirectory(place);
  if (!lock) return tl::unexpected(lock.error());
  PassFailpoint("store.open.locked");
  // First, since it may hold the room that the rest needs. What stays the next backup removes.
  RemoveBackupFolder(place);
  const auto database = options.create ? Database::Create(place) : Database::Open(place);
  if (!database) return tl::unexpected(database.error());
  PassFailpoint("store.open.opened");
  const auto head = RaiseFence(place, **database);
  if (!head) return tl::unexpected(head.error());
  PassFailpoint("store.open.fenced");
  return std::make_unique<RocksStore>(std::move(place), std::move(*lock), *database, *head);
}

tl::expected<std::optional<Bytes>, Failure> ReadRocksEntry(const std::string& path,
                                                           std::string_view key) {
  const Place place{path, rocksdb::FileSystem::Default()};
  if (const auto found = FindStore(place); !found) return tl::unexpected(found.error());
  const auto record = Database::Read(place, StoredKey(key));
  if (!record) return tl::unexpected(record.error());
  if (!*record) return std::nullopt;
  const Result<ParsedValue> parsed = ParseValue(**record);
  if (!parsed) {
    return Fail(parsed.error(), "The store in " + path + " holds an entry that cannot be read.");
  }
  return Bytes(parsed->value.begin(), parsed->value.end());
}

}  // namespace keymast::store
