// SPDX-License-Identifier: Apache-2.0
// Key material leaves nothing behind: every block that goes back to the heap is searched for it.
#include "crypto/secret.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>
#include <ostream>

namespace {

constexpr unsigned char kMark = 0xa5;
constexpr size_t kMarkRun = 16;
size_t leftovers = 0;

void CountLeftovers(const void* block) {
  const auto* octets = static_cast<const volatile unsigned char*>(block);
  const size_t size = malloc_usable_size(const_cast<void*>(block));
  size_t run = 0;
  for (size_t i = 0; i < size; ++i) {
    run = octets[i] == kMark ? run + 1 : 0;
    if (run == kMarkRun) ++leftovers;
  }
}

void Release(void* block) {
  if (block == nullptr) return;
  CountLeftovers(block);
  std::free(block);
}

}  // namespace

void* operator new(size_t size) {
  void* block = std::calloc(1, size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { Release(block); }
void operator delete(void* block, size_t) noexcept { Release(block); }

namespace keymast::crypto {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Printable<SecretBytes>);
static_assert(!Printable<SecretKey<32>>);
static_assert(!Printable<Key32>);
static_assert(!std::is_convertible_v<SecretBytes, Bytes>);
static_assert(!std::is_convertible_v<SecretKey<32>, ByteView>);

template <class Vector>
size_t LeftoversOf(void (*use)(Vector&)) {
  leftovers = 0;
  {
    Vector key(64, kMark);
    use(key);
  }
  return leftovers;
}

TEST(SecretBytes, LeavesNothingWhenReleased) {
  EXPECT_EQ(LeftoversOf<SecretBytes>([](SecretBytes&) {}), 0u);
}

TEST(SecretBytes, TheSearchFindsAPlainVector) {
  EXPECT_GT(LeftoversOf<Bytes>([](Bytes&) {}), 0u);
}

TEST(SecretBytes, LeavesNothingWhenItGrows) {
  EXPECT_EQ(LeftoversOf<SecretBytes>([](SecretBytes& key) { key.resize(4096, kMark); }), 0u);
}

TEST(SecretBytes, LeavesNothingWhenItShrinks) {
  const size_t left = LeftoversOf<SecretBytes>([](SecretBytes& key) {
    key.resize(1);
    key.shrink_to_fit();
  });
  EXPECT_EQ(left, 0u);
}

TEST(SecretBytes, LeavesNothingWhenAssignedOver) {
  const size_t left = LeftoversOf<SecretBytes>([](SecretBytes& key) {
    const SecretBytes longer(500, kMark);
    key = longer;
    SecretBytes moved(100, kMark);
    key = std::move(moved);
    key.assign(3, kMark);
  });
  EXPECT_EQ(left, 0u);
}

TEST(SecretKey, LeavesNothingOnTheHeap) {
  leftovers = 0;
  const Bytes octets(32, kMark);
  { const auto key = std::make_unique<SecretKey<32>>(octets); }
  EXPECT_EQ(leftovers, 0u);
}

TEST(SecretKey, WipesItsOctetsWhenDestroyed) {
  alignas(Key32) std::array<unsigned char, sizeof(Key32)> place{};
  const Bytes octets(32, kMark);
  Key32* key = new (place.data()) Key32(octets);
  EXPECT_EQ(place[0], kMark);
  key->~SecretKey();
  for (size_t i = 0; i < octets.size(); ++i) EXPECT_EQ(place[i], 0) << i;
}

TEST(SecretKey, KeepsItsLength) {
  const Bytes octets(16, 7);
  const Key32 key(octets);
  EXPECT_EQ(key.size(), 16u);
  EXPECT_FALSE(key.empty());
  EXPECT_TRUE(Key32().empty());
  EXPECT_EQ(Key32::OfSize(20).view().size(), 20u);
}

TEST(SecretKey, ComparesOctetsAndLength) {
  const Bytes octets(16, 7);
  const Bytes longer(17, 7);
  Bytes other = octets;
  other[15] ^= 1;
  EXPECT_EQ(Key32(octets), Key32(octets));
  EXPECT_NE(Key32(octets), Key32(longer));
  EXPECT_NE(Key32(octets), Key32(other));
}

TEST(SecretKeyDeathTest, RefusesMoreThanItHolds) {
  const Bytes octets(33, 7);
  EXPECT_DEATH(Key32{octets}, "octets.size\\(\\) <= Capacity");
}

TEST(ConstantTime, DiffersInAnyOctetAndInLength) {
  const Bytes octets(32, 1);
  for (size_t i = 0; i < octets.size(); ++i) {
    Bytes other = octets;
    other[i] ^= 0x80;
    EXPECT_FALSE(ConstantTimeEqual(octets, other)) << i;
  }
  EXPECT_TRUE(ConstantTimeEqual(octets, octets));
  EXPECT_FALSE(ConstantTimeEqual(octets, ByteView(octets).first(31)));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
}

}  // namespace
}  // namespace keymast::crypto
