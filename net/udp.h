// SPDX-License-Identifier: Apache-2.0
// UDP sockets: unicast and multicast, non-blocking, batched.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/error.h"

namespace keymast::net {

// kMaxBatch datagrams pass in one system call.
inline constexpr size_t kMaxBatch = 64;

// Datagrams longer than kMaxReceived are dropped and counted, never cut: no message and no media
// packet of a channel is longer (a jumbo frame's 9,000 octets, and some).
inline constexpr size_t kMaxReceived = 9216;

// Behind each received datagram there are so many writable octets: room to protect it in place.
inline constexpr size_t kRoomBehind = 256;

// MulticastOptions of a multicast sender.
struct MulticastOptions {
  std::string interface_address;  // of either family; empty: the system's choice
  uint8_t ttl = 0;                // 0: stays on this machine
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

// UdpSocket is move-only; it closes its descriptor. All calls are non-blocking. Its buffers are
// made when it is opened: Send and Receive allocate nothing. One thread at a time.
class UdpSocket {
 public:
  // Open binds a unicast socket; port 0 lets the system choose. A socket on `::` takes IPv4 too.
  // kInUse, kNoInterface (the address is not of this machine), kIo.
  static Result<UdpSocket> Open(const Endpoint& local);
  // OpenMulticastSender makes a socket for sending to groups. kNoInterface, kIo. IPv6 groups need
  // an interface that carries them: Linux sends none over loopback, where Send says kNoInterface.
  static Result<UdpSocket> OpenMulticastSender(Endpoint::Family family,
                                               const MulticastOptions& options);
  // OpenMulticastReceiver binds to the group address and joins it on the interface that has
  // `interface_address` (SO_REUSEADDR, IP_MULTICAST_ALL off); empty: the system's choice. With
  // `sources` it gets what comes from these alone (SSM, RFC 3678 §5.1).
  // kNoInterface, kInUse, kIo.
  static Result<UdpSocket> OpenMulticastReceiver(const Endpoint& group,
                                                 const std::string& interface_address,
                                                 std::span<const Endpoint> sources = {});
  UdpSocket(UdpSocket&& other) noexcept;
  UdpSocket& operator=(UdpSocket&& other) noexcept;
  ~UdpSocket();

  int fd() const { return fd_; }
  Result<Endpoint> local() const;

  // Send hands datagrams to the kernel in order (sendmmsg, up to 64 a call). Returns how many it
  // took; if fewer than given, the reason of the first one refused is in `error`: kNoBufferSpace,
  // kNoInterface, kSendFailed. An ICMP error about an earlier datagram refuses none.
  size_t Send(std::span<const Outgoing> datagrams, Error& error);

  // Receive fills `out` with what is waiting (recvmmsg), at most `out.size()` and 64. Fewer, also
  // none, does not mean that nothing more waits: datagrams that are too long were taken away.
  size_t Receive(std::span<Incoming> out);

  // Asks for `octets` of receive buffer (SO_RCVBUFFORCE where allowed) and returns what it got.
  size_t SetReceiveBuffer(size_t octets);
  // Datagrams that the kernel dropped on this socket, since it was opened (SO_MEMINFO: what
  // SO_RXQ_OVFL says, without waiting for a datagram that gets through).
  uint64_t kernel_drops() const;
  // Datagrams longer than kMaxReceived that Receive dropped.
  uint64_t too_long() const;

 private:
  struct Buffers;
  UdpSocket(int fd, std::unique_ptr<Buffers> buffers);
  static Result<UdpSocket> Make(Endpoint::Family family);
  int Bind(const Endpoint& local, uint32_t scope) const;
  int family() const;

  int fd_ = -1;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace keymast::net
