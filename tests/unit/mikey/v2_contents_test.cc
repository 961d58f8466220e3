// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mikey/v2/contents.h"

namespace keymast::mikey::v2 {
namespace {

const Bytes kOctets(200, 9);
ByteView Some(size_t size) { return ByteView(kOctets).first(size); }

KeyDataPayload Key(KeyDataType type, size_t size, size_t spi, size_t salt = 0) {
  return {type, Some(size), Some(salt), {KvType::kSpi, Some(spi), {}, {}}};
}
KeyDataPayload Msk() {
  return {KeyDataType::kTgk, Some(16), {}, {KvType::kInterval, {}, Some(2), Some(2)}};
}

Contents All() {
  Contents all;
  all.keys.Add(Msk());
  all.keys.Add(Key(KeyDataType::kTreeKey, 32, 14));
  all.keys.Add(Key(KeyDataType::kMtk, 16, 6, 14));
  all.keys.Add(Key(KeyDataType::kVerificationKey, 32, 4));
  all.keys.Add(Key(KeyDataType::kTicket, 60, 4));
  all.rands.Add(Some(16));
  all.csb_id = CsbId(0xdeadbeef);
  all.msks.Add({Some(3), 0x00010002, 77});
  all.member = MemberState{Some(8), 5, 6, 7, 8, 1400, 2000, 9, 10};
  return all;
}

Bytes Written(const Contents& contents) {
  Bytes out(kMaxPlain);
  out.resize(*WriteContents(contents, out));
  return out;
}

bool IsRead(const Contents& contents) {
  const Bytes octets = Written(contents);
  return ReadContents(octets, contents.sender.has_value()).has_value();
}

TEST(ContentsOfKemac, AreReadAsTheyWereWritten) {
  const Bytes octets = Written(All());
  const auto read = ReadContents(octets, false);
  ASSERT_TRUE(read);
  EXPECT_EQ(Written(*read), octets);
  EXPECT_EQ(read->keys.size(), 5u);
  EXPECT_EQ(read->csb_id, CsbId(0xdeadbeef));
  EXPECT_EQ(read->msks[0].counter, 77u);
  EXPECT_EQ(read->member->leaf, 7u);
  Contents with_sender = All();
  with_sender.sender = IdrPayload{IdRole::kResponder, IdType::kUri, Some(20)};
  EXPECT_TRUE(IsRead(with_sender));
  EXPECT_FALSE(ReadContents(octets, true));
  EXPECT_FALSE(ReadContents(Written(with_sender), false));
}

TEST(ContentsOfKemac, MayBeNothing) {
  EXPECT_EQ(WriteContents({}, {}), Result<size_t>(0));
  EXPECT_TRUE(ReadContents({}, false));
  EXPECT_FALSE(ReadContents({}, true));
}

TEST(ContentsOfKemac, NoPrefixAndNothingMoreIsRead) {
  const Bytes octets = Written(All());
  for (size_t size = 1; size < octets.size(); ++size) {
    EXPECT_FALSE(ReadContents(ByteView(octets).first(size), false)) << size;
  }
  Bytes longer = octets;
  longer.push_back(0);
  EXPECT_FALSE(ReadContents(longer, false));
}

TEST(ContentsOfKemac, KeepTheirOrder) {
  Contents turned = All();
  turned.keys.clear();
  turned.keys.Add(Key(KeyDataType::kMtk, 16, 6, 14));
  turned.keys.Add(Msk());
  EXPECT_FALSE(IsRead(turned));
  // An extension in front of a key: EXT 4, then Key data.
  const Bytes front = {21, 21, 4, 0, 4, 1, 2, 3, 4};
  EXPECT_FALSE(ReadContents(front, false));
}

TEST(ContentsOfKemac, KeysHaveTheShapeOfTheirKind) {
  const auto is_read = [](const KeyDataPayload& key) {
    Contents one;
    one.keys.Add(key);
    return IsRead(one);
  };
  const auto tgk = [](size_t size, KvType kv, size_t from, size_t to) {
    return KeyDataPayload{KeyDataType::kTgk, Some(size), {}, {kv, {}, Some(from), Some(to)}};
  };
  EXPECT_TRUE(is_read(tgk(32, KvType::kNull, 0, 0)));
  EXPECT_FALSE(is_read(tgk(16, KvType::kNull, 0, 0)));  // only an MSK is as short
  EXPECT_FALSE(is_read(tgk(32, KvType::kInterval, 1, 2)));
  EXPECT_FALSE(is_read(tgk(32, KvType::kInterval, 2, 4)));
  EXPECT_FALSE(is_read(tgk(24, KvType::kInterval, 2, 2)));
  EXPECT_TRUE(is_read(Key(KeyDataType::kTreeKey, 3 * 16, 4 + 3 * 5)));
  EXPECT_TRUE(is_read(Key(KeyDataType::kTreeKey, 3 * 32, 4 + 3 * 5)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kTreeKey, 3 * 16 - 1, 4 + 3 * 5)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kTreeKey, 3 * 16, 4 + 3 * 5 + 1)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kTreeKey, 16, 4)));
}

TEST(ContentsOfKemac, RandsAndStatesBelongToMsks) {
  Contents more = All();
  more.rands.Add(Some(16));
  EXPECT_FALSE(IsRead(more));
  more.msks.Add({Some(3), 3, 4});
  EXPECT_TRUE(IsRead(more));
  Contents odd = All();
  odd.rands.clear();
  odd.rands.Add(Some(17));
  EXPECT_FALSE(IsRead(odd));
}

TEST(ContentsOfKemac, KeysHaveLengthsThatSomebodyUses) {
  const auto is_read = [](const KeyDataPayload& key) {
    Contents one;
    one.keys.Add(key);
    return IsRead(one);
  };
  EXPECT_TRUE(is_read(Msk()));
  EXPECT_FALSE(is_read(Key(KeyDataType::kTgk, 16, 4)));
  EXPECT_FALSE(is_read({KeyDataType::kTgk, Some(17), {}, {}}));
  EXPECT_FALSE(is_read(Key(KeyDataType::kMtk, 24, 6, 14)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kMtk, 16, 6, 13)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kMtk, 16, 5, 14)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kVerificationKey, 31, 4)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kTicket, 0, 4)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kTek, 16, 4)));
  EXPECT_FALSE(is_read(Key(KeyDataType::kSdLabel, 16, 7)));
  EXPECT_TRUE(is_read(Key(KeyDataType::kSdLabel, 16, 8)));
}

TEST(ContentsOfKemac, DoNotOverrunTheirRoom) {
  Bytes small(40);
  EXPECT_EQ(WriteContents(All(), small).error(), Error::kTooLong);
}

}  // namespace
}  // namespace keymast::mikey::v2
