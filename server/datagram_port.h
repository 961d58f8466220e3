// SPDX-License-Identifier: Apache-2.0
// The shard's way to the network: the Transmitter behind it, or a test.
#pragma once

#include <functional>

#include "controller/controller.h"

namespace keymast::server {

class DatagramPort {
 public:
  using Take = std::function<void(const Endpoint& from, ByteView octets)>;
  virtual ~DatagramPort() = default;

  // Send hands datagrams over in order; multicast ones go out as their channel in `state` says.
  // What is not taken is counted and gone: everything that matters is repeated.
  virtual void Send(const std::vector<controller::Datagram>& datagrams,
                    const rekey::State& state) = 0;
  // Receive calls `take` for what is waiting, at most `limit` datagrams and a few more.
  virtual void Receive(size_t limit, const Take& take) = 0;
  // Flush hands what was recorded to the kernel, so that a kill loses none of it.
  virtual void Flush() = 0;
};

}  // namespace keymast::server
