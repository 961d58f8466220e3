// SPDX-License-Identifier: Apache-2.0
// Messages with a good MAC whose content is still not what a receiver may take: from a sender who
// holds the key, or speaks another dialect.
#include "mikey/kemac.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

const Bytes kLow = Hex("0004");
const Bytes kHigh = Hex("0384");

KeyDataPayload TgkWithInterval() {
  KeyDataPayload key_data;
  key_data.kv.type = KvType::kInterval;
  key_data.key = kMsk;
  key_data.kv.from = kLow;
  key_data.kv.to = kHigh;
  return key_data;
}

KeyDataPayload Tek() {
  KeyDataPayload key_data;
  key_data.type = KeyDataType::kTekSalt;
  key_data.key = kMtk;
  key_data.salt = kSalt;
  return key_data;
}

// Forged takes header and payloads of a sample, lets `change` edit them, and closes them with
// `key_data` under the right keys.
template <class Change>
Bytes Forged(const Bytes& sample, ByteView psk, const KeyDataPayload& key_data, Change change) {
  Message message;
  EXPECT_TRUE(ParseMessage(sample, message));
  std::vector<Payload> payloads(message.chain().begin(), message.chain().end() - 1);
  change(message.header, payloads);
  return Written([&](MutableBytes out) {
    ChainWriter chain(out, message.header);
    for (const Payload& payload : payloads) {
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    const PskContext context{{}, psk, CsbId(message.header.csb_id), kRand};
    return CloseWithKemac(crypto::DefaultSuite(), context, chain, *message.Get<TPayload>(),
                          {&key_data, 1});
  });
}

constexpr auto kAsItIs = [](Header&, std::vector<Payload>&) {};

Error MskError(const KeyDataPayload& key_data) {
  const auto opened = OpenSample(Forged(MskOctets(), kUserKey, key_data, kAsItIs));
  return opened ? Error::kInternal : opened.error();
}

Error MtkError(const KeyDataPayload& key_data) {
  const auto opened = OpenMtkSample(Forged(MtkOctets(), kMsk, key_data, kAsItIs));
  return opened ? Error::kInternal : opened.error();
}

TEST(BehindMac, TheForgerMakesWhatOpens) {
  EXPECT_EQ(Forged(MskOctets(), kUserKey, TgkWithInterval(), kAsItIs), MskOctets());
  EXPECT_EQ(Forged(MtkOctets(), kMsk, Tek(), kAsItIs), MtkOctets());
}

TEST(BehindMac, MskOfAnotherTypeOrLength) {
  KeyDataPayload key_data = TgkWithInterval();
  key_data.type = KeyDataType::kTek;
  EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed);
  key_data = TgkWithInterval();
  key_data.key = ByteView(kMsk).first(15);
  EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed);
  const Bytes longer(33, 1);
  key_data.key = longer;
  EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed);
}

TEST(BehindMac, MskWithoutAnInterval) {
  KeyDataPayload key_data = TgkWithInterval();
  key_data.kv.type = KvType::kNull;
  EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed);
  key_data.kv.type = KvType::kSpi;
  EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed);
}

TEST(BehindMac, IntervalBeyondMtkIds) {
  for (const std::string_view limit : {"", "010000", "00000000000001"}) {
    const Bytes octets = Hex(limit);
    KeyDataPayload key_data = TgkWithInterval();
    key_data.kv.to = octets;
    EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed) << limit;
    key_data = TgkWithInterval();
    key_data.kv.from = octets;
    EXPECT_EQ(MskError(key_data), Error::kDecryptionFailed) << limit;
  }
}

TEST(BehindMac, TurnedIntervalIsTheReceiversToJudge) {  // TS 33.246 §6.4.5.1: it deletes the MSK
  KeyDataPayload key_data = TgkWithInterval();
  std::swap(key_data.kv.from, key_data.kv.to);
  const auto opened = OpenSample(Forged(MskOctets(), kUserKey, key_data, kAsItIs));
  ASSERT_TRUE(opened);
  EXPECT_GT(opened->low, opened->high);
}

TEST(BehindMac, MtkThatIsNoTek) {
  KeyDataPayload key_data = Tek();
  key_data.type = KeyDataType::kTgkSalt;
  EXPECT_EQ(MtkError(key_data), Error::kDecryptionFailed);
  key_data = Tek();
  key_data.kv.type = KvType::kInterval;
  EXPECT_EQ(MtkError(key_data), Error::kDecryptionFailed);
  key_data = Tek();
  key_data.key = ByteView(kMtk).first(15);
  EXPECT_EQ(MtkError(key_data), Error::kDecryptionFailed);
  key_data = Tek();
  key_data.salt = ByteView(kSalt).first(13);
  EXPECT_EQ(MtkError(key_data), Error::kDecryptionFailed);
}

TEST(BehindMac, MoreStreamsThanAReceiverHolds) {
  const Bytes map(kSrtpIdEntry * (kMaxStreams + 1), 1);
  const Bytes octets =
      Forged(MskOctets(), kUserKey, TgkWithInterval(), [&map](Header& header, auto&) {
        header.cs_count = kMaxStreams + 1;
        header.map = map;
      });
  EXPECT_EQ(OpenSample(octets).error(), Error::kUnsupportedPolicy);
}

TEST(BehindMac, StreamsInAnotherMapThanSrtpId) {  // RFC 6043 §6.1.1 is not of TS 33.246
  for (const std::string_view map : {"010001000004deadbeef0400000001", "01000100000002aabb"}) {
    const Bytes info = Hex(map);
    const Bytes octets =
        Forged(MskOctets(), kUserKey, TgkWithInterval(), [&info](Header& header, auto&) {
          header.map_type = CsIdMapType::kGenericId;
          header.cs_count = 1;
          header.map = info;
        });
    EXPECT_EQ(OpenSample(octets).error(), Error::kUnsupportedPolicy) << map;
  }
}

Error PolicyError(std::string_view params, ProtType prot_type = ProtType::kSrtp) {
  const Bytes value = Hex(params);
  const Bytes octets =
      Forged(MskOctets(), kUserKey, TgkWithInterval(), [&](Header&, auto& payloads) {
        payloads.back() = SpPayload{0, prot_type, value};
      });
  const auto opened = OpenSample(octets);
  return opened ? Error::kInternal : opened.error();
}

TEST(BehindMac, PoliciesThatCannotBeRead) {
  EXPECT_EQ(PolicyError("000101"), Error::kInternal);  // this one can
  EXPECT_EQ(PolicyError(""), Error::kInternal);        // defaults throughout
  EXPECT_EQ(PolicyError("000101", ProtType::kTesla), Error::kUnsupportedPolicy);  // TESLA
  EXPECT_EQ(PolicyError("0d020001"), Error::kUnsupportedPolicy);                  // two octets
  EXPECT_EQ(PolicyError("0000"), Error::kUnsupportedPolicy);                      // none
  std::string many;
  for (int i = 0; i < 33; ++i) many += "000101";
  EXPECT_EQ(PolicyError(many), Error::kUnsupportedPolicy);
}

TEST(BehindMac, MtkWithCryptoSessions) {
  const Bytes octets = Forged(MtkOctets(), kMsk, Tek(), [](Header& header, auto&) {
    header.cs_count = 1;  // the empty map allows any count, an MTK message does not
  });
  EXPECT_EQ(OpenMtkSample(octets).error(), Error::kUnsupportedPolicy);
}

}  // namespace
}  // namespace keymast::mikey
