// SPDX-License-Identifier: Apache-2.0
// recvmmsg, libsrtp2 and sendmmsg with nothing between them: the floor of a headend.
#pragma once

#include <netinet/in.h>
#include <srtp2/srtp.h>
#include <sys/socket.h>

#include <array>
#include <vector>

namespace keymast::bench {

class FloorSrtp {
 public:
  static constexpr size_t kBatch = 64;

  // Packets come to a port of 127.0.0.1 and go to `group`, both by loopback. The MKI has 6 octets,
  // as ours has. libsrtp2 is ready.
  FloorSrtp(bool gcm, const sockaddr_in& group);
  ~FloorSrtp();
  FloorSrtp(const FloorSrtp&) = delete;
  FloorSrtp& operator=(const FloorSrtp&) = delete;

  uint16_t port() const;
  // Turn passes on what waits, at most kBatch packets, and returns how many that were.
  size_t Turn();

 private:
  static constexpr size_t kSlot = 2048;

  int in_;
  int out_;
  srtp_t session_ = nullptr;
  sockaddr_in group_;
  std::vector<uint8_t> octets_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

}  // namespace keymast::bench
