// SPDX-License-Identifier: Apache-2.0
// Messages worked out by an independent program (docs/mikey.md): W1 to W3.
#include <gtest/gtest.h>

#include "mikey/key_data.h"
#include "mikey/mbms.h"
#include "mikey/message.h"
#include "mikey/prf.h"

namespace keymast::mikey {
namespace {

Bytes Hex(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(FromHex(text, octets));
  return octets;
}

const CsbId kCsb(0x12345678);

TEST(Worked, W1TransportKeysMacAndKeyData) {
  const Bytes psk = Hex("000102030405060708090a0b0c0d0e0f");
  const Bytes rand = Hex("101112131415161718191a1b1c1d1e1f");
  const TransportKeys keys = DeriveTransportKeys(crypto::DefaultSuite(), {}, psk, kCsb, rand);
  EXPECT_EQ(ToHex(keys.encr.view()), "0697b39199cbd53c48367cfe440f6bb7");
  EXPECT_EQ(ToHex(keys.auth.view()), "6538a34bbd327059cc3372f26c5f476b5f182ccc");
  EXPECT_EQ(ToHex(keys.salt.view()), "507ce0a043d2435185e5b2d41100");
  Bytes data =
      Hex("36635126b5fc393cd81234f350e3515eb75bd26d31e247f13d64931324c5d3c1592f47579f491155db");
  const Bytes t = Hex("e5a1b2c300000001");
  CryptKeyData(crypto::DefaultSuite(), keys, kCsb, {TsType::kNtpUtc, t}, data);
  EXPECT_EQ(ToHex(data),
            "00110010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf000ec0c1c2c3c4c5c6c7c8c9cacbcccd0400000001");
  std::array<KeyDataPayload, 1> found;
  ASSERT_EQ(ParseKeyData(data, found), Result<size_t>(1));
  EXPECT_EQ(found[0].type, KeyDataType::kTgkSalt);
  EXPECT_EQ(ToHex(found[0].kv.spi), "00000001");
}

TEST(Worked, W2PrfOfTwoPieces) {
  Bytes inkey(48);
  for (size_t i = 0; i < inkey.size(); ++i) inkey[i] = static_cast<uint8_t>(i);
  const Bytes rand = Hex("101112131415161718191a1b1c1d1e1f");
  Bytes out(40);
  Derive(crypto::DefaultSuite(), PrfFunc::kMikey1, inkey, KeyConstant::kTek, 2, kCsb, rand, out);
  EXPECT_EQ(ToHex(out),
            "9a28bc66a418964c8fc68b41c20baf9ba76e8e9d866954b57f29fc07b4cd3a93481a3e7054d50bb8");
  Derive(crypto::DefaultSuite(), PrfFunc::kHmacSha256, inkey, KeyConstant::kTek, 2, kCsb, rand,
         out);
  EXPECT_EQ(ToHex(out),
            "3cc72e691df88783dc35c7f675e34af854943d659db90f3c61f286fdad373dbd3535e05b69600b13");
}

TEST(Worked, W3MtkMessageBothWays) {
  const std::string text =
      "010015001234567800010503000f000300f1100104000200010202000501020000000700010024065c4d677e59a4"
      "5ed4c8fa212f167f910de17e4fc82323c1a63d56de34eba76db2ccb22d0105f36d14147a48bcf48496a6fe5c5f09"
      "2cf09de8";
  const Bytes msk = Hex("404142434445464748494a4b4c4d4e4f");
  const Bytes rand = Hex("101112131415161718191a1b1c1d1e1f");
  const Bytes key = Hex("707172737475767778797a7b7c7d7e7f");
  const Bytes salt = Hex("808182838485868788898a8b8c8d");
  MtkMessage message;
  message.ids = {KeyDomainId{{0x00, 0xf1, 0x10}}, MskId::FromValue(0x00020001), MtkId(5)};
  message.csb_id = kCsb;
  message.counter = 7;
  message.msk_rand = rand;
  message.key = key;
  message.salt = salt;
  std::array<uint8_t, 200> out{};
  const auto size = WriteMtkMessage(crypto::DefaultSuite(), {}, message, msk, out);
  ASSERT_TRUE(size);
  EXPECT_EQ(ToHex(ByteView(out).first(*size)), text);

  const Bytes datagram = Hex(text);
  const auto inspected = Inspect(datagram);
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->kind, MessageKind::kMtk);
  EXPECT_EQ(inspected->counter, 7u);
  EXPECT_EQ(inspected->ids.mtk, MtkId(5));
  const auto opened = OpenMtk(crypto::DefaultSuite(), {}, *inspected, msk, rand);
  ASSERT_TRUE(opened);
  EXPECT_EQ(ToHex(opened->key.view()), ToHex(key));
  EXPECT_EQ(ToHex(opened->salt.view()), ToHex(salt));
}

TEST(Worked, MskMessageAndItsVerification) {
  const Bytes user_key = Hex("000102030405060708090a0b0c0d0e0f");
  const Bytes rand = Hex("101112131415161718191a1b1c1d1e1f");
  const Bytes msk = Hex("404142434445464748494a4b4c4d4e4f");
  const StreamSync stream{0, Ssrc(0xdeadbeef), Roc(3)};
  const SpParam params[] = {{0, 1}, {1, 16}};
  const Profile3gpp profile;
  MskMessage message;
  message.ids = {KeyDomainId{{0x26, 0x2f, 0x01}}, MskId::FromValue(0x00010001), {}};
  message.counter = 9;
  message.rand = rand;
  message.idi = AsBytes("bmsc@example.org");
  message.idr = AsBytes("ue1@example.org");
  message.policy = params;
  message.streams = {&stream, 1};
  message.msk = msk;
  message.low = MtkId(4);
  message.high = MtkId(900);
  std::array<uint8_t, 400> out{};
  const auto size = WriteMskMessage(crypto::DefaultSuite(), profile, message, user_key, out);
  ASSERT_TRUE(size);
  const auto inspected = Inspect(ByteView(out).first(*size));
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->kind, MessageKind::kMsk);
  EXPECT_TRUE(inspected->wants_verification);
  const auto opened = OpenMsk(crypto::DefaultSuite(), profile, *inspected, user_key);
  ASSERT_TRUE(opened);
  EXPECT_EQ(ToHex(opened->msk.view()), ToHex(msk));
  EXPECT_EQ(opened->low, MtkId(4));
  EXPECT_EQ(opened->high, MtkId(900));
  ASSERT_EQ(opened->stream_count, 1u);
  EXPECT_EQ(opened->streams[0].roc, Roc(3));
  ASSERT_EQ(opened->policy_count, 2u);

  std::array<uint8_t, 400> answer{};
  const Verification verification{inspected->csb_id, 9, message.idi, message.idr, rand, {}};
  const auto length =
      WriteVerification(crypto::DefaultSuite(), profile, verification, user_key, answer);
  ASSERT_TRUE(length);
  const auto seen = Inspect(ByteView(answer).first(*length));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, MessageKind::kVerification);
  EXPECT_TRUE(
      CheckVerification(crypto::DefaultSuite(), profile, *seen, message.idi, rand, user_key));
  answer[*length - 1] ^= 1;
  EXPECT_EQ(CheckVerification(crypto::DefaultSuite(), profile, *seen, message.idi, rand, user_key)
                .error(),
            Error::kAuthenticationFailed);
}

}  // namespace
}  // namespace keymast::mikey
