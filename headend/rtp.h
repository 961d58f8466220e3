// SPDX-License-Identifier: Apache-2.0
// What of an encoder's RTP packet is looked at, and what is written over (RFC 3550 §5.1).
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace keymast::headend {

// RtpHeader holds the fields of a packet whose structure was checked to its end. Marker, payload
// type, CSRC list, extension, payload and padding are the encoder's and stay as they are.
struct RtpHeader {
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  Ssrc ssrc;
  size_t payload = 0;  // octets without header and padding: what a sender report counts
};

// ReadRtp: kTruncated (header, CSRC list or extension do not fit), kUnknownVersion (not 2),
// kMalformed (padding that is longer than what it pads, or none where the P bit says some).
Result<RtpHeader> ReadRtp(ByteView packet);

// WriteRtp puts our values over the encoder's. `packet` was read by ReadRtp.
void WriteRtp(MutableBytes packet, uint16_t sequence, uint32_t timestamp, Ssrc ssrc);

// IsRtcp tells RTCP from RTP by the second octet, whichever port it came on: 192 to 223 are packet
// types of RTCP (RFC 5761 §4).
bool IsRtcp(ByteView datagram);

}  // namespace keymast::headend
