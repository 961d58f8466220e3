// SPDX-License-Identifier: Apache-2.0
#include "conformance.h"

#include <rocksdb/env.h>

#include "store/memory_store.h"
#include "store/rocks_store.h"
#include "temp_dir.h"

namespace keymast::store {
namespace {

class InMemory final : public TestDisk {
 public:
  std::unique_ptr<Store> Open() override { return OpenMemoryStore(disk_); }

 private:
  std::shared_ptr<MemoryDisk> disk_ = MakeMemoryDisk();
};

class InRocks : public TestDisk {
 public:
  InRocks(std::string path, rocksdb::Env* env) : path_(std::move(path)), env_(env) {}

  std::unique_ptr<Store> Open() override {
    auto store = OpenRocksStore({path_, !created_, env_});
    EXPECT_TRUE(store) << store.error().message;
    created_ = true;
    return store ? std::move(*store) : nullptr;
  }

 private:
  const std::string path_;
  rocksdb::Env* const env_;
  bool created_ = false;
};

class RocksInDirectory final : public TestDisk {
 public:
  std::unique_ptr<Store> Open() override { return rocks_.Open(); }

 private:
  TempDir directory_;
  InRocks rocks_{directory_.path() + "/data", nullptr};
};

class RocksInMemory final : public TestDisk {
 public:
  std::unique_ptr<Store> Open() override { return rocks_.Open(); }

 private:
  std::unique_ptr<rocksdb::Env> env_{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  InRocks rocks_{"/data", env_.get()};
};

template <class Disk>
Backend BackendOf(std::string name) {
  return {std::move(name), [] { return std::make_unique<Disk>(); }};
}

INSTANTIATE_TEST_SUITE_P(Backends, StoreConformance,
                         ::testing::Values(BackendOf<InMemory>("Memory"),
                                           BackendOf<RocksInDirectory>("RocksInDirectory"),
                                           BackendOf<RocksInMemory>("RocksInMemory")),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace keymast::store
