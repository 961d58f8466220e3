// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_database.h"

#include "base/failpoint.h"
#include "store/rocks_failure.h"
#include "store/rocks_options.h"
#include "store/rocks_replay.h"

namespace keymast::store {
namespace {

using HeadOrFailure = tl::expected<std::optional<Head>, Failure>;

tl::unexpected<Failure> Newer(const std::string& path) {
  return Fail(Error::kNewerFormat, "The store in " + path +
                                       " was written by a newer version of keymast. Run that "
                                       "version, or restore a backup from before the upgrade.");
}

// HeadIn reads the head; absent when the database has none.
HeadOrFailure HeadIn(rocksdb::DB& db, const std::string& path, const std::string& last_read) {
  std::string record;
  const rocksdb::Status status = db.Get({}, rocksdb::Slice(HeadKey()), &record);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return tl::unexpected(OpenFailure(status, path, last_read));
  const Result<Head> head = DecodeHead(record);
  if (head) return *head;
  if (head.error() == Error::kNewerFormat) return Newer(path);
  return tl::unexpected(Damaged(path, path, "the head record cannot be read"));
}

// Look reads tables and logs without changing anything, and returns the head that a replay leads
// to. What is refused here is as it was.
tl::expected<Head, Failure> Look(const Place& place, GuardedFiles& files, rocksdb::Env* env,
                                 size_t write_buffer) {
  ReplayCheck replay;
  rocksdb::Options options = OptionsFor(env, write_buffer);
  options.wal_filter = &replay;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, place.path, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  const std::string last_read = files.last_read();
  if (!status.ok()) return tl::unexpected(OpenFailure(status, place.path, last_read));

  const HeadOrFailure flushed = HeadIn(*db, place.path, last_read);
  if (!flushed) return tl::unexpected(flushed.error());
  if (const auto& gap = replay.gap()) {
    if (gap->error == Error::kNewerFormat) return Newer(place.path);
    return tl::unexpected(Damaged(place.path, gap->file, "a commit before its end is missing"));
  }
  if (!replay.first()) {
    if (*flushed) return **flushed;
    return Fail(Error::kCorrupt, "The directory " + place.path +
                                     " holds no keymast store, or one whose creation was cut "
                                     "short. Create the store anew in an empty directory.");
  }
  if (!Follows(flushed->value_or(Head{}), *replay.first())) {
    return tl::unexpected(
        Damaged(place.path, replay.first_file(), "commits before its first are missing"));
  }
  return *replay.last();
}

}  // namespace

Database::Database(const Place& place)
    : files_(std::make_shared<GuardedFiles>(place.files)),
      env_(files_),
      write_buffer_(WriteBufferFor(place.Free())),
      reserve_(ReserveFor(write_buffer_)) {}

tl::expected<void, Failure> Database::OpenFiles(const std::string& path, bool create) {
  rocksdb::Options options = OptionsFor(&env_, write_buffer_);
  options.create_if_missing = create;
  options.error_if_exists = create;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, path, &opened);
  db_.reset(opened);
  if (!status.ok()) return tl::unexpected(OpenFailure(status, path, files_->last_read()));
  return {};
}

tl::expected<std::shared_ptr<Database>, Failure> Database::Create(const Place& place) {
  std::shared_ptr<Database> database(new Database(place));
  if (const auto opened = database->OpenFiles(place.path, true); !opened) {
    return tl::unexpected(opened.error());
  }
  return database;
}

tl::expected<std::shared_ptr<Database>, Failure> Database::Open(const Place& place) {
  std::shared_ptr<Database> database(new Database(place));
  const auto seen = Look(place, *database->files_, &database->env_, database->write_buffer_);
  if (!seen) return tl::unexpected(seen.error());
  PassFailpoint("store.open.seen");
  if (const auto opened = database->OpenFiles(place.path, false); !opened) {
    return tl::unexpected(opened.error());
  }
  const HeadOrFailure head = HeadIn(database->db(), place.path, database->files_->last_read());
  if (!head) return tl::unexpected(head.error());
  if (*head != std::optional<Head>(*seen)) {
    return tl::unexpected(Damaged(place.path, database->files_->last_read(),
                                  "the replay led to another state than the log holds"));
  }
  database->head_ = *seen;
  return database;
}

tl::expected<std::optional<std::string>, Failure> Database::Read(const Place& place,
                                                                 const std::string& stored_key) {
  Database looked(place);
  const rocksdb::Options options = OptionsFor(&looked.env_, looked.write_buffer_);
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, place.path, &opened);
  looked.db_.reset(opened);
  std::string record;
  if (status.ok()) status = looked.db().Get({}, rocksdb::Slice(stored_key), &record);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) {
    return tl::unexpected(OpenFailure(status, place.path, looked.files_->last_read()));
  }
  return record;
}

Status Database::Write(rocksdb::WriteBatch& batch) {
  if (files_->frozen()) return Err(Error::kStoreClosed);
  rocksdb::WriteOptions options;
  options.sync = true;
  const uint64_t logged = files_->log_octets();
  PassFailpoint("store.write.before");
  const rocksdb::Status status = db_->Write(options, &batch);
  PassFailpoint("store.write.synced");
  if (status.ok()) return {};
  // RocksDB would try by itself to write what is left in its buffers.
  files_->Freeze();
  // RocksDB wraps its statuses; the files know what happened.
  const bool is_left_out = !files_->broken() && files_->log_octets() == logged;
  return Err(is_left_out && files_->lacked_room() ? Error::kNoSpace : Error::kStoreClosed);
}

}  // namespace keymast::store
