// SPDX-License-Identifier: Apache-2.0
#include "mikey/port_traffic.h"

#include <gtest/gtest.h>

#include "mikey/csb.h"
#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

constexpr uint8_t kCookie[] = {0x21, 0x12, 0xa4, 0x42};

Bytes Datagram(unsigned first, unsigned second = 0) {
  Bytes octets(20, 0);
  octets[0] = static_cast<uint8_t>(first);
  octets[1] = static_cast<uint8_t>(second);
  return octets;
}

Bytes WithCookie(unsigned first) {
  Bytes octets = Datagram(first);
  std::copy(std::begin(kCookie), std::end(kCookie), octets.begin() + 4);
  return octets;
}

TEST(PortTraffic, EveryFirstOctetIsOneThing) {
  for (unsigned first = 0; first < 256; ++first) {
    const PortTraffic expected = first >= 128 && first <= 191 ? PortTraffic::kRtp
                                 : first >= 20 && first <= 63 ? PortTraffic::kDtls
                                 : first == 2                 ? PortTraffic::kMikey
                                                              : PortTraffic::kOther;
    EXPECT_EQ(TrafficOf(Datagram(first)), expected) << first;
    const PortTraffic with_cookie = first <= 3 ? PortTraffic::kStun : expected;
    EXPECT_EQ(TrafficOf(WithCookie(first)), with_cookie) << first;
  }
}

TEST(PortTraffic, RtcpIsToldFromRtpByTheSecondOctet) {
  for (unsigned second = 0; second < 256; ++second) {
    const bool is_rtcp = second >= 192 && second <= 223;
    EXPECT_EQ(TrafficOf(Datagram(0x80, second)), is_rtcp ? PortTraffic::kRtcp : PortTraffic::kRtp);
  }
  EXPECT_EQ(TrafficOf(Bytes{0x80}), PortTraffic::kRtp);
}

TEST(PortTraffic, ShortOnes) {
  EXPECT_EQ(TrafficOf({}), PortTraffic::kOther);
  EXPECT_EQ(TrafficOf(Bytes{2}), PortTraffic::kMikey);
  const Bytes stun = WithCookie(0);
  EXPECT_EQ(TrafficOf(ByteView(stun).first(7)), PortTraffic::kOther);
  EXPECT_EQ(TrafficOf(ByteView(stun).first(8)), PortTraffic::kStun);
}

// Rng that draws what it is given, in turn.
class Given final : public crypto::Rng {
 public:
  explicit Given(Bytes octets) : octets_(std::move(octets)) {}
  void Fill(MutableBytes out) override {
    for (uint8_t& octet : out) octet = octets_.at(at_++);
  }

 private:
  Bytes octets_;
  size_t at_ = 0;
};

TEST(PortTraffic, NoBundleHasACookieAsItsId) {
  Given rng(
      Hex("2112a442"
          "5a525450"
          "00000007"
          "00000008"));
  EXPECT_EQ(ChooseCsbId(rng, [](CsbId id) { return id == CsbId(7); }), CsbId(8));
}

TEST(PortTraffic, Names) {
  EXPECT_EQ(TrafficName(PortTraffic::kRtp), "rtp");
  EXPECT_EQ(TrafficName(PortTraffic::kOther), "other");
}

}  // namespace
}  // namespace keymast::mikey
