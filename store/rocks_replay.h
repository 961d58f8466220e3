// SPDX-License-Identifier: Apache-2.0
// Looks through the log before it is replayed: no batch may be missing from its middle.
#pragma once

#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <optional>
#include <string>

#include "store/rocks_head.h"

namespace keymast::store {

// ReplayCheck reads the head of every batch in the logs, applies none, and notes the first one that
// does not follow the one before. RocksDB itself drops what it takes for a torn end of any log,
// also of one that has a successor.
class ReplayCheck final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "keymast"; }
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& file,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* changed,
                                     bool* is_changed) override;

  // first and last are the heads of the outermost batches; absent when the logs hold none.
  const std::optional<Head>& first() const { return first_; }
  const std::optional<Head>& last() const { return last_; }

  const std::string& first_file() const { return first_file_; }

  // The first break in the chain: kNewerFormat or kCorrupt, and the file to blame. When a log's
  // first batch does not follow, it is the log before that lost its end.
  struct Gap {
    Error error = Error::kCorrupt;
    std::string file;
  };
  const std::optional<Gap>& gap() const { return gap_; }

 private:
  std::optional<Head> first_;
  std::optional<Head> last_;
  std::optional<Gap> gap_;
  std::string first_file_;
  std::string last_file_;
};

}  // namespace keymast::store
