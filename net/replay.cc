// SPDX-License-Identifier: Apache-2.0
#include "net/replay.h"

#include <algorithm>

#include "base/cursor.h"

namespace keymast::net {
namespace {

// draft-ietf-opsawg-pcapng §3.1, §4.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a;  // reads the same in both byte orders
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kLinkTypeRaw = 101;
constexpr uint16_t kOptionTimeResolution = 9;
constexpr size_t kBlockFrame = 12;  // type, length, length again
constexpr size_t kMaxBlock = 1 << 20;
constexpr uint8_t kUdp = 17;

struct Addresses {
  Endpoint from;
  Endpoint to;
};

void TakeAddress(Reader& reader, Endpoint& endpoint, Endpoint::Family family, size_t size) {
  endpoint.family = family;
  const ByteView octets = reader.Take(size);
  std::copy(octets.begin(), octets.end(), endpoint.address.begin());
}

// The UDP header (RFC 768) after an IPv4 header (RFC 791, any options) or IPv6 header (RFC 8200,
// no extensions: the recorder writes none).
std::optional<ByteView> UdpOf(ByteView packet, Addresses& addresses) {
  if (packet.empty()) return std::nullopt;
  Reader reader(packet);
  if (packet[0] >> 4 == 4) {
    const size_t header = size_t{packet[0]} % 16 * 4;
    reader.Take(9);
    if (reader.U8() != kUdp || header < 20) return std::nullopt;
    reader.Take(2);
    TakeAddress(reader, addresses.from, Endpoint::Family::kIpv4, 4);
    TakeAddress(reader, addresses.to, Endpoint::Family::kIpv4, 4);
    reader.Take(header - 20);
  } else if (packet[0] >> 4 == 6) {
    reader.Take(6);
    if (reader.U8() != kUdp) return std::nullopt;
    reader.Take(1);
    TakeAddress(reader, addresses.from, Endpoint::Family::kIpv6, 16);
    TakeAddress(reader, addresses.to, Endpoint::Family::kIpv6, 16);
  } else {
    return std::nullopt;
  }
  addresses.from.port = reader.U16();
  addresses.to.port = reader.U16();
  const size_t length = reader.U16();
  reader.Take(2);
  if (!reader.ok() || length < 8) return std::nullopt;
  const ByteView payload = reader.Take(length - 8);
  if (!reader.ok()) return std::nullopt;
  return payload;
}

// if_tsresol (§4.2): a power of ten, or of two when the top bit is set.
uint64_t TicksPerSecond(uint8_t resolution) {
  const uint8_t exponent = resolution & 0x7f;
  if ((resolution & 0x80) != 0) return uint64_t{1} << std::min<uint8_t>(exponent, 62);
  uint64_t ticks = 1;
  for (uint8_t i = 0; i < std::min<uint8_t>(exponent, 18); ++i) ticks *= 10;
  return ticks;
}

Instant InstantOf(uint64_t ticks, uint64_t ticks_per_second) {
  constexpr uint64_t kNanos = 1'000'000'000;
  const uint64_t seconds = ticks / ticks_per_second;
  const auto rest = static_cast<long double>(ticks % ticks_per_second);
  const auto nanos = static_cast<uint64_t>(rest * static_cast<long double>(kNanos) /
                                           static_cast<long double>(ticks_per_second));
  constexpr uint64_t kMaxSeconds = 9'000'000'000;
  return FromUnixNanos(static_cast<int64_t>(std::min(seconds, kMaxSeconds) * kNanos + nanos));
}

}  // namespace

uint16_t RecordReader::U16(ByteView octets, size_t at) const {
  const int low = octets[little_endian_ ? at : at + 1];
  const int high = octets[little_endian_ ? at + 1 : at];
  return static_cast<uint16_t>(high << 8 | low);
}

uint32_t RecordReader::U32(ByteView octets, size_t at) const {
  const uint32_t low = U16(octets, little_endian_ ? at : at + 2);
  const uint32_t high = U16(octets, little_endian_ ? at + 2 : at);
  return high << 16 | low;
}

// A block is: type, total length, body, total length again (§3.1).
Result<ByteView> RecordReader::TakeBlock(uint32_t& type) {
  if (rest_.size() < kBlockFrame) return Err(Error::kTruncated);
  type = U32(rest_, 0);
  if (type == kSectionHeader) {
    // Its magic tells the byte order in which its own length is to be read.
    little_endian_ = true;
    if (U32(rest_, 8) != kByteOrderMagic) little_endian_ = false;
    if (U32(rest_, 8) != kByteOrderMagic) return Err(Error::kMalformed);
  } else if (!in_section_) {
    return Err(Error::kMalformed);
  }
  const size_t length = U32(rest_, 4);
  if (length < kBlockFrame || length % 4 != 0 || length > kMaxBlock) return Err(Error::kMalformed);
  if (length > rest_.size()) return Err(Error::kTruncated);
  if (U32(rest_, length - 4) != length) return Err(Error::kMalformed);
  const ByteView body = rest_.subspan(8, length - kBlockFrame);
  rest_ = rest_.subspan(length);
  return body;
}

Status RecordReader::BeginSection(ByteView body) {
  constexpr size_t kMajorVersion = 4;
  if (body.size() < 16) return Err(Error::kMalformed);
  if (U16(body, kMajorVersion) != 1) return Err(Error::kUnknownVersion);
  in_section_ = true;
  interface_count_ = 0;
  return {};
}

// Interface description (§4.2): link type, reserved, snap length, options.
Status RecordReader::AddInterface(ByteView body) {
  if (body.size() < 8 || interface_count_ == kMaxInterfaces) return Err(Error::kMalformed);
  Interface next;
  next.raw_ip = U16(body, 0) == kLinkTypeRaw;
  ByteView options = body.subspan(8);
  while (options.size() >= 4) {
    const uint16_t code = U16(options, 0);
    const size_t length = U16(options, 2);
    const size_t padded = (length + 3) / 4 * 4;
    if (code == 0 || padded > options.size() - 4) break;
    if (code == kOptionTimeResolution && length == 1) {
      next.ticks_per_second = TicksPerSecond(options[4]);
    }
    options = options.subspan(4 + padded);
  }
  interfaces_[interface_count_++] = next;
  return {};
}

// Enhanced packet (§4.3): interface, time high and low, captured and original length, octets.
std::optional<RecordedDatagram> RecordReader::Packet(ByteView body) const {
  if (body.size() < 20) return std::nullopt;
  const uint32_t index = U32(body, 0);
  const size_t captured = U32(body, 12);
  if (index >= interface_count_ || captured > body.size() - 20) return std::nullopt;
  if (!interfaces_[index].raw_ip) return std::nullopt;
  const uint64_t ticks = uint64_t{U32(body, 4)} << 32 | U32(body, 8);
  Addresses addresses;
  const std::optional<ByteView> payload = UdpOf(body.subspan(20, captured), addresses);
  if (!payload) return std::nullopt;
  return RecordedDatagram{addresses.from, addresses.to,
                          InstantOf(ticks, interfaces_[index].ticks_per_second), *payload};
}

Result<size_t> RecordReader::WholeBlocks(ByteView file) {
  // The first octets are looked at alone: fewer than a block of something else are no cut block.
  constexpr std::array<uint8_t, 4> kBegin = {0x0a, 0x0d, 0x0d, 0x0a};
  const size_t known = std::min(file.size(), kBegin.size());
  if (!Equal(file.first(known), ByteView(kBegin).first(known))) return Err(Error::kMalformed);
  RecordReader reader(file);
  while (!reader.rest_.empty()) {
    const ByteView rest = reader.rest_;
    uint32_t type = 0;
    const Result<ByteView> body = reader.TakeBlock(type);
    if (!body) {
      const bool is_tail = body.error() == Error::kTruncated ||
                           std::all_of(rest.begin(), rest.end(), [](uint8_t o) { return o == 0; });
      return is_tail ? Result<size_t>(file.size() - rest.size()) : Err(body.error());
    }
    reader.in_section_ = true;
  }
  return file.size();
}

Result<std::optional<RecordedDatagram>> RecordReader::Next() {
  while (!rest_.empty()) {
    uint32_t type = 0;
    const Result<ByteView> body = TakeBlock(type);
    Status status = body ? Status() : Status(Err(body.error()));
    if (status && type == kSectionHeader) status = BeginSection(*body);
    if (status && type == kInterfaceDescription) status = AddInterface(*body);
    if (!status) {
      rest_ = {};
      return Err(status.error());
    }
    if (type != kEnhancedPacket) continue;
    if (std::optional<RecordedDatagram> datagram = Packet(*body)) return datagram;
  }
  return std::nullopt;
}

}  // namespace keymast::net
