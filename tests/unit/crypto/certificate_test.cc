// SPDX-License-Identifier: Apache-2.0
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

TEST(Certificate, RefusesPrefixesAndTrailingOctets) {
  Bytes der = MakeCertificate(EndRecipe());
  for (size_t size = 0; size < der.size(); ++size) {
    ASSERT_EQ(Certificate::FromDer(ByteView(der).first(size)).error(), Error::kMalformed);
  }
  der.push_back(0);
  EXPECT_EQ(Certificate::FromDer(der).error(), Error::kTrailingOctets);
  EXPECT_EQ(Certificate::FromDer(Bytes(kMaxCertificate + 1)).error(), Error::kTooLong);
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

}  // namespace
}  // namespace keymast::crypto
