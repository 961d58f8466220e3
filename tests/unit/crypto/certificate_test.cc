// SPDX-License-Identifier: Apache-2.0
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

Result<Certificate> WithNames(const std::string& alt_names) {
  CertificateRecipe recipe = EndRecipe();
  recipe.alt_names = alt_names;
  return Certificate::FromDer(MakeCertificate(recipe));
}

TEST(Certificate, HasItsKeyAndFingerprint) {
  const Bytes der = MakeCertificate(EndRecipe());
  const auto certificate = Certificate::FromDer(der);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->Fingerprint(), Sha256(der));
  const std::array<ByteView, 1> parts{AsBytes("text")};
  Bytes signature(256);
  const PublicSuite& pk = *DefaultSuite().pk;
  ASSERT_TRUE(
      pk.sign(TestKey(testdata::kEndKey), SignatureScheme::kRsaPkcs1Sha256, parts, signature));
  EXPECT_TRUE(
      pk.verify(certificate->public_key(), SignatureScheme::kRsaPkcs1Sha256, parts, signature));
}

TEST(Certificate, TellsWhenItBeginsAndEnds) {
  CertificateRecipe recipe = EndRecipe();
  recipe.from = -1000;
  EXPECT_EQ(Certificate::FromDer(MakeCertificate(recipe))->NotBefore(),
            kTestNow - std::chrono::seconds(1000));
  recipe.until = 1000;
  EXPECT_EQ(Certificate::FromDer(MakeCertificate(recipe))->NotAfter(),
            kTestNow + std::chrono::seconds(1000));
  recipe.until = 200L * 365 * 86400;  // the time of a certificate reaches further than ours
  EXPECT_EQ(Certificate::FromDer(MakeCertificate(recipe))->NotAfter(),
            kTestNow + std::chrono::hours(24 * 365 * 200));
  recipe.until = 300L * 365 * 86400;
  EXPECT_EQ(Certificate::FromDer(MakeCertificate(recipe))->NotAfter(), kNever);
}

TEST(Certificate, RefusesPrefixesAndTrailingOctets) {
  Bytes der = MakeCertificate(EndRecipe());
  for (size_t size = 0; size < der.size(); ++size) {
    ASSERT_EQ(Certificate::FromDer(ByteView(der).first(size)).error(), Error::kMalformed);
  }
  der.push_back(0);
  EXPECT_EQ(Certificate::FromDer(der).error(), Error::kTrailingOctets);
  EXPECT_EQ(Certificate::FromDer(Bytes(kMaxCertificate + 1)).error(), Error::kTooLong);
}

TEST(Certificate, KeyInRefusesPrefixesAndTrailingOctets) {
  Bytes der = MakeCertificate(EndRecipe());
  for (size_t size = 0; size < der.size(); ++size) {
    ASSERT_EQ(Certificate::KeyIn(ByteView(der).first(size)).error(), Error::kMalformed);
  }
  der.push_back(0);
  EXPECT_EQ(Certificate::KeyIn(der).error(), Error::kTrailingOctets);
  EXPECT_EQ(Certificate::KeyIn(Bytes(kMaxCertificate + 1)).error(), Error::kTooLong);
}

TEST(Certificate, NamesWhatItsAltNamesSay) {
  const auto certificate =
      WithNames("URI:sip:alice@example.org,email:bob@example.org,DNS:keys.example.org,IP:10.0.0.1");
  ASSERT_TRUE(certificate);
  for (const char* identity : {"sip:alice@example.org", "bob@example.org", "keys.example.org"}) {
    EXPECT_TRUE(certificate->Names(AsBytes(identity))) << identity;
  }
  for (const char* identity :
       {"", "end", "alice@example.org", "sip:alice@example.or", "sip:alice@example.orgg",
        "BOB@example.org", "example.org", "10.0.0.1"}) {
    EXPECT_FALSE(certificate->Names(AsBytes(identity))) << identity;
  }
  const Bytes address = {10, 0, 0, 1};
  EXPECT_FALSE(certificate->Names(address));
}

TEST(Certificate, WithoutAltNamesNamesNobody) {
  const auto certificate = WithNames("");
  ASSERT_TRUE(certificate);
  EXPECT_FALSE(certificate->Names(AsBytes("end")));
  EXPECT_FALSE(certificate->Names({}));
}

TEST(Certificate, SaysWhatItsKeyIsFor) {
  const auto usage = [](const std::string& key_usage) {
    CertificateRecipe recipe = EndRecipe();
    recipe.key_usage = key_usage;
    const auto certificate = Certificate::FromDer(MakeCertificate(recipe));
    KEYMAST_CHECK(certificate.has_value());
    return std::pair(certificate->MaySign(), certificate->MayEncrypt());
  };
  EXPECT_EQ(usage(""), std::pair(true, true));
  EXPECT_EQ(usage("digitalSignature"), std::pair(true, false));
  EXPECT_EQ(usage("keyEncipherment"), std::pair(false, true));
  EXPECT_EQ(usage("keyAgreement"), std::pair(false, false));
}

TEST(Certificate, HasKeysOfEachKind) {
  for (const auto& [pem, kind] :
       {std::pair(testdata::kEndKey, KeyKind::kRsa), std::pair(testdata::kP256Key, KeyKind::kP256),
        std::pair(testdata::kEd25519Key, KeyKind::kEd25519)}) {
    CertificateRecipe recipe = EndRecipe();
    recipe.key = pem;
    const auto certificate = Certificate::FromDer(MakeCertificate(recipe));
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->public_key().kind(), kind);
  }
}

TEST(Certificate, KeyInIsTheKeyThatSigned) {
  for (const auto& [pem, scheme] :
       {std::pair(testdata::kEndKey, SignatureScheme::kRsaPssSha256),
        std::pair(testdata::kP256Key, SignatureScheme::kEcdsaP256Sha256),
        std::pair(testdata::kEd25519Key, SignatureScheme::kEd25519)}) {
    CertificateRecipe recipe = EndRecipe();
    recipe.key = pem;
    const auto key = Certificate::KeyIn(MakeCertificate(recipe));
    ASSERT_TRUE(key);
    const std::array<ByteView, 1> parts{AsBytes("text")};
    const PrivateKey own = TestKey(pem);
    Bytes signature(own.signature_size());
    const PublicSuite& pk = *DefaultSuite().pk;
    ASSERT_TRUE(pk.sign(own, scheme, parts, signature));
    EXPECT_TRUE(pk.verify(*key, scheme, parts, signature));
    signature[7] ^= 1;
    EXPECT_FALSE(pk.verify(*key, scheme, parts, signature));
  }
}

bool Names(const std::string& alt_names, std::string_view uri) {
  return WithNames(alt_names)->NamesAuthorityOf(uri);
}

TEST(Certificate, NamesTheAuthorityOfAUriByItsHost) {
  const std::string names =
      "DNS:keys.example.org,email:bob@mail.example.org,DNS:*.wild.example.org";
  for (const char* uri :
       {"mikey://keys.example.org", "mikey://keys.example.org/news", "x://KEYS.example.ORG:2269/a",
        "x://bob@keys.example.org?a", "x://keys.example.org#b", "a+b-c.1://keys.example.org:/"}) {
    EXPECT_TRUE(Names(names, uri)) << uri;
  }
  for (const char* uri : {"",
                          "keys.example.org",
                          "//keys.example.org",
                          "x:keys.example.org",
                          "x:/keys.example.org",
                          "x://",
                          "x:///keys.example.org",
                          "x://keys.example.org.",
                          "x://a.keys.example.org",
                          "x://example.org",
                          "x://keys.example.org@evil.org",
                          "x://a@b@keys.example.org",
                          "x://keys.example.org:80:80",
                          "x://keys.example.org:http",
                          "x://keys.example.org:123456",
                          "x://keys%2eexample.org",
                          "x://evil.org\\@keys.example.org",
                          "x://mail.example.org",
                          "x://a.wild.example.org",
                          "x://*.wild.example.org",
                          "x://evil.org/keys.example.org",
                          "x y://keys.example.org"}) {
    EXPECT_FALSE(Names(names, uri)) << uri;
  }
}

TEST(Certificate, NamesTheAuthorityOfAUriByAUri) {
  const std::string names = "URI:mikey://keys.example.org:2269/any,URI:x://10.0.0.1";
  EXPECT_TRUE(Names(names, "mikey://keys.example.org:2269/news"));
  EXPECT_TRUE(Names(names, "other://Keys.example.org:2269"));
  EXPECT_TRUE(Names(names, "x://10.0.0.1/news"));
  EXPECT_FALSE(Names(names, "mikey://keys.example.org/news"));
  EXPECT_FALSE(Names(names, "mikey://keys.example.org:2270/news"));
  EXPECT_FALSE(Names("URI:sip:bob@keys.example.org", "sip://keys.example.org"));
}

TEST(Certificate, AddressesAreNamedByUrisAlone) {
  EXPECT_FALSE(Names("DNS:10.0.0.1,IP:10.0.0.1", "x://10.0.0.1"));
  EXPECT_TRUE(Names("URI:x://[2001:db8::1]:7", "x://[2001:DB8::1]:7/a"));
  EXPECT_FALSE(Names("URI:x://[2001:db8::1]:7", "x://[2001:db8::1]/a"));
  EXPECT_FALSE(Names("URI:x://[2001:db8::1]", "x://[2001:db8::1"));
  EXPECT_FALSE(Names("URI:x://[]", "x://[]"));
}

TEST(Certificate, ListsExtendedUsages) {
  CertificateRecipe recipe = EndRecipe();
  recipe.extended_usage = "serverAuth,1.3.6.1.4.1.99999.7";
  const auto certificate = Certificate::FromDer(MakeCertificate(recipe));
  ASSERT_TRUE(certificate);
  EXPECT_TRUE(certificate->HasExtendedUsage("1.3.6.1.5.5.7.3.1"));
  EXPECT_TRUE(certificate->HasExtendedUsage("1.3.6.1.4.1.99999.7"));
  for (const char* oid : {"", "serverAuth", "1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.99999",
                          "1.3.6.1.4.1.99999.7.1", "not an oid"}) {
    EXPECT_FALSE(certificate->HasExtendedUsage(oid)) << oid;
  }
  recipe.extended_usage = "anyExtendedKeyUsage";
  EXPECT_FALSE(
      Certificate::FromDer(MakeCertificate(recipe))->HasExtendedUsage("1.3.6.1.5.5.7.3.1"));
  recipe.extended_usage = "";
  EXPECT_FALSE(
      Certificate::FromDer(MakeCertificate(recipe))->HasExtendedUsage("1.3.6.1.5.5.7.3.1"));
}

}  // namespace
}  // namespace keymast::crypto
