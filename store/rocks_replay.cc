// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_replay.h"

namespace keymast::store {
namespace {

// HeadFinder picks the head's record out of a batch.
class HeadFinder final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    if (key == rocksdb::Slice(HeadKey())) record = value.ToString();
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }

  std::optional<std::string> record;
};

Result<Head> HeadOf(const rocksdb::WriteBatch& batch) {
  HeadFinder finder;
  if (!batch.Iterate(&finder).ok() || !finder.record) return Err(Error::kCorrupt);
  return DecodeHead(*finder.record);
}

}  // namespace

rocksdb::WalFilter::WalProcessingOption ReplayCheck::LogRecordFound(
    unsigned long long, const std::string& file, const rocksdb::WriteBatch& batch,
    rocksdb::WriteBatch*, bool*) {
  if (gap_) return WalProcessingOption::kIgnoreCurrentRecord;
  const Result<Head> head = HeadOf(batch);
  if (!head) {
    const bool newer = head.error() == Error::kNewerFormat;
    gap_ = Gap{newer ? Error::kNewerFormat : Error::kCorrupt, file};
  } else if (last_ && !Follows(*last_, *head)) {
    gap_ = Gap{Error::kCorrupt, last_file_};
  } else {
    if (!first_) {
      first_ = *head;
      first_file_ = file;
    }
    last_ = *head;
    last_file_ = file;
  }
  return WalProcessingOption::kIgnoreCurrentRecord;
}

}  // namespace keymast::store
