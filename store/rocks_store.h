// SPDX-License-Identifier: Apache-2.0
// The embedded backend: RocksDB, one directory, one process.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace rocksdb {
class Env;
}

namespace keymast::store {

struct RocksOptions {
  std::string path;
  bool create = false;          // make the directory and an empty store; otherwise it must be there
  rocksdb::Env* env = nullptr;  // null: the system's; outlives the store
};

// OpenRocksStore opens the directory and raises its fence. The failure names what is wrong and
// where: kInUse (another process has it), kNotFound, kAlreadyExists (create), kCorrupt with the
// damaged file, kNewerFormat, kNoSpace, kIo.
tl::expected<std::unique_ptr<Store>, Failure> OpenRocksStore(const RocksOptions& options);

}  // namespace keymast::store
