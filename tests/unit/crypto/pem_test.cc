// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include <gtest/gtest.h>

namespace keymast::crypto {
namespace {

constexpr std::string_view kTwo =
    "whose it is\n"
    "-----BEGIN CERTIFICATE-----\r\nAQID\r\n-----END CERTIFICATE-----\n"
    "-----BEGIN X509 CRL-----\nCQ==\n-----END X509 CRL-----\n"
    "-----BEGIN CERTIFICATE-----\nBA==\n-----END CERTIFICATE-----";

TEST(Pem, HasBlocksOfALabelInTheirOrder) {
  const auto certificates = PemBlocks(kTwo, "CERTIFICATE");
  ASSERT_TRUE(certificates);
  EXPECT_EQ(*certificates, (std::vector<Bytes>{{1, 2, 3}, {4}}));
  EXPECT_EQ(*PemBlocks(kTwo, "X509 CRL"), (std::vector<Bytes>{{9}}));
  EXPECT_TRUE(PemBlocks(kTwo, "PRIVATE KEY")->empty());
  EXPECT_TRUE(PemBlocks("", "CERTIFICATE")->empty());
}

TEST(Pem, RefusesWhatIsCutOrNoBase64) {
  for (const std::string_view text :
       {"-----BEGIN CERTIFICATE-----\nAQID\n", "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nA*ID\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAQI\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAQID\n-----BEGIN CERTIFICATE-----\n"}) {
    EXPECT_FALSE(PemBlocks(text, "CERTIFICATE")) << text;
  }
}

}  // namespace
}  // namespace keymast::crypto
