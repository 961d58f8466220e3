// SPDX-License-Identifier: Apache-2.0
// Worked messages W1 to W3 of an independent program, and the public vectors of the SHA-256 PRF.
#include "mikey/grammar.h"
#include "mikey/kemac.h"
#include "mikey/mbms.h"
#include "tests/vectors/vectors.h"

namespace keymast::mikey {
namespace {

using nlohmann::json;
using vectors::Hex;
using vectors::HexIn;

const CsbId kCsb(0x12345678);
const Bytes kRand = Hex("101112131415161718191a1b1c1d1e1f");
const Bytes kPsk = Hex("000102030405060708090a0b0c0d0e0f");

// ValueOf finds the line of `mikey-worked.json` that begins with `title` and returns the longest
// word of it behind the title.
std::string ValueOf(const json& file, const std::string& title) {
  for (const json& entry : file["worked_by_us"]) {
    const auto line = entry.get<std::string>();
    if (line.rfind(title, 0) != 0) continue;
    std::istringstream words(line.substr(title.size()));
    std::string longest;
    for (std::string word; words >> word;) {
      if (word.size() > longest.size()) longest = word;
    }
    return longest;
  }
  ADD_FAILURE() << "no line " << title;
  return {};
}

class Worked : public testing::Test {
 protected:
  void SetUp() override {
    file_ = vectors::Load("mikey-worked.json");
    if (!file_.is_null()) return;
    ASSERT_TRUE(vectors::MayLeaveOut("mikey-worked.json"));
    GTEST_SKIP() << vectors::LeftOut("mikey-worked.json");
  }
  std::string Value(const std::string& title) const { return ValueOf(file_, title); }
  json file_;
};

TEST_F(Worked, W1Keys) {
  const TransportKeys keys = DeriveTransportKeys(crypto::DefaultSuite(), {}, kPsk, kCsb, kRand);
  EXPECT_EQ(ToHex(keys.encr.view()), Value("W1 encr_key"));
  EXPECT_EQ(ToHex(keys.auth.view()), Value("W1 auth_key"));
  EXPECT_EQ(ToHex(keys.salt.view()), Value("W1 salt "));
}

TEST_F(Worked, W1OpensToItsKeyAndTek) {
  const Bytes datagram = Hex(Value("W1 I_MESSAGE"));
  Message message;
  ASSERT_TRUE(ParseMessage(datagram, message));
  ASSERT_TRUE(CheckGrammar(message, Form::kPsk));
  EXPECT_TRUE(message.header.v_flag);
  EXPECT_EQ(AsText(message.Get<IdPayload>(0)->data), "bmsc@example.org");
  EXPECT_EQ(AsText(message.Get<IdPayload>(1)->data), "ue1@example.org");
  OpenedKeys opened;
  ASSERT_TRUE(
      OpenKemac(crypto::DefaultSuite(), {{}, kPsk, kCsb, kRand}, datagram, message, opened));
  ASSERT_EQ(opened.keys().size(), 1u);
  const KeyDataPayload& key = opened.keys()[0];
  EXPECT_EQ(key.type, KeyDataType::kTgkSalt);
  EXPECT_EQ(ToHex(key.salt), "c0c1c2c3c4c5c6c7c8c9cacbcccd");
  EXPECT_EQ(ToHex(key.kv.spi), "00000001");
  Bytes tek(16);
  Derive(crypto::DefaultSuite(), PrfFunc::kMikey1, key.key, KeyConstant::kTek, 1, kCsb, kRand, tek);
  EXPECT_EQ(ToHex(tek), Value("W1 TEK cs1"));
  Bytes salt(14);
  Derive(crypto::DefaultSuite(), PrfFunc::kMikey1, key.key, KeyConstant::kTgkSalt, 1, kCsb, kRand,
         salt);
  EXPECT_EQ(ToHex(salt), Value("W1 salt cs1 (derived, unused when carried)"));
}

TEST_F(Worked, W1IsWrittenOctetForOctet) {
  const std::string text = Value("W1 I_MESSAGE");
  const Bytes datagram = Hex(text);
  Message message;
  ASSERT_TRUE(ParseMessage(datagram, message));
  std::array<uint8_t, 300> out{};
  ChainWriter chain(out, message.header);
  for (const Payload& payload : message.chain()) {
    std::visit(
        [&chain](const auto& p) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(p)>, KemacPayload>) chain.Add(p);
        },
        payload);
  }
  const Bytes plain = Hex(Value("W1 keydata"));
  std::array<KeyDataPayload, 1> keys;
  ASSERT_TRUE(ParseKeyData(plain, keys));
  const auto size = CloseWithKemac(crypto::DefaultSuite(), {{}, kPsk, kCsb, kRand}, chain,
                                   *message.Get<TPayload>(), {&keys[0], 1});
  ASSERT_TRUE(size);
  EXPECT_EQ(ToHex(ByteView(out).first(*size)), text);
}

TEST_F(Worked, W1VerificationCoversIdentitiesAndTime) {
  const Bytes datagram = Hex(Value("W1 R_MESSAGE"));
  Message message;
  ASSERT_TRUE(ParseMessage(datagram, message));
  ASSERT_TRUE(CheckGrammar(message, Form::kPskVerification));
  const PskContext context{{}, kPsk, kCsb, kRand};
  const Bytes t = Hex("e5a1b2c300000001");
  const Answered answered{AsBytes("bmsc@example.org"), AsBytes("ue1@example.org"), t};
  EXPECT_TRUE(CheckV(crypto::DefaultSuite(), context, datagram, message, answered));
  for (int field = 0; field < 3; ++field) {
    Answered other = answered;
    (field == 0 ? other.idi : field == 1 ? other.idr : other.timestamp) = {};
    EXPECT_EQ(CheckV(crypto::DefaultSuite(), context, datagram, message, other).error(),
              Error::kAuthenticationFailed);
  }
}

TEST_F(Worked, W2PrfOfTwoPieces) {
  Bytes inkey(48);
  for (size_t i = 0; i < inkey.size(); ++i) inkey[i] = static_cast<uint8_t>(i);
  Bytes out(40);
  Derive(crypto::DefaultSuite(), PrfFunc::kMikey1, inkey, KeyConstant::kTek, 2, kCsb, kRand, out);
  EXPECT_EQ(ToHex(out), Value("W2 PRF"));
  Derive(crypto::DefaultSuite(), PrfFunc::kHmacSha256, inkey, KeyConstant::kTek, 2, kCsb, kRand,
         out);
  EXPECT_EQ(ToHex(out), Value("W2 sha256"));
}

TEST_F(Worked, W3PadsTheCounterOnTheLeft) {
  const Bytes datagram = Hex(Value("W3 msg"));
  const auto inspected = Inspect(datagram);
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->counter, 7u);
  const auto opened = OpenMtk(crypto::DefaultSuite(), {}, *inspected,
                              Hex("404142434445464748494a4b4c4d4e4f"), kRand);
  ASSERT_TRUE(opened);
  EXPECT_EQ(ToHex(opened->key.view()), "707172737475767778797a7b7c7d7e7f");
  EXPECT_EQ(ToHex(opened->salt.view()), "808182838485868788898a8b8c8d");
}

TEST_F(Worked, PublicVectorsOfTheSha256Prf) {
  const json& rows = file_["mikey_prf_hmac_sha256_public"];
  ASSERT_EQ(rows.size(), 3u);
  const Bytes ssv = HexIn(rows[0]["ssv"]);
  const Bytes rand = HexIn(rows[0]["rand"]);
  constexpr std::pair<const char*, KeyConstant> kKeys[] = {{"ENCR_16", KeyConstant::kTgkEncr},
                                                           {"SALT_12", KeyConstant::kTgkSalt},
                                                           {"TEK_16", KeyConstant::kTek}};
  for (const json& row : rows) {
    const Bytes csb = HexIn(row["csb_id"]);
    for (const auto& [name, constant] : kKeys) {
      if (!row.contains(name)) continue;
      Bytes out(row[name].get<std::string>().size() / 2);
      Derive(crypto::DefaultSuite(), PrfFunc::kHmacSha256, ssv, constant,
             row["cs_id"].get<uint8_t>(), CsbId(Reader(csb).U32()), rand, out);
      EXPECT_EQ(ToHex(out), row[name].get<std::string>()) << name;
    }
  }
}

}  // namespace
}  // namespace keymast::mikey
