// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/param_build.h>

#include "crypto/openssl.h"
#include "crypto/public_key.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

const PublicSuite& Pk() { return *DefaultSuite().pk; }

struct Side {
  SecretBytes private_key = SecretBytes(kDhPrivateSize);
  Bytes public_key;
};

class Dh : public testing::TestWithParam<DhGroup> {
 protected:
  Side MakeSide() {
    Side side;
    side.public_key.resize(public_size_);
    Pk().dh_generate(GetParam(), rng_, side.private_key, side.public_key);
    return side;
  }
  bool Agree(ByteView private_key, ByteView peer, Bytes& shared) const {
    shared.assign(size_, 0xee);
    return Pk().dh_agree(GetParam(), private_key, peer, shared);
  }
  const size_t size_ = DhSharedSize(GetParam());
  const size_t public_size_ = DhPublicSize(GetParam());
  SeededRng rng_{3};
};

class Modp : public Dh {
 protected:
  Bytes PrimeMinus(unsigned less) const {
    const Bignum prime(GetParam() == DhGroup::kModp768    ? BN_get_rfc2409_prime_768(nullptr)
                       : GetParam() == DhGroup::kModp1024 ? BN_get_rfc2409_prime_1024(nullptr)
                                                          : BN_get_rfc3526_prime_1536(nullptr));
    BN_sub_word(prime.get(), less);
    Bytes octets(size_);
    BN_bn2binpad(prime.get(), octets.data(), static_cast<int>(size_));
    return octets;
  }
  Bytes Small(uint8_t value) const {
    Bytes octets(size_);
    octets.back() = value;
    return octets;
  }
};

TEST_P(Dh, BothSidesAgree) {
  for (int turn = 0; turn < 4; ++turn) {
    const Side a = MakeSide();
    const Side b = MakeSide();
    Bytes of_a;
    Bytes of_b;
    ASSERT_TRUE(Agree(a.private_key, b.public_key, of_a));
    ASSERT_TRUE(Agree(b.private_key, a.public_key, of_b));
    EXPECT_EQ(of_a, of_b);
    EXPECT_NE(of_a, Bytes(size_));
  }
}

TEST_P(Dh, ReplaysFromItsSeed) {
  const Side first = MakeSide();
  rng_ = SeededRng(3);
  EXPECT_EQ(MakeSide().public_key, first.public_key);
}

TEST_P(Modp, ExponentsHaveTheirTopBit) { EXPECT_GE(MakeSide().private_key[0], 0x80); }

TEST_P(Modp, RefusesDegenerateValues) {
  const Side side = MakeSide();
  Bytes shared;
  for (const Bytes& peer : {Small(0), Small(1), PrimeMinus(1), PrimeMinus(0), Bytes(size_, 0xff)}) {
    EXPECT_FALSE(Agree(side.private_key, peer, shared));
    EXPECT_EQ(shared, Bytes(size_)) << "nothing of a refused value is left to use";
  }
  EXPECT_TRUE(Agree(side.private_key, Small(2), shared));
  EXPECT_EQ(shared, side.public_key);
  EXPECT_TRUE(Agree(side.private_key, PrimeMinus(2), shared));
}

TEST_P(Dh, RefusesOtherLengths) {
  const Side side = MakeSide();
  Bytes shared;
  Bytes peer = MakeSide().public_key;
  EXPECT_FALSE(Agree(side.private_key, ByteView(peer).first(public_size_ - 1), shared));
  EXPECT_EQ(shared, Bytes(size_)) << "nothing of a refused value is left to use";
  peer.insert(peer.begin(), 0);
  EXPECT_FALSE(Agree(side.private_key, peer, shared));
  EXPECT_FALSE(Agree(side.private_key, {}, shared));
}

// One shared secret in 256 begins with a zero octet: it stays (RFC 3830 §4.1.3 has no other
// length).
TEST_P(Dh, KeepsLeadingZeros) {
  const Side side = MakeSide();
  for (int turn = 0; turn < 5000; ++turn) {
    const Side peer = MakeSide();
    Bytes shared;
    ASSERT_TRUE(Agree(side.private_key, peer.public_key, shared));
    if (shared[0] != 0) continue;
    Bytes other;
    ASSERT_TRUE(Agree(peer.private_key, side.public_key, other));
    EXPECT_EQ(shared, other);
    return;
  }
  FAIL() << "no leading zero in 5000 secrets";
}

TEST_P(Dh, PairsMadeAheadAgree) {
  const DhKey a(Pk(), GetParam(), rng_);
  const DhKey b(Pk(), GetParam(), rng_);
  EXPECT_EQ(a.group(), GetParam());
  EXPECT_EQ(a.public_value().size(), public_size_);
  DhSecret of_a;
  DhSecret of_b;
  ASSERT_TRUE(a.Agree(Pk(), b.public_value(), of_a));
  ASSERT_TRUE(b.Agree(Pk(), a.public_value(), of_b));
  EXPECT_EQ(of_a.size(), size_);
  EXPECT_TRUE(of_a == of_b);
  EXPECT_FALSE(a.Agree(Pk(), {}, of_a));
  EXPECT_TRUE(of_a.empty());
  EXPECT_TRUE(DhKey().empty());
}

constexpr DhGroup kModp[] = {DhGroup::kModp768, DhGroup::kModp1024, DhGroup::kModp1536};
INSTANTIATE_TEST_SUITE_P(EachPrime, Dh, testing::ValuesIn(kModp));
INSTANTIATE_TEST_SUITE_P(EachPrime, Modp, testing::ValuesIn(kModp));
INSTANTIATE_TEST_SUITE_P(EachCurve, Dh, testing::Values(DhGroup::kSecp256r1, DhGroup::kX25519));

std::shared_ptr<EVP_PKEY> OpenSslKey(ByteView private_key, ByteView public_key) {
  const std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  const auto number = [](ByteView octets) {
    return Bignum(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  };
  const Bignum x = number(private_key);
  const Bignum y = number(public_key);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "modp_1536", 0);
  if (!private_key.empty()) {
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, x.get());
  }
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, y.get());
  const std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>> params(
      OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr));
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()), 1);
  return {key, EVP_PKEY_free};
}

Bytes OpenSslAgree(EVP_PKEY* own, EVP_PKEY* peer) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr));
  EXPECT_EQ(EVP_PKEY_derive_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_dh_pad(context.get(), 1), 1);
  EXPECT_EQ(EVP_PKEY_derive_set_peer(context.get(), peer), 1);
  Bytes shared(192);
  size_t size = shared.size();
  EXPECT_EQ(EVP_PKEY_derive(context.get(), shared.data(), &size), 1);
  shared.resize(size);
  return shared;
}

TEST(DhOfOpenSsl, AgreesWithOurs) {
  SeededRng rng(5);
  Side a;
  Side b;
  for (Side* side : {&a, &b}) {
    side->public_key.resize(192);
    Pk().dh_generate(DhGroup::kModp1536, rng, side->private_key, side->public_key);
  }
  Bytes ours(192);
  ASSERT_TRUE(Pk().dh_agree(DhGroup::kModp1536, a.private_key, b.public_key, ours));
  EXPECT_EQ(OpenSslAgree(OpenSslKey(a.private_key, a.public_key).get(),
                         OpenSslKey({}, b.public_key).get()),
            ours);
}

}  // namespace
}  // namespace keymast::crypto
