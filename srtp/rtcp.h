// SPDX-License-Identifier: Apache-2.0
// The packets that a compound of RTCP is made of (RFC 3550 §6): walking them, and writing the ones
// that every sender owes.
#pragma once

#include <string_view>

#include "base/cursor.h"
#include "base/ids.h"

namespace keymast::srtp {

// RFC 3550 §12.1.
enum RtcpType : uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSourceDescription = 202,
  kBye = 203,
};
inline constexpr uint8_t kCname = 1;      // §12.2
inline constexpr size_t kMaxCname = 255;  // octets
inline constexpr size_t kRtcpWord = 4;    // octets; every packet is a number of them

// RtcpPacket is one of a compound. `body` is what follows the length, padding included.
struct RtcpPacket {
  uint8_t count = 0;
  uint8_t type = 0;
  ByteView body;
};

// RtcpWalk gives the packets of a compound, or the single one (RFC 5506), in their order. There is
// at least one.
class RtcpWalk {
 public:
  explicit RtcpWalk(ByteView compound) : reader_(compound) {}
  bool AtEnd() const { return reader_.empty(); }
  // kTruncated, kUnknownVersion, kMalformed (padding before the last packet, §6.4.1).
  Result<RtcpPacket> Next();

 private:
  Reader reader_;
};

// SenderInfo is what an SR says of its own source (§6.4.1).
struct SenderInfo {
  uint64_t ntp = 0;        // 32.32 seconds since 1900
  uint32_t timestamp = 0;  // RTP's of that moment
  uint32_t packets = 0;
  uint32_t octets = 0;  // of payload, without padding
};
inline constexpr size_t kSenderInfo = 20;   // octets
inline constexpr size_t kReportBlock = 24;  // octets

SenderInfo ReadSenderInfo(Reader& reader);
void WriteSenderInfo(Writer& writer, const SenderInfo& info);

// WriteRtcpHead begins a packet of `body` octets, whole words.
void WriteRtcpHead(Writer& writer, size_t count, RtcpType type, size_t body);

// WriteCname writes an SDES packet of one chunk (§6.5); `cname` has at most kMaxCname octets.
inline constexpr size_t kMaxDescription = 8 + 2 + kMaxCname + 3;
void WriteCname(Writer& writer, Ssrc ssrc, std::string_view cname);

}  // namespace keymast::srtp
