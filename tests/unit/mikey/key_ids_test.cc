// SPDX-License-Identifier: Apache-2.0
#include "mikey/key_ids.h"

#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

// Found puts `data` into a Key ID extension of a message and reads it.
Result<KeyIds> Found(std::string_view data) {
  const Bytes octets = Hex(data);
  Bytes out(200);
  ChainWriter chain(out, {});
  chain.Add(ExtPayload{ExtType::kKeyIds, octets});
  Message message;
  EXPECT_TRUE(ParseMessage(ByteView(out).first(chain.size()), message));
  return FindKeyIds(message);
}

TEST(KeyIds, OfMskAndOfMtkMessage) {
  const auto msk = Found(
      "000300f110"
      "010400020001");
  ASSERT_TRUE(msk);
  EXPECT_EQ(ToHex(msk->domain.octets), "00f110");
  EXPECT_EQ(msk->msk.group, KeyGroup(2));
  EXPECT_EQ(msk->msk.number, KeyNumber(1));
  EXPECT_FALSE(msk->mtk);
  EXPECT_EQ(Found("000300f110"
                  "010400020001"
                  "02020005")
                ->mtk,
            MtkId(5));
}

TEST(KeyIds, InAnyOrder) {
  EXPECT_TRUE(
      Found("02020005"
            "010400020001"
            "000300f110"));
}

TEST(KeyIds, WriteWhatTheyRead) {
  std::array<uint8_t, kMaxKeyIds> octets{};
  Writer writer(octets);
  PutKeyIds(writer, kMtkIds);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.size(), kMaxKeyIds);
  const auto found = Found(ToHex(octets));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->domain, kMtkIds.domain);
  EXPECT_EQ(found->msk, kMtkIds.msk);
  EXPECT_EQ(found->mtk, kMtkIds.mtk);
}

TEST(KeyIds, OfWrongShapeAreMalformed) {
  for (const std::string_view data : {"", "00", "0003", "000300f110", "010400020001",
                                      "000200f1010400020001", "000300f1100103000200",
                                      "000300f1100104000200010201"
                                      "05",
                                      "000300f110000300f110010400020001",
                                      "000300f110010400020001030100", "000300f11001040002000100"}) {
    const auto found = Found(data);
    ASSERT_FALSE(found) << data;
    EXPECT_EQ(found.error(), Error::kMalformed) << data;
  }
}

}  // namespace
}  // namespace keymast::mikey
