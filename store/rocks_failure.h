// SPDX-License-Identifier: Apache-2.0
// What went wrong at a start, in words for the person who has to act.
#pragma once

#include <rocksdb/status.h>

#include <string>

#include "base/error.h"

namespace keymast::store {

// OpenFailure turns RocksDB's status into reason and message. `last_read` is the file that was
// being read, for statuses that name none.
Failure OpenFailure(const rocksdb::Status& status, const std::string& path,
                    const std::string& last_read);

// Damaged is kCorrupt: which file, what is wrong with it, and what to do.
Failure Damaged(const std::string& path, const std::string& file, const std::string& what);

// ReadError is the reason of a failed read of an open store: kCorrupt or kIo.
Error ReadError(const rocksdb::Status& status);

}  // namespace keymast::store
