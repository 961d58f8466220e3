// SPDX-License-Identifier: Apache-2.0
// Sockets on loopback for tests.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include "net/udp.h"

namespace keymast::net {

inline Endpoint Address(std::string_view address, uint16_t port = 0) {
  Endpoint endpoint = *ParseAddress(address);
  endpoint.port = port;
  return endpoint;
}

inline UdpSocket OpenAt(const Endpoint& local) {
  auto socket = UdpSocket::Open(local);
  EXPECT_TRUE(socket.has_value()) << (socket ? "" : ErrorName(socket.error()));
  return std::move(*socket);
}

inline uint16_t FreePort() { return OpenAt(Address("127.0.0.1")).local()->port; }

inline Bytes Numbered(uint32_t number, size_t size = 100) {
  Bytes octets(size);
  for (size_t i = 0; i < 4; ++i) octets[i] = static_cast<uint8_t>(number >> 8 * i);
  return octets;
}
inline uint32_t NumberOf(ByteView octets) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number |= uint32_t{octets[i]} << 8 * i;
  return number;
}

// SendOne expects that the kernel takes it.
inline void SendOne(UdpSocket& from, const Endpoint& to, ByteView octets) {
  const Outgoing out{to, octets};
  Error error = Error::kInternal;
  ASSERT_EQ(from.Send({&out, 1}, error), 1u) << ErrorName(error);
}

struct Received {
  Endpoint from;
  Bytes octets;
};

// ReceiveAll takes what waits. Over loopback a datagram waits as soon as Send has returned.
inline std::vector<Received> ReceiveAll(UdpSocket& at) {
  std::vector<Received> all;
  std::array<Incoming, kMaxBatch> batch;
  pollfd ready{at.fd(), POLLIN, 0};
  while (poll(&ready, 1, 0) > 0) {
    const size_t count = at.Receive(batch);
    for (size_t i = 0; i < count; ++i) {
      all.push_back({batch[i].from, {batch[i].octets.begin(), batch[i].octets.end()}});
    }
  }
  return all;
}

}  // namespace keymast::net
