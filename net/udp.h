// SPDX-License-Identifier: Apache-2.0
// UDP sockets: unicast and multicast, non-blocking, batched.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/error.h"

namespace keymast::net {

// SendOptions of a multicast sender.
struct MulticastOptions {
  std::string interface_address;  // empty: the system's choice
  uint8_t ttl = 0;
  uint8_t dscp = 0;
};

struct Outgoing {
  Endpoint to;
  ByteView octets;
};

struct Incoming {
  Endpoint from;
  MutableBytes octets;  // inside the receiver's buffers, until the next Receive
};

// UdpSocket is move-only; it closes its descriptor. All calls are non-blocking.
class UdpSocket {
 public:
  // Open binds a unicast socket; port 0 lets the system choose. kInUse, kIo.
  static Result<UdpSocket> Open(const Endpoint& local);
  // OpenMulticastSender makes a socket for sending to groups. kNoInterface, kIo.
  static Result<UdpSocket> OpenMulticastSender(Endpoint::Family family,
                                               const MulticastOptions& options);
  // OpenMulticastReceiver binds to the group address and joins it on the interface that has
  // `interface_address` (SO_REUSEADDR, IP_MULTICAST_ALL off). kNoInterface, kInUse, kIo.
  static Result<UdpSocket> OpenMulticastReceiver(const Endpoint& group,
                                                 const std::string& interface_address);
  UdpSocket(UdpSocket&& other) noexcept;
  UdpSocket& operator=(UdpSocket&& other) noexcept;
  ~UdpSocket();

  int fd() const { return fd_; }
  Result<Endpoint> local() const;

  // Send hands datagrams to the kernel in order (sendmmsg, up to 64 a call). Returns how many it
  // took; fewer than given: kNoBufferSpace or another error of the first one refused is in `error`.
  size_t Send(std::span<const Outgoing> datagrams, Error& error);

  // Receive fills `out` with what is waiting (recvmmsg), at most `out.size()` and 64.
  size_t Receive(std::span<Incoming> out);

  // Asks for `octets` of receive buffer (SO_RCVBUFFORCE where allowed) and returns what it got.
  size_t SetReceiveBuffer(size_t octets);
  // Datagrams that the kernel dropped on this socket (SO_RXQ_OVFL), since it was opened.
  uint64_t kernel_drops() const;

 private:
  struct Buffers;
  UdpSocket(int fd, std::unique_ptr<Buffers> buffers);
  int fd_ = -1;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace keymast::net
