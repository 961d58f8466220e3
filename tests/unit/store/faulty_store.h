// SPDX-License-Identifier: Apache-2.0
// A store whose n-th commit fails, before or after it took effect.
#pragma once

#include <memory>
#include <utility>

#include "base/check.h"
#include "store/store.h"

namespace keymast::store {

// Fault is what a commit that is to fail answers, and whether it took effect all the same.
struct Fault {
  Error error = Error::kIo;
  bool takes_effect = false;
};

// FaultyStore passes everything on to the store it decorates but one commit. After kStoreClosed it
// refuses every further commit, as a real one does.
class FaultyStore final : public Store {
 public:
  explicit FaultyStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  // FailCommit makes the n-th commit from now on fail once (1: the next).
  void FailCommit(size_t n, Fault fault) {
    KEYMAST_CHECK(n > 0);
    countdown_ = n;
    fault_ = fault;
  }

  // Release gives the store back; this one is not used after it.
  std::unique_ptr<Store> Release() { return std::move(store_); }

  // commits counts the calls of Commit, failed ones too; fired says whether the fault happened.
  size_t commits() const { return commits_; }
  bool fired() const { return fired_; }

  Result<Revision> Commit(const Batch& batch) override {
    ++commits_;
    if (closed_) return Err(Error::kStoreClosed);
    if (countdown_ == 0 || --countdown_ > 0) return store_->Commit(batch);
    fired_ = true;
    closed_ = fault_.error == Error::kStoreClosed;
    if (fault_.takes_effect) {
      if (const auto taken = store_->Commit(batch); !taken) return taken;
    }
    return Err(fault_.error);
  }
  Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after, size_t limit,
                                  Revision revision) override {
    return store_->Scan(prefix, after, limit, revision);
  }
  Result<std::vector<WatchEvent>> Watch(std::string_view prefix, Revision from,
                                        size_t limit) override {
    return store_->Watch(prefix, from, limit);
  }
  Limits limits() const override { return store_->limits(); }
  Revision revision() const override { return store_->revision(); }
  Result<std::string> BeginBackup() override { return store_->BeginBackup(); }
  Status EndBackup() override { return store_->EndBackup(); }
  Fence fence() const override { return store_->fence(); }

 private:
  std::unique_ptr<Store> store_;
  size_t countdown_ = 0;
  Fault fault_;
  size_t commits_ = 0;
  bool fired_ = false;
  bool closed_ = false;
};

}  // namespace keymast::store
