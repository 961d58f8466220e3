// SPDX-License-Identifier: Apache-2.0
// Batched sending and receiving.
#include "net/udp.h"

#include <linux/sock_diag.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "net/socket_error.h"
#include "net/udp_buffers.h"

namespace keymast::net {
namespace {

// Call repeats a system call that was interrupted, and once one that failed for an earlier
// datagram: the destination of this one is not to blame.
template <class SystemCall>
int Call(SystemCall call) {
  bool forgiven = false;
  for (;;) {
    const int result = call();
    if (result >= 0) return result;
    if (errno == EINTR) continue;
    if (forgiven || !IsAboutEarlier(errno)) return result;
    forgiven = true;
  }
}

}  // namespace

UdpSocket::UdpSocket(int fd, std::unique_ptr<Buffers> buffers)
    : fd_(fd), buffers_(std::move(buffers)) {}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffers_(std::move(other.buffers_)) {}

UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  UdpSocket taken(std::move(other));
  std::swap(fd_, taken.fd_);
  std::swap(buffers_, taken.buffers_);
  return *this;
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) close(fd_);
}

size_t UdpSocket::Send(std::span<const Outgoing> datagrams, Error& error) {
  Batch& batch = buffers_->out;
  size_t sent = 0;
  while (sent < datagrams.size()) {
    const auto next = datagrams.subspan(sent, std::min(kMaxBatch, datagrams.size() - sent));
    for (size_t i = 0; i < next.size(); ++i) {
      // The kernel only reads; iovec serves both directions.
      batch.parts[i] = {const_cast<uint8_t*>(next[i].octets.data()), next[i].octets.size()};
      batch.messages[i].msg_hdr.msg_namelen =
          ToSocketAddress(next[i].to, buffers_->family, batch.addresses[i]);
    }
    PassFailpoint("net.send.before");
    // The kernel tells why it refused a datagram only when that is the first of a call.
    const int taken = Call([&] {
      return sendmmsg(fd_, batch.messages.data(), static_cast<unsigned>(next.size()), 0);
    });
    if (taken < 0) {
      error = SendError(errno);
      return sent;
    }
    sent += static_cast<size_t>(taken);
    PassFailpoint("net.send.done");
  }
  return sent;
}

size_t UdpSocket::Receive(std::span<Incoming> out) {
  Batch& batch = buffers_->in;
  const auto room = static_cast<unsigned>(std::min(out.size(), kMaxBatch));
  const int got =
      Call([&] { return recvmmsg(fd_, batch.messages.data(), room, MSG_DONTWAIT, nullptr); });
  size_t filled = 0;
  for (size_t i = 0; i < static_cast<size_t>(std::max(got, 0)); ++i) {
    mmsghdr& message = batch.messages[i];
    message.msg_hdr.msg_namelen = sizeof batch.addresses[i];
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      ++buffers_->too_long;
      continue;
    }
    out[filled++] = {FromSocketAddress(batch.addresses[i]),
                     {static_cast<uint8_t*>(batch.parts[i].iov_base), message.msg_len}};
  }
  return filled;
}

uint64_t UdpSocket::kernel_drops() const {
  std::array<uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0) {
    const uint32_t now = memory[SK_MEMINFO_DROPS];
    buffers_->drops += now - std::exchange(buffers_->drops_seen, now);
  }
  return buffers_->drops;
}

uint64_t UdpSocket::too_long() const { return buffers_->too_long; }

}  // namespace keymast::net
