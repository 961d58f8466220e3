// SPDX-License-Identifier: Apache-2.0
// One opened RocksDB database with its guarded files and threads: from open to the first failed
// write.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "store/rocks_env.h"
#include "store/rocks_head.h"
#include "store/rocks_place.h"

namespace keymast::store {

class Database {
 public:
  // Create makes an empty database with a head in an empty directory; Open looks at what is there
  // without touching it, then opens it. The directory's lock is held by the caller.
  static tl::expected<std::shared_ptr<Database>, Failure> Create(const Place& place);
  static tl::expected<std::shared_ptr<Database>, Failure> Open(const Place& place);
  // Read gives what is kept under a stored key, without touching anything.
  static tl::expected<std::optional<std::string>, Failure> Read(const Place& place,
                                                                const std::string& stored_key);

  // A database ends as by a kill: what is durable stays, nothing else is written.
  ~Database() { files_->Freeze(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() { return *db_; }
  // The head when it was opened.
  const Head& head() const { return head_; }
  uint64_t reserve() const { return reserve_; }

  // Write makes the batch durable, or says why not: kNoSpace when nothing of it is left, nor will
  // come back; kStoreClosed when that is not known. Either ends this database: nothing is written
  // to its files any more, and it can only be read.
  Status Write(rocksdb::WriteBatch& batch);
  bool writable() const { return !files_->frozen(); }
  // damaged: it ended for another reason than lack of room, for good.
  bool damaged() const { return files_->broken() || (files_->frozen() && !files_->lacked_room()); }

 private:
  explicit Database(const Place& place);
  tl::expected<void, Failure> OpenFiles(const std::string& path, bool create);

  const std::shared_ptr<GuardedFiles> files_;
  RocksEnv env_;
  const size_t write_buffer_;
  const uint64_t reserve_;
  Head head_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace keymast::store
