// SPDX-License-Identifier: Apache-2.0
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

using std::chrono::seconds;

constexpr std::string_view kGood = "good";
constexpr std::string_view kUntrusted = "certificate_untrusted";
constexpr std::string_view kRevoked = "certificate_revoked";

ListRecipe ListOf(std::vector<long> revoked) {
  ListRecipe recipe;
  recipe.signer = testdata::kAuthorityKey;
  recipe.revoked = std::move(revoked);
  return recipe;
}

std::string_view Outcome(const Status& status) {
  return status ? kGood : ErrorName(status.error());
}

CertificateRecipe WithSerial(long serial) {
  CertificateRecipe recipe = EndRecipe();
  recipe.serial = serial;
  return recipe;
}

// An authority between the anchor and the end certificate, over a P-256 key.
CertificateRecipe BetweenRecipe() {
  CertificateRecipe recipe = AuthorityRecipe();
  recipe.subject = "between";
  recipe.key = testdata::kP256Key;
  recipe.serial = 20;
  return recipe;
}

CertificateRecipe BelowBetween(long serial) {
  CertificateRecipe recipe = WithSerial(serial);
  recipe.issuer = "between";
  recipe.signer = testdata::kP256Key;
  return recipe;
}

class Revocation : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_.AddAnchor(MakeCertificate(AuthorityRecipe()))); }

  void Add(const ListRecipe& recipe) {
    ASSERT_TRUE(store_.AddRevocationList(MakeRevocationList(recipe)));
  }
  std::string_view Verify(std::initializer_list<CertificateRecipe> recipes,
                          Instant now = kTestNow) const {
    std::vector<Bytes> chain;
    for (const CertificateRecipe& recipe : recipes) chain.push_back(MakeCertificate(recipe));
    const std::vector<ByteView> views(chain.begin(), chain.end());
    return Outcome(store_.Verify(views, now));
  }

  TrustStore store_;
};

TEST_F(Revocation, OfAnEndCertificate) {
  EXPECT_EQ(Verify({WithSerial(8)}), kGood);
  Add(ListOf({5, 8}));
  EXPECT_EQ(Verify({WithSerial(7)}), kGood);
  EXPECT_EQ(Verify({WithSerial(8)}), kRevoked);
}

TEST_F(Revocation, ByAnAuthorityOnTheWay) {
  ListRecipe list = ListOf({8});
  list.issuer = "between";
  list.signer = testdata::kP256Key;
  Add(list);
  EXPECT_EQ(Verify({BelowBetween(7), BetweenRecipe()}), kGood) << "the anchor has no list";
  EXPECT_EQ(Verify({BelowBetween(8), BetweenRecipe()}), kRevoked);
  EXPECT_EQ(Verify({WithSerial(8)}), kGood) << "another authority's number";
}

TEST_F(Revocation, OfAnAuthorityOnTheWay) {
  Add(ListOf({20}));
  EXPECT_EQ(Verify({BelowBetween(7), BetweenRecipe()}), kRevoked);
}

TEST_F(Revocation, ListsRunOut) {
  ListRecipe list = ListOf({8});
  list.until = 100;
  Add(list);
  EXPECT_EQ(Verify({WithSerial(7)}, kTestNow + seconds(99)), kGood);
  EXPECT_EQ(Verify({WithSerial(7)}, kTestNow + seconds(101)), kUntrusted);
  EXPECT_NE(Verify({WithSerial(8)}, kTestNow + seconds(101)), kGood);
  store_.TakeStaleLists();
  EXPECT_EQ(Verify({WithSerial(7)}, kTestNow + seconds(101)), kGood);
  EXPECT_EQ(Verify({WithSerial(8)}, kTestNow + seconds(101)), kRevoked);
}

TEST_F(Revocation, ListsFromTheFutureNeverCount) {
  ListRecipe list = ListOf({});
  list.from = 100;
  Add(list);
  store_.TakeStaleLists();
  EXPECT_EQ(Verify({WithSerial(7)}), kUntrusted);
  EXPECT_EQ(Verify({WithSerial(7)}, kTestNow + seconds(101)), kGood);
}

TEST_F(Revocation, TheNewerListCounts) {
  ListRecipe older = ListOf({8});
  older.from = -1000;
  ListRecipe newer = ListOf({9});
  newer.from = -10;
  Add(newer);
  Add(older);
  EXPECT_EQ(Verify({WithSerial(8)}), kGood) << "a hold was taken back";
  EXPECT_EQ(Verify({WithSerial(9)}), kRevoked);
}

TEST_F(Revocation, ListsOfSomebodyElseUnderTheNameAreNotBelieved) {
  ListRecipe list = ListOf({});
  list.signer = testdata::kOtherKey;
  Add(list);
  EXPECT_EQ(Verify({WithSerial(7)}), kUntrusted);
}

TEST_F(Revocation, ListsOfAnotherKeyOfTheIssuerAreNotPassedOver) {
  TrustStore store;
  CertificateRecipe authority = AuthorityRecipe();
  authority.subject_key_id = "01:02:03";
  ASSERT_TRUE(store.AddAnchor(MakeCertificate(authority)));
  const Bytes end = MakeCertificate(WithSerial(8));
  const ByteView view = end;
  ListRecipe list = ListOf({8});
  list.authority_key_id = {1, 2, 4};
  ASSERT_TRUE(store.AddRevocationList(MakeRevocationList(list)));
  EXPECT_EQ(Outcome(store.Verify({&view, 1}, kTestNow)), kUntrusted);
  list.authority_key_id = {1, 2, 3};
  ASSERT_TRUE(store.AddRevocationList(MakeRevocationList(list)));
  EXPECT_EQ(Outcome(store.Verify({&view, 1}, kTestNow)), kRevoked);
}

TEST_F(Revocation, AuthoritiesThatMayNotSignListsAreNotBelieved) {
  TrustStore store;
  CertificateRecipe authority = AuthorityRecipe();
  authority.key_usage = "critical,keyCertSign";
  ASSERT_TRUE(store.AddAnchor(MakeCertificate(authority)));
  ASSERT_TRUE(store.AddRevocationList(MakeRevocationList(ListOf({}))));
  const Bytes end = MakeCertificate(WithSerial(7));
  const ByteView view = end;
  EXPECT_EQ(Outcome(store.Verify({&view, 1}, kTestNow)), kUntrusted);
}

TEST_F(Revocation, IsNotAskedOfWhatIsPinned) {
  Add(ListOf({8}));
  store_.Pin(Sha256(MakeCertificate(WithSerial(8))));
  EXPECT_EQ(Verify({WithSerial(8)}), kGood);
}

TEST_F(Revocation, IsNotUndoneByDistributionPoints) {
  Add(ListOf({8}));
  CertificateRecipe recipe = WithSerial(8);
  recipe.distribution_points = "URI:http://example.org/a.crl";
  EXPECT_EQ(Verify({recipe}), kRevoked);
  recipe.serial = 7;
  EXPECT_EQ(Verify({recipe}), kGood);
}

TEST_F(Revocation, ListsOfEachKindOfKey) {
  for (const std::string_view pem : {testdata::kP256Key, testdata::kEd25519Key}) {
    TrustStore store;
    CertificateRecipe authority = AuthorityRecipe();
    authority.key = authority.signer = pem;
    ASSERT_TRUE(store.AddAnchor(MakeCertificate(authority)));
    ListRecipe list = ListOf({8});
    list.signer = pem;
    ASSERT_TRUE(store.AddRevocationList(MakeRevocationList(list)));
    for (const long serial : {7, 8}) {
      CertificateRecipe recipe = WithSerial(serial);
      recipe.signer = recipe.key = pem;
      const Bytes end = MakeCertificate(recipe);
      const ByteView view = end;
      EXPECT_EQ(Outcome(store.Verify({&view, 1}, kTestNow)), serial == 7 ? kGood : kRevoked);
    }
  }
}

TEST_F(Revocation, RefusesListsThatItWouldNotTakeInWhole) {
  ListRecipe list = ListOf({});
  list.distribution_point = "http://example.org/a.crl";
  EXPECT_EQ(store_.AddRevocationList(MakeRevocationList(list)).error(), Error::kInvalidArgument);
  list = ListOf({});
  list.is_delta = true;
  EXPECT_EQ(store_.AddRevocationList(MakeRevocationList(list)).error(), Error::kInvalidArgument);
  for (const char* digest : {"MD5", "SHA1"}) {
    list = ListOf({});
    list.digest = digest;
    EXPECT_EQ(store_.AddRevocationList(MakeRevocationList(list)).error(),
              Error::kUnsupportedAlgorithm);
  }
  EXPECT_EQ(Verify({WithSerial(7)}), kGood) << "none was taken";
}

TEST_F(Revocation, TellsWhenTheFirstListEnds) {
  EXPECT_FALSE(store_.NextUpdate());
  ListRecipe older = ListOf({});
  older.from = -50000;
  older.until = 100;
  Add(older);
  EXPECT_EQ(store_.NextUpdate(), kTestNow + seconds(100));
  Add(ListOf({}));
  EXPECT_EQ(store_.NextUpdate(), kTestNow + seconds(43200)) << "the newer one counts";
  ListRecipe between = ListOf({});
  between.issuer = "between";
  between.signer = testdata::kP256Key;
  between.until = 300;
  Add(between);
  EXPECT_EQ(store_.NextUpdate(), kTestNow + seconds(300)) << "one of each issuer";
}

TEST_F(Revocation, TheDigestIsOfWhomIsBelieved) {
  const auto nobody = TrustStore().Digest();
  const auto anchored = store_.Digest();
  EXPECT_NE(anchored, nobody);
  Add(ListOf({}));
  EXPECT_EQ(store_.Digest(), anchored) << "it revokes nobody";
  Add(ListOf({8}));
  const auto revoking = store_.Digest();
  EXPECT_NE(revoking, anchored);
  ListRecipe newer = ListOf({8});
  newer.until = 90000;
  Add(newer);
  EXPECT_EQ(store_.Digest(), revoking);
  store_.Pin({1});
  EXPECT_NE(store_.Digest(), revoking);
  TrustStore other;
  other.Pin({1});
  EXPECT_TRUE(other.AddRevocationList(MakeRevocationList(ListOf({8}))));
  EXPECT_TRUE(other.AddAnchor(MakeCertificate(AuthorityRecipe())));
  EXPECT_EQ(other.Digest(), store_.Digest()) << "in any order";
}

TEST_F(Revocation, RefusesPrefixesAndTrailingOctets) {
  Bytes der = MakeRevocationList(ListOf({1, 2, 3}));
  for (size_t size = 0; size < der.size(); ++size) {
    ASSERT_EQ(store_.AddRevocationList(ByteView(der).first(size)).error(), Error::kMalformed);
  }
  der.push_back(0);
  EXPECT_EQ(store_.AddRevocationList(der).error(), Error::kTrailingOctets);
  EXPECT_EQ(store_.AddRevocationList(Bytes(kMaxRevocationList + 1)).error(), Error::kTooLong);
}

}  // namespace
}  // namespace keymast::crypto
