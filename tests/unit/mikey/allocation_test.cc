// SPDX-License-Identifier: Apache-2.0
// Reading and writing messages allocates nothing: a flood of datagrams must not reach the heap, and
// the receiver core has none.
#include <cstdlib>
#include <new>

#include "tests/unit/mikey/sample.h"

namespace {

thread_local size_t allocations = 0;

}  // namespace

[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace keymast::mikey {
namespace {

template <class Use>
size_t AllocationsOf(Use use) {
  use();  // contexts of the suite are made once per thread
  const size_t before = allocations;
  use();
  return allocations - before;
}

TEST(Allocation, TheCountCounts) {
  EXPECT_EQ(AllocationsOf([] { Bytes octets(100); }), 1u);
}

TEST(Allocation, NoneToReadAMessage) {
  const Bytes msk = MskOctets();
  const Bytes mtk = MtkOctets();
  const Bytes answer = VerificationOctets();
  EXPECT_EQ(AllocationsOf([&] {
              EXPECT_TRUE(OpenSample(msk));
              EXPECT_TRUE(OpenMtkSample(mtk));
              EXPECT_TRUE(CheckSample(answer));
            }),
            0u);
}

TEST(Allocation, NoneToRefuseOne) {
  Bytes msk = MskOctets();
  msk.back() ^= 1;
  EXPECT_EQ(AllocationsOf([&] {
              EXPECT_FALSE(OpenSample(msk));
              EXPECT_FALSE(Inspect(ByteView(msk).first(50)));
            }),
            0u);
}

TEST(Allocation, NoneToWriteOne) {
  Bytes out(600);
  const MskMessage msk = SampleMsk();
  const MtkMessage mtk = SampleMtk();
  EXPECT_EQ(AllocationsOf([&] {
              EXPECT_TRUE(WriteMskMessage(crypto::DefaultSuite(), {}, msk, kUserKey, out));
              EXPECT_TRUE(WriteMtkMessage(crypto::DefaultSuite(), {}, mtk, kMsk, out));
            }),
            0u);
}

}  // namespace
}  // namespace keymast::mikey
