// SPDX-License-Identifier: Apache-2.0
// A UDP socket on 127.0.0.1, for programs that tests run against other implementations.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "base/check.h"
#include "base/octets.h"
#include "base/time.h"

namespace keymast {

class LoopbackSocket {
 public:
  explicit LoopbackSocket(uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in local = At(port);
    KEYMAST_CHECK(bind(fd_, Generic(&local), sizeof local) == 0);
  }
  ~LoopbackSocket() { close(fd_); }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  uint16_t port() const {
    sockaddr_in local{};
    socklen_t size = sizeof local;
    KEYMAST_CHECK(getsockname(fd_, Generic(&local), &size) == 0);
    return ntohs(local.sin_port);
  }
  void Send(ByteView octets, uint16_t port) const {
    sockaddr_in to = At(port);
    if (!octets.empty()) sendto(fd_, octets.data(), octets.size(), 0, Generic(&to), sizeof to);
  }
  // Send all that a machine wrote one behind the other.
  void Send(ByteView out, size_t first, std::span<const uint16_t> more, uint16_t port) const {
    Send(out.first(first), port);
    size_t at = first;
    for (const uint16_t size : more) {
      Send(out.subspan(at, size), port);
      at += size;
    }
  }
  // Take waits for a datagram; empty when none comes in time.
  Bytes Take(Duration time, uint16_t& port) const {
    pollfd waiting{fd_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(time);
    if (poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left.count() + 1, 0))) <= 0) return {};
    Bytes octets(65536);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(fd_, octets.data(), octets.size(), 0, Generic(&from), &size);
    port = ntohs(from.sin_port);
    octets.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return octets;
  }

 private:
  static sockaddr* Generic(sockaddr_in* address) { return reinterpret_cast<sockaddr*>(address); }
  static sockaddr_in At(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  int fd_;
};

}  // namespace keymast
