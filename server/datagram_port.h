// SPDX-License-Identifier: Apache-2.0
// The shard's way to the network: the Transmitter behind it, or a test.
#pragma once

#include <functional>

#include "controller/controller.h"
#include "server/histogram.h"

namespace keymast::server {

class DatagramPort {
 public:
  using Take = std::function<void(const Endpoint& from, ByteView octets)>;
  // Counters say what the kernel took, dropped, and refused by which error.
  struct Counters {
    uint64_t sent = 0;
    uint64_t received = 0;
    uint64_t dropped = 0;  // received by the kernel alone
    std::array<uint64_t, kErrorCount> send_errors{};
    Histogram<kLatenessBounds.size()> lateness{kLatenessBounds};
  };
  virtual ~DatagramPort() = default;

  // Send hands datagrams over in order. What is not taken is counted and gone: everything that
  // matters is repeated.
  virtual void Send(const std::vector<controller::Datagram>& datagrams) = 0;
  // Receive calls `take` for what is waiting, at most `limit` datagrams and a few more.
  virtual void Receive(size_t limit, const Take& take) = 0;
  // Flush hands what was recorded to the kernel, so that a kill loses none of it.
  virtual void Flush() = 0;
  virtual Counters counters() const = 0;
};

}  // namespace keymast::server
