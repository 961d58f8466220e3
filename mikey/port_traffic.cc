// SPDX-License-Identifier: Apache-2.0
#include "mikey/port_traffic.h"

#include <array>

#include "base/cursor.h"

namespace keymast::mikey {
namespace {

constexpr uint32_t kStunCookie = 0x2112A442;  // RFC 8489 §5
constexpr uint8_t kMikeyVersion2 = 2;

bool HasStunCookie(ByteView datagram) {
  Reader reader(datagram);
  reader.Take(4);
  return reader.U32() == kStunCookie && reader.ok();
}

}  // namespace

PortTraffic TrafficOf(ByteView datagram) {
  if (datagram.empty()) return PortTraffic::kOther;
  const uint8_t first = datagram[0];
  if (first >= 128 && first <= 191) {
    // RFC 5761 §4: packet types of RTCP are payload types that RTP leaves unused.
    const bool is_rtcp = datagram.size() > 1 && datagram[1] >= 192 && datagram[1] <= 223;
    return is_rtcp ? PortTraffic::kRtcp : PortTraffic::kRtp;
  }
  if (first >= 20 && first <= 63) return PortTraffic::kDtls;
  // A CSB ID, which stands there in MIKEY, is never STUN's cookie.
  if (first <= 3 && HasStunCookie(datagram)) return PortTraffic::kStun;
  return first == kMikeyVersion2 ? PortTraffic::kMikey : PortTraffic::kOther;
}

std::string_view TrafficName(PortTraffic traffic) {
  constexpr std::array<std::string_view, kPortTrafficKinds> kNames = {"rtp",  "rtcp",  "dtls",
                                                                      "stun", "mikey", "other"};
  return kNames[static_cast<size_t>(traffic)];
}

}  // namespace keymast::mikey
