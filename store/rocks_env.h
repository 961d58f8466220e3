// SPDX-License-Identifier: Apache-2.0
// RocksDB's surroundings: guarded files, and two background threads that end with the database.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/threadpool.h>

#include <memory>

#include "store/rocks_guard.h"

namespace keymast::store {

// RocksEnv has one thread for flushes and one for compactions. RocksDB's default Env shares its
// threads between all databases of the process and keeps them for ever.
class RocksEnv final : public rocksdb::EnvWrapper {
 public:
  explicit RocksEnv(const std::shared_ptr<GuardedFiles>& files);
  ~RocksEnv() override;
  RocksEnv(const RocksEnv&) = delete;
  RocksEnv& operator=(const RocksEnv&) = delete;

  void Schedule(void (*job)(void*), void* argument, Priority priority, void* tag,
                void (*unschedule)(void*)) override;
  // A scheduled job that finds its database closing returns at once: none is taken back.
  int UnSchedule(void*, Priority) override { return 0; }
  unsigned int GetThreadPoolQueueLen(Priority priority) const override;
  void SetBackgroundThreads(int, Priority) override {}
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}
  int GetBackgroundThreads(Priority priority) override;

 private:
  rocksdb::ThreadPool& Pool(Priority priority) const;

  std::unique_ptr<rocksdb::ThreadPool> flushes_;
  std::unique_ptr<rocksdb::ThreadPool> compactions_;
};

}  // namespace keymast::store
