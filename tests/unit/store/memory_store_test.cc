// SPDX-License-Identifier: Apache-2.0
#include "store/memory_store.h"

#include <gtest/gtest.h>

namespace keymast::store {
namespace {

TEST(MemoryStore, AnOlderStoreOnTheSameDiskIsFencedAndGoesOnReading) {
  const std::shared_ptr<MemoryDisk> disk = MakeMemoryDisk();
  const std::unique_ptr<Store> older = OpenMemoryStore(disk);
  ASSERT_TRUE(older->Commit({{{"k", {1}}}, {}, {}, older->fence()}));
  const std::unique_ptr<Store> newer = OpenMemoryStore(disk);

  EXPECT_EQ(older->Commit({{{"k", {2}}}, {}, {}, older->fence()}).error(), Error::kFenced);
  EXPECT_EQ(older->Commit({{{"k", {2}}}, {}, {}, newer->fence()}).error(), Error::kFenced);
  ASSERT_TRUE(newer->Commit({{{"k", {3}}}, {}, {}, newer->fence()}));
  EXPECT_EQ(older->Scan("k", "", 1, 0)->front().value, Bytes{3});
}

}  // namespace
}  // namespace keymast::store
