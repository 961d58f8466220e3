// SPDX-License-Identifier: Apache-2.0
#include "tools/packets.h"

#include <pcap/dlt.h>

#include <algorithm>
#include <optional>

#include "base/cursor.h"

namespace keymast::tools {
namespace {

// EtherTypes (IEEE 802.3) and protocol numbers (IANA).
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kIpv6 = 0x86dd;
constexpr uint16_t kVlan = 0x8100;
constexpr uint16_t kServiceVlan = 0x88a8;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragmentHeader = 44;
constexpr uint8_t kDestinationOptions = 60;

tl::unexpected<NoDatagram> None(NoDatagram reason) { return tl::unexpected<NoDatagram>(reason); }

void TakeAddress(Reader& reader, Endpoint& endpoint, Endpoint::Family family, size_t size) {
  endpoint.family = family;
  const ByteView octets = reader.Take(size);
  std::copy(octets.begin(), octets.end(), endpoint.address.begin());
}

// UDP (RFC 768); what the IP header counts beyond it is padding.
tl::expected<UdpDatagram, NoDatagram> ReadUdp(Reader reader, UdpDatagram datagram) {
  datagram.from.port = reader.U16();
  datagram.to.port = reader.U16();
  const size_t length = reader.U16();
  reader.Take(2);
  if (length < 8) return None(NoDatagram::kCut);
  datagram.payload = reader.Take(length - 8);
  if (!reader.ok()) return None(NoDatagram::kCut);
  return datagram;
}

// IPv4 (RFC 791 §3.1).
tl::expected<UdpDatagram, NoDatagram> ReadIpv4(Reader reader) {
  UdpDatagram datagram;
  const size_t header = reader.U8() % 16u * 4u;
  reader.Take(1);
  const size_t total = reader.U16();
  reader.Take(2);
  const bool is_fragment = (reader.U16() & 0x3fff) != 0;  // more fragments, or an offset
  reader.Take(1);
  const uint8_t protocol = reader.U8();
  reader.Take(2);
  TakeAddress(reader, datagram.from, Endpoint::Family::kIpv4, 4);
  TakeAddress(reader, datagram.to, Endpoint::Family::kIpv4, 4);
  if (!reader.ok() || header < 20 || total < header) return None(NoDatagram::kOther);
  if (protocol != kUdp) return None(NoDatagram::kOther);
  if (is_fragment) return None(NoDatagram::kFragment);
  reader.Take(header - 20);
  const ByteView rest = reader.rest();
  return ReadUdp(Reader(rest.first(std::min(rest.size(), total - header))), datagram);
}

bool IsExtension(uint8_t header) {
  return header == kHopByHop || header == kRouting || header == kDestinationOptions;
}

// IPv6 (RFC 8200 §3, §4); a fragment header is never passed over.
tl::expected<UdpDatagram, NoDatagram> ReadIpv6(Reader reader) {
  UdpDatagram datagram;
  reader.Take(6);
  uint8_t next = reader.U8();
  reader.Take(1);
  TakeAddress(reader, datagram.from, Endpoint::Family::kIpv6, 16);
  TakeAddress(reader, datagram.to, Endpoint::Family::kIpv6, 16);
  while (reader.ok() && IsExtension(next)) {
    next = reader.U8();
    const size_t units = reader.U8();
    reader.Take(6 + 8 * units);
  }
  if (reader.ok() && next == kFragmentHeader) {
    return None(reader.U8() == kUdp ? NoDatagram::kFragment : NoDatagram::kOther);
  }
  if (!reader.ok() || next != kUdp) return None(NoDatagram::kOther);
  return ReadUdp(reader, datagram);
}

tl::expected<UdpDatagram, NoDatagram> ReadIp(Reader reader) {
  if (reader.empty()) return None(NoDatagram::kOther);
  const int version = reader.rest()[0] >> 4;
  if (version == 4) return ReadIpv4(reader);
  if (version == 6) return ReadIpv6(reader);
  return None(NoDatagram::kOther);
}

tl::expected<UdpDatagram, NoDatagram> ReadEtherType(Reader reader, uint16_t type) {
  while (type == kVlan || type == kServiceVlan) {
    reader.Take(2);
    type = reader.U16();
  }
  if (!reader.ok() || (type != kIpv4 && type != kIpv6)) return None(NoDatagram::kOther);
  return ReadIp(reader);
}

// Where the EtherType of a link layer's header is, and how long that is (libpcap's link types).
struct LinkHeader {
  int link_type;
  size_t type_at;
  size_t length;
};
constexpr LinkHeader kLinkHeaders[] = {
    {DLT_EN10MB, 12, 14}, {DLT_LINUX_SLL, 14, 16}, {DLT_LINUX_SLL2, 0, 20}};
constexpr int kLoopback[] = {DLT_NULL, DLT_LOOP};  // 4 octets of address family
constexpr int kRawIp[] = {DLT_RAW, DLT_IPV4, DLT_IPV6};

template <size_t N>
bool IsOneOf(int link_type, const int (&types)[N]) {
  return std::find(std::begin(types), std::end(types), link_type) != std::end(types);
}

const LinkHeader* FindLink(int link_type) {
  const auto* found = std::find_if(std::begin(kLinkHeaders), std::end(kLinkHeaders),
                                   [&](const LinkHeader& l) { return l.link_type == link_type; });
  return found == std::end(kLinkHeaders) ? nullptr : found;
}

}  // namespace

bool IsKnownLinkType(int link_type) {
  return FindLink(link_type) != nullptr || IsOneOf(link_type, kLoopback) ||
         IsOneOf(link_type, kRawIp);
}

tl::expected<UdpDatagram, NoDatagram> UdpOf(int link_type, ByteView frame) {
  Reader reader(frame);
  if (const LinkHeader* link = FindLink(link_type)) {
    reader.Take(link->type_at);
    const uint16_t type = reader.U16();
    reader.Take(link->length - link->type_at - 2);
    return ReadEtherType(reader, type);
  }
  if (IsOneOf(link_type, kLoopback)) reader.Take(4);
  if (!reader.ok() || !IsKnownLinkType(link_type)) return None(NoDatagram::kOther);
  return ReadIp(reader);
}

}  // namespace keymast::tools
