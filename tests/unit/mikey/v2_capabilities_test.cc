// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mikey/v2/capabilities.h"

namespace keymast::mikey::v2 {
namespace {

constexpr uint8_t kModes[] = {5, 3, 1};
constexpr uint8_t kOne[] = {1};
constexpr uint8_t kEncrs[] = {3, 1};
constexpr uint8_t kMacs[] = {2};
constexpr uint8_t kGroups[] = {242, 241};
constexpr uint8_t kSignatures[] = {15, 14, 1};
constexpr uint8_t kProfiles[] = {0, 8, 0, 7, 0, 1};
constexpr uint8_t kStreams[] = {3, 0xde, 0xad, 0xbe, 0xef, 2, 0, 0, 0, 0};

Capabilities Some() {
  Capabilities all;
  all.modes = kModes;
  all.prf = kOne;
  all.encr = kEncrs;
  all.mac = kMacs;
  all.groups = kGroups;
  all.signatures = kSignatures;
  all.profiles = kProfiles;
  all.streams = kStreams;
  return all;
}

Bytes Written(const Capabilities& capabilities) {
  Bytes out(3000);
  out.resize(*WriteCapabilities(capabilities, out));
  return out;
}

Bytes With(std::initializer_list<int> tlvs) {
  Bytes octets;
  for (const int octet : tlvs) octets.push_back(static_cast<uint8_t>(octet));
  return octets;
}

Result<Capabilities> Read(ByteView tlvs) { return ReadCapabilities(CapPayload{1, tlvs}); }

TEST(Capabilities, HaveTheOctetsOfTheSpecification) {
  EXPECT_EQ(ToHex(Written(Some())),
            "010003050301"
            "02000101"
            "0300020301"
            "04000102"
            "050002f2f1"
            "0600030f0e01"
            "070006000800070001"
            "10000a03deadbeef0200000000");
}

TEST(Capabilities, AreReadAsTheyWereWritten) {
  const Bytes octets = Written(Some());
  ASSERT_TRUE(IsTlvChain(octets));
  const auto read = Read(octets);
  ASSERT_TRUE(read);
  EXPECT_EQ(Written(*read), octets);
  EXPECT_TRUE(read->Offers(Mode::kEarlyDh));
  EXPECT_FALSE(read->Offers(Mode::kRsa));
  EXPECT_TRUE(read->OffersProfile(7));
  EXPECT_FALSE(read->OffersProfile(2));
  EXPECT_EQ(read->Datagram(), 1232);
  EXPECT_EQ(read->Fragments(), 0u);
  EXPECT_EQ(read->Features(), 0u);
  ASSERT_EQ(read->StreamCount(), 2u);
  EXPECT_EQ(read->Stream(0), (StreamOffer{true, true, 0xdeadbeef}));
  EXPECT_EQ(read->Stream(1), (StreamOffer{false, true, 0}));
}

TEST(Capabilities, EveryTlvHasARowAndEveryRowATlv) {
  for (const CodePoint& point : CodePointsOf<TlvType>()) {
    const auto rows = Tlvs();
    const auto is_it = [&](const TlvInfo& info) {
      return static_cast<uint8_t>(info.type) == point.value;
    };
    EXPECT_EQ(std::count_if(rows.begin(), rows.end(), is_it), 1) << point.name;
  }
  EXPECT_EQ(Tlvs().size(), CodePointsOf<TlvType>().size());
}

TEST(Capabilities, EachTlvKeepsItsBounds) {
  for (const TlvInfo& info : Tlvs()) {
    const auto take = [&info](size_t size, uint8_t fill) {
      Bytes value(size, fill);
      if (info.type == TlvType::kStreams) {
        for (size_t i = 0; i < size; ++i) value[i] = i % kStreamOctets == 0 ? 2 : 0;
      }
      for (size_t i = 0; info.is_list && i < size; ++i) value[i] = static_cast<uint8_t>(i + 1);
      Capabilities one;
      one.*(info.field) = value;
      return Read(Written(one)).has_value();
    };
    SCOPED_TRACE(NameOf(info.type));
    const uint8_t fill = info.type == TlvType::kDatagram ? 5 : 2;
    EXPECT_TRUE(take(info.least, fill));
    EXPECT_TRUE(take(info.most, fill));
    EXPECT_FALSE(take(info.most + info.unit, fill));
    if (info.least > info.unit) {
      EXPECT_FALSE(take(info.least - info.unit, fill));
    }
    if (info.unit > 1) {
      EXPECT_FALSE(take(info.least + 1u, fill));
    }
  }
}

TEST(Capabilities, TlvsRiseAndFillThePayload) {
  EXPECT_TRUE(IsTlvChain(With({1, 0, 1, 9, 2, 0, 0})));
  EXPECT_TRUE(IsTlvChain({}));
  EXPECT_FALSE(IsTlvChain(With({2, 0, 0, 1, 0, 1, 9})));     // falling
  EXPECT_FALSE(IsTlvChain(With({1, 0, 1, 9, 1, 0, 1, 9})));  // twice
  EXPECT_FALSE(IsTlvChain(With({200, 0, 0, 200, 0, 0})));    // an unknown one, too
  EXPECT_FALSE(IsTlvChain(With({1, 0, 2, 9})));              // longer than the payload
  EXPECT_FALSE(IsTlvChain(With({1, 0})));
  EXPECT_FALSE(IsTlvChain(With({1, 0, 1, 9, 0})));
}

TEST(Capabilities, UnknownTlvsAndNumbersAreSkipped) {
  const Bytes octets = With({1, 0, 2, 77, 1, 99, 0, 2, 1, 2, 240, 0, 0});
  const auto read = Read(octets);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->Offers(Mode::kPsk));
}

TEST(Capabilities, ValuesThatMeanNothingAreMalformed) {
  const auto error = [](std::initializer_list<int> tlvs) {
    const Bytes octets = With(tlvs);
    const auto read = Read(octets);
    return read ? Error::kInternal : read.error();
  };
  EXPECT_EQ(error({1, 0, 0}), Error::kMalformed);        // an empty list
  EXPECT_EQ(error({1, 0, 2, 1, 1}), Error::kMalformed);  // a repetition
  EXPECT_EQ(error({7, 0, 4, 0, 1, 0, 1}), Error::kMalformed);
  EXPECT_EQ(error({9, 0, 2, 4, 207}), Error::kMalformed);  // 1,231
  EXPECT_EQ(error({15, 0, 1, 1}), Error::kMalformed);
  EXPECT_EQ(error({15, 0, 1, 9}), Error::kMalformed);
  EXPECT_EQ(error({16, 0, 5, 0, 0, 0, 0, 1}), Error::kMalformed);
  EXPECT_EQ(error({16, 0, 5, 4, 0, 0, 0, 1}), Error::kMalformed);
  EXPECT_EQ(error({16, 0, 5, 2, 0, 0, 0, 1}), Error::kMalformed);
  EXPECT_EQ(error({16, 0, 10, 1, 0, 0, 0, 1, 3, 0, 0, 0, 1}), Error::kMalformed);
  EXPECT_EQ(ReadCapabilities(CapPayload{2, {}}).error(), Error::kUnknownVersion);
}

TEST(Capabilities, DoNotOverrunTheirRoom) {
  Bytes small(20);
  EXPECT_EQ(WriteCapabilities(Some(), small).error(), Error::kTooLong);
}

}  // namespace
}  // namespace keymast::mikey::v2
