// SPDX-License-Identifier: Apache-2.0
// What every backend must do. A backend's test program includes this and instantiates
// StoreConformance with a way to make disks.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace keymast::store {

// TestDisk is what outlives a store. Open is called once the store before has been destroyed.
class TestDisk {
 public:
  virtual ~TestDisk() = default;
  virtual std::unique_ptr<Store> Open() = 0;
};

struct Backend {
  std::string name;
  std::function<std::unique_ptr<TestDisk>()> make_disk;
};

inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

inline Bytes ValueOf(std::string_view text) {
  const ByteView octets = AsBytes(text);
  return {octets.begin(), octets.end()};
}

inline bool operator==(const Entry& a, const Entry& b) {
  return a.key == b.key && a.value == b.value && a.revision == b.revision;
}
inline void PrintTo(const Entry& entry, std::ostream* out) {
  *out << ToHex(AsBytes(entry.key)) << "@" << entry.revision << "=" << ToHex(entry.value);
}
inline bool operator==(const WatchEvent& a, const WatchEvent& b) {
  return a.key == b.key && a.value == b.value && a.revision == b.revision;
}
inline void PrintTo(const WatchEvent& event, std::ostream* out) {
  *out << ToHex(AsBytes(event.key)) << "@" << event.revision
       << (event.value ? "=" + ToHex(*event.value) : " deleted");
}

class StoreConformance : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    disk_ = GetParam().make_disk();
    store_ = disk_->Open();
    ASSERT_NE(store_, nullptr);
  }

  void Reopen() {
    store_.reset();
    store_ = disk_->Open();
    ASSERT_NE(store_, nullptr);
  }

  Batch Empty() const {
    Batch batch;
    batch.fence = store_->fence();
    return batch;
  }
  Batch PutOf(const std::string& key, std::string_view value) const {
    Batch batch = Empty();
    batch.puts.emplace_back(key, ValueOf(value));
    return batch;
  }
  Batch DeleteOf(const std::string& key) const {
    Batch batch = Empty();
    batch.deletes.push_back(key);
    return batch;
  }
  Revision MustCommit(const Batch& batch) {
    const Result<Revision> revision = store_->Commit(batch);
    EXPECT_TRUE(revision) << ErrorName(revision.error());
    return revision.value_or(0);
  }
  Error Refused(const Batch& batch) {
    const Result<Revision> revision = store_->Commit(batch);
    EXPECT_FALSE(revision);
    return revision ? Error::kInternal : revision.error();
  }

  std::vector<Entry> All(std::string_view prefix = "", Revision revision = 0) {
    return store_->Scan(prefix, "", SIZE_MAX, revision).value();
  }
  std::vector<WatchEvent> Events(Revision from, size_t limit = SIZE_MAX) {
    return store_->Watch("", from, limit).value();
  }

  std::unique_ptr<TestDisk> disk_;
  std::unique_ptr<Store> store_;
};

}  // namespace keymast::store

#include "conformance_commits.h"
#include "conformance_reads.h"
