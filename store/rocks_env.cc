// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_env.h"

#include <rocksdb/system_clock.h>

namespace keymast::store {
namespace {

// Clock cuts sleeps short: RocksDB waits a second after a failed flush, and a close waits for it.
class Clock final : public rocksdb::SystemClockWrapper {
 public:
  explicit Clock(std::shared_ptr<GuardedFiles> files)
      : SystemClockWrapper(rocksdb::SystemClock::Default()), files_(std::move(files)) {}
  const char* Name() const override { return "keymast"; }
  void SleepForMicroseconds(int micros) override {
    files_->Sleep(std::chrono::microseconds(micros));
  }

 private:
  const std::shared_ptr<GuardedFiles> files_;
};

}  // namespace

RocksEnv::RocksEnv(const std::shared_ptr<GuardedFiles>& files)
    : EnvWrapper(rocksdb::NewCompositeEnv(files)),
      flushes_(rocksdb::NewThreadPool(1)),
      compactions_(rocksdb::NewThreadPool(1)) {
  // Without this RocksDB would reach the files through an adapter that loses details of errors.
  file_system_ = files;
  system_clock_ = std::make_shared<Clock>(files);
}

RocksEnv::~RocksEnv() {
  flushes_->JoinAllThreads();
  compactions_->JoinAllThreads();
}

void RocksEnv::Schedule(void (*job)(void*), void* argument, Priority priority, void*,
                        void (*)(void*)) {
  Pool(priority).SubmitJob([job, argument] { job(argument); });
}

unsigned int RocksEnv::GetThreadPoolQueueLen(Priority priority) const {
  return Pool(priority).GetQueueLen();
}

int RocksEnv::GetBackgroundThreads(Priority priority) {
  return priority == Priority::HIGH || priority == Priority::LOW ? 1 : 0;
}

rocksdb::ThreadPool& RocksEnv::Pool(Priority priority) const {
  return priority == Priority::HIGH ? *flushes_ : *compactions_;
}

}  // namespace keymast::store
