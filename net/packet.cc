// SPDX-License-Identifier: Apache-2.0
#include "net/packet.h"

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::net {
namespace {

constexpr uint8_t kUdp = 17;
constexpr uint8_t kHops = 64;
constexpr size_t kUdpHeader = 8;

// RFC 1071: the ones' complement sum of 16-bit words; an odd last octet counts as a high one.
class Checksum {
 public:
  void Add(ByteView octets) {
    size_t i = 0;
    for (; i + 1 < octets.size(); i += 2) sum_ += uint64_t{octets[i]} << 8 | octets[i + 1];
    if (i < octets.size()) sum_ += uint64_t{octets[i]} << 8;
  }
  void Add(uint64_t word) { sum_ += word; }
  uint16_t Result() const {
    uint64_t folded = sum_;
    while (folded > 0xffff) folded = (folded & 0xffff) + (folded >> 16);
    return static_cast<uint16_t>(~folded);
  }

 private:
  uint64_t sum_ = 0;
};

ByteView AddressOf(const Endpoint& endpoint) {
  return ByteView(endpoint.address).first(endpoint.family == Endpoint::Family::kIpv4 ? 4 : 16);
}

// RFC 791 §3.1. Never a fragment, so the identification may be zero (RFC 6864 §4.1).
void WriteIpv4(const Endpoint& from, const Endpoint& to, size_t length, Writer& out) {
  const size_t begin = out.size();
  out.U8(0x45);
  out.U8(0);
  out.U16(20 + length);
  out.U16(0);
  out.U16(0x4000);  // do not fragment
  out.U8(kHops);
  out.U8(kUdp);
  Checksum checksum;
  checksum.Add(out.written().subspan(begin));
  checksum.Add(AddressOf(from));
  checksum.Add(AddressOf(to));
  out.U16(checksum.Result());
  out.Put(AddressOf(from));
  out.Put(AddressOf(to));
}

// RFC 8200 §3.
void WriteIpv6(const Endpoint& from, const Endpoint& to, size_t length, Writer& out) {
  out.U32(0x60000000);
  out.U16(length);
  out.U8(kUdp);
  out.U8(kHops);
  out.Put(AddressOf(from));
  out.Put(AddressOf(to));
}

// RFC 768, RFC 8200 §8.1: over pseudo header, UDP header and payload; zero would mean "none".
uint16_t UdpChecksum(const Endpoint& from, const Endpoint& to, ByteView payload) {
  const size_t length = kUdpHeader + payload.size();
  Checksum checksum;
  checksum.Add(AddressOf(from));
  checksum.Add(AddressOf(to));
  checksum.Add(kUdp);
  checksum.Add(length);
  checksum.Add(from.port);
  checksum.Add(to.port);
  checksum.Add(length);
  checksum.Add(payload);
  const uint16_t result = checksum.Result();
  return result == 0 ? 0xffff : result;
}

}  // namespace

size_t WritePacketHeaders(const Endpoint& from, const Endpoint& to, ByteView payload,
                          MutableBytes out) {
  KEYMAST_CHECK(from.family == to.family && payload.size() <= kMaxPacketPayload);
  const size_t length = kUdpHeader + payload.size();
  Writer writer(out);
  if (from.family == Endpoint::Family::kIpv4) {
    WriteIpv4(from, to, length, writer);
  } else {
    WriteIpv6(from, to, length, writer);
  }
  writer.U16(from.port);
  writer.U16(to.port);
  writer.U16(length);
  writer.U16(UdpChecksum(from, to, payload));
  KEYMAST_CHECK(writer.ok());
  return writer.size();
}

}  // namespace keymast::net
