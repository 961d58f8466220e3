// SPDX-License-Identifier: Apache-2.0
// What RocksDB does on its own with synced commits: the floor of durable commands.
#pragma once

#include <memory>
#include <string>

namespace rocksdb {
class DB;
}

namespace keymast::bench {

class StoreFloor {
 public:
  // `path` is a directory that is not there yet.
  explicit StoreFloor(const std::string& path);
  ~StoreFloor();
  StoreFloor(const StoreFloor&) = delete;
  StoreFloor& operator=(const StoreFloor&) = delete;

  // GroupCommit has `writers` threads commit one put after the other, each durable before the next
  // of its thread, until `count` are done. Returns commits a second of wall time.
  double GroupCommit(size_t writers, size_t count);
  // Batches has one thread commit `count` puts, `batch` at a time, each batch with one record more
  // for the request and one for the audit. Returns puts a second of wall time, those two apart.
  double Batches(size_t batch, size_t count);

 private:
  std::unique_ptr<rocksdb::DB> db_;
  size_t keys_ = 0;
};

}  // namespace keymast::bench
