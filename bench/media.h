// SPDX-License-Identifier: Apache-2.0
// An encoder that sends bursts of RTP, and a receiver that takes what is sent to a group: both
// outside of what is measured.
#pragma once

#include "net/udp.h"

namespace keymast::bench {

inline constexpr uint8_t kPayloadType = 96;
inline constexpr size_t kPayload = 1316;  // octets: seven packets of an MPEG transport stream

class Encoder {
 public:
  explicit Encoder(uint16_t port);
  // Burst sends net::kMaxBatch packets to the port.
  void Burst();

 private:
  net::UdpSocket socket_;
  Endpoint to_;
  uint32_t sent_ = 0;
  std::vector<Bytes> packets_;
};

class Audience {
 public:
  explicit Audience(const Endpoint& group);
  // Take empties the socket and returns how many packets there were.
  size_t Take();

 private:
  net::UdpSocket socket_;
};

}  // namespace keymast::bench
