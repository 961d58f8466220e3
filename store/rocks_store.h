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
  // Make an empty store in a directory that is missing (its parent is there) or empty; otherwise
  // the store must be there.
  bool create = false;
  rocksdb::Env* env = nullptr;  // whose files: null, the system's; outlives the store
};

// OpenRocksStore opens the directory and raises its fence. What is refused is left as it was; the
// failure's message says what is wrong, where, and what to do: kInUse (another process has it),
// kNotFound, kAlreadyExists (create), kCorrupt with the damaged file as resource, kNewerFormat,
// kNoSpace, kIo.
tl::expected<std::unique_ptr<Store>, Failure> OpenRocksStore(const RocksOptions& options);

// ReadRocksEntry reads one value; absent when there is no such key. Nothing is written, and another
// process may have the store open. Failures as above.
tl::expected<std::optional<Bytes>, Failure> ReadRocksEntry(const std::string& path,
                                                           std::string_view key);

}  // namespace keymast::store
