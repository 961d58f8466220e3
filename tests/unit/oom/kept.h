// SPDX-License-Identifier: Apache-2.0
// A store in memory that outlives its process: each commit is in a file, in one write, before it
// counts.
#pragma once

#include "store/store.h"

namespace keymast::oom {

// KeptStore hands on to `inner`; a backup has one octet in `backup`, since memory has no files.
class KeptStore final : public store::Store {
 public:
  KeptStore(std::unique_ptr<store::Store> inner, int file, std::string backup)
      : inner_(std::move(inner)), file_(file), backup_(std::move(backup)) {}
  Result<store::Revision> Commit(const store::Batch& batch) override;
  Result<std::vector<store::Entry>> Scan(std::string_view prefix, std::string_view after,
                                         size_t limit, store::Revision revision) override {
    return inner_->Scan(prefix, after, limit, revision);
  }
  Result<std::vector<store::WatchEvent>> Watch(std::string_view prefix, store::Revision from,
                                               size_t limit) override {
    return inner_->Watch(prefix, from, limit);
  }
  Result<std::string> BeginBackup() override;
  Status EndBackup() override;
  store::Revision revision() const override { return inner_->revision(); }
  store::Fence fence() const override { return inner_->fence(); }

 private:
  const std::unique_ptr<store::Store> inner_;
  const int file_;
  const std::string backup_;
};

// CommitAgain makes the commits of a file in another store.
void CommitAgain(ByteView file, store::Store& store);

}  // namespace keymast::oom
