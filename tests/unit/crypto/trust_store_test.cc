// SPDX-License-Identifier: Apache-2.0
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

using std::chrono::seconds;

constexpr std::string_view kGood = "good";
constexpr std::string_view kUntrusted = "certificate_untrusted";
constexpr std::string_view kExpired = "certificate_expired";

std::string_view Outcome(const Status& status) {
  return status ? kGood : ErrorName(status.error());
}

std::string_view VerifyBy(const TrustStore& store, const std::vector<Bytes>& chain,
                          Instant now = kTestNow) {
  const std::vector<ByteView> views(chain.begin(), chain.end());
  return Outcome(store.Verify(views, now));
}

class Trust : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_.AddAnchor(MakeCertificate(AuthorityRecipe()))); }

  std::string_view Verify(const std::vector<Bytes>& chain, Instant now = kTestNow) const {
    return VerifyBy(store_, chain, now);
  }
  std::string_view VerifyEnd(const CertificateRecipe& recipe, Instant now = kTestNow) const {
    return Verify({MakeCertificate(recipe)}, now);
  }

  TrustStore store_;
};

// An authority between the anchor and the end certificate, over kOtherKey.
CertificateRecipe BetweenRecipe() {
  CertificateRecipe recipe = AuthorityRecipe();
  recipe.subject = "between";
  recipe.key = testdata::kOtherKey;
  return recipe;
}

CertificateRecipe BelowBetween() {
  CertificateRecipe recipe = EndRecipe();
  recipe.issuer = "between";
  recipe.signer = testdata::kOtherKey;
  return recipe;
}

TEST_F(Trust, GoodChains) {
  EXPECT_EQ(VerifyEnd(EndRecipe()), kGood);
  const Bytes end = MakeCertificate(BelowBetween());
  const Bytes between = MakeCertificate(BetweenRecipe());
  EXPECT_EQ(Verify({end, between}), kGood);
  EXPECT_EQ(Verify({end, between, MakeCertificate(AuthorityRecipe())}), kGood);
  EXPECT_EQ(Verify({end}), kUntrusted) << "the one between is missing";
}

TEST_F(Trust, UnknownAnchor) {
  CertificateRecipe recipe = EndRecipe();
  recipe.signer = testdata::kOtherKey;
  EXPECT_EQ(VerifyEnd(recipe), kUntrusted) << "the name is right, the signature is not";
  CertificateRecipe authority = AuthorityRecipe();
  authority.subject = authority.issuer = "stranger";
  authority.key = authority.signer = testdata::kOtherKey;
  recipe.issuer = "stranger";
  EXPECT_EQ(Verify({MakeCertificate(recipe), MakeCertificate(authority)}), kUntrusted);
  CertificateRecipe own = EndRecipe();
  own.issuer = own.subject;
  own.signer = own.key;
  EXPECT_EQ(VerifyEnd(own), kUntrusted);
  EXPECT_EQ(VerifyBy(TrustStore(), {MakeCertificate(EndRecipe())}), kUntrusted);
}

TEST_F(Trust, Validity) {
  CertificateRecipe recipe = EndRecipe();
  recipe.from = -100;
  recipe.until = 100;
  EXPECT_EQ(VerifyEnd(recipe, kTestNow + seconds(99)), kGood);
  EXPECT_EQ(VerifyEnd(recipe, kTestNow + seconds(101)), kExpired);
  EXPECT_EQ(VerifyEnd(recipe, kTestNow - seconds(100)), kGood);
  EXPECT_EQ(VerifyEnd(recipe, kTestNow - seconds(101)), kExpired);
  recipe.until = 90000;
  EXPECT_EQ(VerifyEnd(recipe, kTestNow + seconds(80000)), kExpired) << "the anchor has expired";
}

TEST_F(Trust, ExpiredBetween) {
  CertificateRecipe between = BetweenRecipe();
  between.until = -1;
  EXPECT_EQ(Verify({MakeCertificate(BelowBetween()), MakeCertificate(between)}), kExpired);
}

TEST_F(Trust, CaBits) {
  const Bytes end = MakeCertificate(BelowBetween());
  CertificateRecipe between = BetweenRecipe();
  for (const char* constraints : {"", "CA:FALSE"}) {
    between.basic_constraints = constraints;
    EXPECT_EQ(Verify({end, MakeCertificate(between)}), kUntrusted) << constraints;
  }
  between = BetweenRecipe();
  between.key_usage = "digitalSignature";
  EXPECT_EQ(Verify({end, MakeCertificate(between)}), kUntrusted) << "may not sign certificates";
}

TEST_F(Trust, PathLength) {
  TrustStore store;
  CertificateRecipe authority = AuthorityRecipe();
  authority.basic_constraints = "critical,CA:TRUE,pathlen:0";
  ASSERT_TRUE(store.AddAnchor(MakeCertificate(authority)));
  const Bytes end = MakeCertificate(EndRecipe());
  EXPECT_EQ(VerifyBy(store, {end}), kGood);
  const Bytes deep = MakeCertificate(BelowBetween());
  const Bytes between = MakeCertificate(BetweenRecipe());
  EXPECT_EQ(VerifyBy(store, {deep, between}), kUntrusted);
}

TEST_F(Trust, WeakHashes) {
  for (const char* digest : {"MD5", "SHA1"}) {
    CertificateRecipe recipe = EndRecipe();
    recipe.digest = digest;
    EXPECT_EQ(VerifyEnd(recipe), kUntrusted) << digest;
    CertificateRecipe between = BetweenRecipe();
    between.digest = digest;
    EXPECT_EQ(Verify({MakeCertificate(BelowBetween()), MakeCertificate(between)}), kUntrusted)
        << digest;
  }
}

TEST_F(Trust, AnchorsOwnSignatureIsNotAsked) {
  TrustStore store;
  CertificateRecipe authority = AuthorityRecipe();
  authority.digest = "SHA1";
  ASSERT_TRUE(store.AddAnchor(MakeCertificate(authority)));
  const Bytes end = MakeCertificate(EndRecipe());
  EXPECT_EQ(VerifyBy(store, {end}), kGood);
}

TEST_F(Trust, AnchorBelowARoot) {
  TrustStore store;
  ASSERT_TRUE(store.AddAnchor(MakeCertificate(BetweenRecipe())));
  const Bytes below = MakeCertificate(BelowBetween());
  EXPECT_EQ(VerifyBy(store, {below}), kGood);
}

TEST_F(Trust, AlteredOctets) {
  const Bytes good = MakeCertificate(EndRecipe());
  for (size_t i = 0; i < good.size(); i += 7) {
    Bytes other = good;
    other[i] ^= 1;
    EXPECT_NE(Verify({other}), kGood) << i;
  }
}

TEST_F(Trust, PinnedEndCertificates) {
  CertificateRecipe recipe = EndRecipe();
  recipe.issuer = recipe.subject;
  recipe.signer = recipe.key;
  recipe.until = 100;
  const Bytes own = MakeCertificate(recipe);
  EXPECT_EQ(Verify({own}), kUntrusted);
  store_.Pin(Sha256(own));
  EXPECT_EQ(Verify({own}), kGood);
  EXPECT_EQ(Verify({own}, kTestNow + seconds(101)), kExpired);
  EXPECT_EQ(Verify({own}, kTestNow - seconds(50000)), kExpired);
  EXPECT_EQ(Verify({MakeCertificate(BelowBetween()), own}), kUntrusted)
      << "only the end certificate may be the pinned one";
}

TEST_F(Trust, AnchorsAreAuthorities) {
  EXPECT_EQ(store_.AddAnchor(MakeCertificate(EndRecipe())).error(), Error::kInvalidArgument);
  EXPECT_EQ(store_.AddAnchor(AsBytes("text")).error(), Error::kMalformed);
}

TEST_F(Trust, ChainsHaveOneToFourCertificates) {
  const Bytes end = MakeCertificate(EndRecipe());
  EXPECT_EQ(Verify({}), "invalid_argument");
  EXPECT_EQ(Verify({end, end, end, end}), kGood);
  EXPECT_EQ(Verify({end, end, end, end, end}), "too_long");
  EXPECT_EQ(Verify({end, Bytes(3)}), "malformed");
}

}  // namespace
}  // namespace keymast::crypto
