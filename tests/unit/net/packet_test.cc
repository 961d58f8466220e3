// SPDX-License-Identifier: Apache-2.0
#include "net/packet.h"

#include <gtest/gtest.h>

namespace keymast::net {
namespace {

// RFC 1071 §1: over octets that hold their own checksum the sum is all ones.
uint32_t SumOf(ByteView octets, uint32_t sum = 0) {
  for (size_t i = 0; i < octets.size(); ++i) sum += uint32_t{octets[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

Bytes PacketOf(std::string_view from, std::string_view to, ByteView payload) {
  Bytes packet(kMaxPacketHeaders);
  packet.resize(WritePacketHeaders(*ParseEndpoint(from), *ParseEndpoint(to), payload, packet));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

// The pseudo header: both addresses stand before the UDP header; protocol and length with them.
uint32_t UdpSum(ByteView packet, size_t addresses_at, size_t udp_at) {
  const ByteView udp = packet.subspan(udp_at);
  const auto rest = static_cast<uint32_t>(17 + udp.size());
  return SumOf(udp, SumOf(packet.subspan(addresses_at, udp_at - addresses_at), rest));
}

TEST(Packet, Ipv4AsSpelledOut) {
  const Bytes payload = {1, 2, 3};
  EXPECT_EQ(ToHex(PacketOf("10.0.0.1:1", "10.0.0.2:2", payload)),
            "4500001f00004000401126cc0a0000010a000002"
            "00010002000be7d0010203");
}

TEST(Packet, ChecksumsHoldForEverySize) {
  for (size_t size = 0; size < 300; ++size) {
    const Bytes payload(size, static_cast<uint8_t>(size * 7));
    const Bytes ipv4 = PacketOf("192.0.2.1:40000", "239.255.42.1:5004", payload);
    EXPECT_EQ(SumOf(ByteView(ipv4).first(20)), 0xffffu) << size;
    EXPECT_EQ(UdpSum(ipv4, 12, 20), 0xffffu) << size;
    const Bytes ipv6 = PacketOf("[2001:db8::1]:40000", "[ff15::1]:5004", payload);
    EXPECT_EQ(UdpSum(ipv6, 8, 40), 0xffffu) << size;
  }
}

// RFC 768: a sum of zero is sent as all ones; zero says that there is none.
TEST(Packet, ZeroIsNeverSentAsAChecksum) {
  for (uint32_t word = 0; word <= 0xffff; ++word) {
    const Bytes payload = {static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word)};
    const Bytes packet = PacketOf("10.0.0.1:1", "10.0.0.2:2", payload);
    ASSERT_NE(packet[26] << 8 | packet[27], 0) << word;
    ASSERT_EQ(UdpSum(packet, 12, 20), 0xffffu) << word;
  }
}

TEST(Packet, TheLongestPayloadFits) {
  const Bytes payload(kMaxPacketPayload, 1);
  const Bytes packet = PacketOf("10.0.0.1:1", "10.0.0.2:2", payload);
  EXPECT_EQ(packet.size(), 0xffffu);
  EXPECT_EQ(packet[2] << 8 | packet[3], 0xffff);
}

}  // namespace
}  // namespace keymast::net
