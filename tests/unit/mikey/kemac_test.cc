// SPDX-License-Identifier: Apache-2.0
#include "mikey/kemac.h"

#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

const Bytes kCounter = Hex("00000007");

// Psk writes a plain PSK message by `context` under `policy`.
Bytes Psk(const PskContext& context, const PskPolicy& policy = {}) {
  return Written([&](MutableBytes out) {
    Header header;
    header.prf = context.algorithms.prf;
    header.csb_id = context.csb_id.value;
    ChainWriter chain(out, header);
    chain.Add(TPayload{TsType::kCounter, kCounter});
    KeyDataPayload key_data;
    key_data.key = kMsk;
    return CloseWithKemac(crypto::DefaultSuite(), context, chain, {TsType::kCounter, kCounter},
                          {&key_data, 1}, policy);
  });
}

Status Open(const Bytes& octets, const PskContext& context, OpenedKeys& opened,
            const PskPolicy& policy = {}) {
  Message message;
  if (Status parsed = ParseMessage(octets, message); !parsed) return parsed;
  return OpenKemac(crypto::DefaultSuite(), context, octets, message, opened, policy);
}

PskContext ContextOf(const Algorithms& algorithms) {
  return {algorithms, kUserKey, CsbId(3), kRand};
}

constexpr PskPolicy kNullAllowed{true, kMinRand};

TEST(Kemac, OpensUnderEveryCombination) {
  for (const PrfFunc prf : {PrfFunc::kMikey1, PrfFunc::kHmacSha256}) {
    for (const EncrAlg encr : {EncrAlg::kNull, EncrAlg::kAesCm128, EncrAlg::kAesCm256}) {
      for (const MacAlg mac : {MacAlg::kNull, MacAlg::kHmacSha1_160, MacAlg::kHmacSha256_256}) {
        const PskContext context = ContextOf({prf, encr, mac});
        OpenedKeys opened;
        ASSERT_TRUE(Open(Psk(context, kNullAllowed), context, opened, kNullAllowed));
        ASSERT_EQ(opened.keys().size(), 1u);
        EXPECT_EQ(ToHex(opened.keys()[0].key), ToHex(kMsk));
      }
    }
  }
}

TEST(Kemac, KeyIsNotInClear) {
  const std::string sealed = ToHex(Psk(ContextOf({})));
  EXPECT_EQ(sealed.find(ToHex(kMsk)), std::string::npos);
  const std::string null = ToHex(
      Psk(ContextOf({PrfFunc::kMikey1, EncrAlg::kNull, MacAlg::kHmacSha1_160}), kNullAllowed));
  EXPECT_NE(null.find(ToHex(kMsk)), std::string::npos);
}

TEST(Kemac, NullNeedsAPolicyThatSaysSo) {
  for (const Algorithms& algorithms :
       {Algorithms{PrfFunc::kMikey1, EncrAlg::kNull, MacAlg::kHmacSha1_160},
        Algorithms{PrfFunc::kMikey1, EncrAlg::kAesCm128, MacAlg::kNull}}) {
    const PskContext context = ContextOf(algorithms);
    OpenedKeys opened;
    EXPECT_EQ(Open(Psk(context, kNullAllowed), context, opened).error(),
              Error::kUnsupportedAlgorithm);
    EXPECT_TRUE(opened.keys().empty());
  }
}

TEST(Kemac, LabelsMustBeThoseAskedFor) {
  const Bytes octets = Psk(ContextOf({}));
  OpenedKeys opened;
  EXPECT_EQ(Open(octets, ContextOf({PrfFunc::kHmacSha256, {}, {}}), opened).error(),
            Error::kUnsupportedAlgorithm);
}

TEST(Kemac, UnknownAlgorithmsAreUnsupported) {
  const auto unknown_encr = static_cast<EncrAlg>(2);  // AES-KW-128
  const auto unknown_prf = static_cast<PrfFunc>(2);
  EXPECT_EQ(
      CheckContext(ContextOf({PrfFunc::kMikey1, unknown_encr, MacAlg::kHmacSha1_160}), {}).error(),
      Error::kUnsupportedAlgorithm);
  EXPECT_EQ(
      CheckContext(ContextOf({unknown_prf, EncrAlg::kAesCm128, MacAlg::kHmacSha1_160}), {}).error(),
      Error::kUnsupportedAlgorithm);
}

TEST(Kemac, RefusesGuessableInputs) {
  PskContext context = ContextOf({});
  context.psk = ByteView(kUserKey).first(15);
  EXPECT_EQ(CheckContext(context, {}).error(), Error::kInvalidArgument);
  context = ContextOf({});
  context.rand = ByteView(kRand).first(15);
  EXPECT_EQ(CheckContext(context, {}).error(), Error::kMalformed);
  EXPECT_TRUE(CheckContext(context, {false, 15}));
}

TEST(Kemac, MacIsCheckedBeforeAnythingIsDecrypted) {
  const PskContext context = ContextOf({});
  Bytes octets = Psk(context);
  octets.back() ^= 1;
  static int decryptions;
  decryptions = 0;
  crypto::SuiteFunctions functions = *crypto::DefaultSuite().functions;
  functions.aes_ctr = [](const void*, ByteView key, ByteView iv, MutableBytes data) {
    ++decryptions;
    crypto::DefaultSuite().aes_ctr(key, iv, data);
  };
  crypto::Suite counting = crypto::DefaultSuite();
  counting.functions = &functions;
  Message message;
  ASSERT_TRUE(ParseMessage(octets, message));
  OpenedKeys opened;
  EXPECT_EQ(OpenKemac(counting, context, octets, message, opened).error(),
            Error::kAuthenticationFailed);
  EXPECT_EQ(decryptions, 0);
  octets.back() ^= 1;
  EXPECT_TRUE(OpenKemac(counting, context, octets, message, opened));
  EXPECT_EQ(decryptions, 1);
}

TEST(Kemac, WhatDecryptsToNoKeyIsRefused) {
  const PskContext context = ContextOf({PrfFunc::kMikey1, EncrAlg::kNull, MacAlg::kNull});
  Bytes octets = Psk(context, kNullAllowed);
  octets[octets.size() - 1 - 20] = 0xf0;  // type and KV of the key data
  OpenedKeys opened;
  EXPECT_EQ(Open(octets, context, opened, kNullAllowed).error(), Error::kDecryptionFailed);
}

TEST(Verification, NullMacConfirmsNothing) {
  const Bytes octets =
      Hex("01010500000000000001"
          "0902"
          "00000007"
          "0000");
  Message message;
  ASSERT_TRUE(ParseMessage(octets, message));
  const PskContext context = ContextOf({PrfFunc::kMikey1, EncrAlg::kAesCm128, MacAlg::kNull});
  EXPECT_EQ(CheckV(crypto::DefaultSuite(), context, octets, message, {}).error(),
            Error::kUnsupportedAlgorithm);
}

}  // namespace
}  // namespace keymast::mikey
