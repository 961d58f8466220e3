// SPDX-License-Identifier: Apache-2.0
#include "crypto/primitives.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

const Bytes kMaster(32, 0x42);
const Bytes kAad = {1, 2};
const Bytes kPlain = {5, 6, 7};

TEST(Sealer, OpensWhatWasSealed) {
  SeededRng rng(3);
  const Sealer sealer{SecretKey<32>(kMaster)};
  const Bytes sealed = sealer.Seal(kAad, kPlain, rng);
  EXPECT_EQ(sealed.size(), kPlain.size() + Sealer::kOverhead);
  const auto opened = sealer.Open(kAad, sealed);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(Equal(*opened, kPlain));
}

TEST(Sealer, RefusesEveryFlippedBitAndEveryPrefix) {
  SeededRng rng(3);
  const Sealer sealer{SecretKey<32>(kMaster)};
  const Bytes sealed = sealer.Seal(kAad, kPlain, rng);
  for (size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes other = sealed;
    other[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_EQ(sealer.Open(kAad, other).error(), Error::kDecryptionFailed) << bit;
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(sealer.Open(kAad, ByteView(sealed).first(size))) << size;
  }
}

TEST(Sealer, IsBoundToKeyAndAad) {
  SeededRng rng(3);
  const Sealer sealer{SecretKey<32>(kMaster)};
  const Sealer other{SecretKey<32>(Bytes(32, 0x43))};
  const Bytes sealed = sealer.Seal(kAad, kPlain, rng);
  EXPECT_FALSE(other.Open(kAad, sealed));
  EXPECT_FALSE(sealer.Open({}, sealed));
}

TEST(Sealer, NoncesDiffer) {
  SystemRng rng;
  const Sealer sealer{SecretKey<32>(kMaster)};
  EXPECT_NE(sealer.Seal(kAad, kPlain, rng), sealer.Seal(kAad, kPlain, rng));
}

}  // namespace
}  // namespace keymast::crypto
