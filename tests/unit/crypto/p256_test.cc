// SPDX-License-Identifier: Apache-2.0
#include "crypto/p256.h"

#include "crypto/public_key.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

// RFC 5903 §8.1.
const Bytes kI = Hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
const Bytes kPointOfI =
    Hex("04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
        "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
const Bytes kPointOfR =
    Hex("04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
        "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
constexpr std::string_view kShared =
    "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
const Bytes kOrder = Hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

Bytes PublicOf(ByteView scalar) {
  Bytes point(kP256Point);
  EXPECT_TRUE(P256Public(scalar, point));
  return point;
}

TEST(P256, AgreesAsRfc5903) {
  EXPECT_EQ(PublicOf(kI), kPointOfI);
  Bytes x(kP256Scalar);
  ASSERT_TRUE(P256Agree(kI, kPointOfR, x));
  EXPECT_EQ(ToHex(x), kShared);
}

TEST(P256, TakesScalarsFromOneToTheOrder) {
  Bytes point(kP256Point);
  Bytes scalar(kP256Scalar);
  EXPECT_FALSE(P256Public(scalar, point));
  EXPECT_FALSE(P256Public(kOrder, point));
  EXPECT_FALSE(P256Public(Bytes(32, 0xff), point));
  EXPECT_FALSE(P256Public(Bytes(31, 1), point));
  EXPECT_EQ(point, Bytes(kP256Point));
  scalar.back() = 1;
  EXPECT_TRUE(P256Public(scalar, point));
  Bytes last = kOrder;
  last.back() = static_cast<uint8_t>(last.back() - 1);
  const Bytes opposite = PublicOf(last);
  EXPECT_TRUE(Equal(ByteView(opposite).first(33), ByteView(point).first(33))) << "n-1 is -1";
  EXPECT_NE(opposite, point);
}

// An Rng that begins with given octets.
class Given final : public Rng {
 public:
  explicit Given(Bytes first) : first_(std::move(first)) {}
  void Fill(MutableBytes out) override {
    if (calls_++ == 0) {
      std::copy(first_.begin(), first_.end(), out.begin());
    } else {
      std::fill(out.begin(), out.end(), uint8_t{5});
    }
  }

 private:
  Bytes first_;
  int calls_ = 0;
};

TEST(P256, DrawsAgainWhatIsNoScalar) {
  for (const Bytes& first : {Bytes(32), kOrder, Bytes(32, 0xff)}) {
    Given rng(first);
    Bytes scalar(kP256Scalar);
    P256Draw(rng, scalar);
    EXPECT_EQ(scalar, Bytes(32, 5));
  }
  Given rng(kI);
  Bytes scalar(kP256Scalar);
  P256Draw(rng, scalar);
  EXPECT_EQ(scalar, kI);
}

TEST(P256, RefusesWhatIsNoPoint) {
  const auto refuses = [](const Bytes& peer) {
    Bytes x(kP256Scalar);
    const bool refused = !P256Agree(kI, peer, x);
    EXPECT_EQ(x, Bytes(kP256Scalar));
    return refused;
  };
  for (size_t at = 0; at < kP256Point; ++at) {
    Bytes other = kPointOfR;
    other[at] ^= 1;
    EXPECT_TRUE(refuses(other)) << at;
  }
  EXPECT_TRUE(refuses(Bytes(1))) << "infinity";
  EXPECT_TRUE(refuses(Bytes(kP256Point)));
  EXPECT_TRUE(refuses({}));
  Bytes hybrid = kPointOfR;
  hybrid[0] = static_cast<uint8_t>(6 + (hybrid.back() & 1));
  EXPECT_TRUE(refuses(hybrid));
  Bytes compressed(kPointOfR.begin(), kPointOfR.begin() + 33);
  compressed[0] = static_cast<uint8_t>(2 + (kPointOfR.back() & 1));
  EXPECT_TRUE(refuses(compressed));
  // x + p, where that has 32 octets, is the same point of the curve in another spelling.
  const Bytes prime = Hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
  Bytes beyond = kPointOfR;
  std::copy(prime.begin(), prime.end(), beyond.begin() + 1);
  EXPECT_TRUE(refuses(beyond));
}

TEST(X25519Group, AgreesAsRfc7748) {  // §6.1
  const PublicSuite& pk = *DefaultSuite().pk;
  const Bytes a = Hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const Bytes bob = Hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  Bytes shared(32);
  ASSERT_TRUE(pk.dh_agree(DhGroup::kX25519, a, bob, shared));
  EXPECT_EQ(ToHex(shared), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST(X25519Group, RefusesAnAllZeroSecret) {
  const PublicSuite& pk = *DefaultSuite().pk;
  Bytes shared(32, 1);
  for (const uint8_t low : Bytes{0, 1}) {
    Bytes peer(32);
    peer[0] = low;
    EXPECT_FALSE(pk.dh_agree(DhGroup::kX25519, Bytes(32, 7), peer, shared));
    EXPECT_EQ(shared, Bytes(32));
  }
}

}  // namespace
}  // namespace keymast::crypto
