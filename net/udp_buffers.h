// SPDX-License-Identifier: Apache-2.0
// What sendmmsg and recvmmsg work on: made once, used by every call.
#pragma once

#include <sys/socket.h>

#include <array>

#include "net/socket_address.h"
#include "net/udp.h"

namespace keymast::net {

// Batch is the message headers of one direction, wired to their parts; it does not move.
struct Batch {
  Batch() {
    for (size_t i = 0; i < kMaxBatch; ++i) {
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &addresses[i];
      header.msg_namelen = sizeof addresses[i];
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
    }
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  std::array<mmsghdr, kMaxBatch> messages{};
  std::array<iovec, kMaxBatch> parts{};
  std::array<SocketAddress, kMaxBatch> addresses{};
};

struct UdpSocket::Buffers {
  static constexpr size_t kSlot = kMaxReceived + kRoomBehind;

  explicit Buffers(int address_family)
      : family(address_family),
        // Left as it is: what no datagram was received into takes no memory.
        octets(std::make_unique_for_overwrite<uint8_t[]>(kSlot * kMaxBatch)) {
    for (size_t i = 0; i < kMaxBatch; ++i) {
      in.parts[i] = {octets.get() + i * kSlot, kMaxReceived};
    }
  }

  const int family;
  Batch out;
  Batch in;
  std::unique_ptr<uint8_t[]> octets;
  uint64_t too_long = 0;
  uint64_t drops = 0;       // as of the last question
  uint32_t drops_seen = 0;  // the kernel's counter then; it wraps
};

}  // namespace keymast::net
