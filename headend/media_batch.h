// SPDX-License-Identifier: Apache-2.0
// The way of media through keymast-headend: one batch of an encoder's packets, protected in the
// memory that it was received into.
#pragma once

#include <array>
#include <span>

#include "headend/headend.h"
#include "headend/sockets.h"

namespace keymast::headend {

class MediaBatch {
 public:
  // Take passes what waits at `input` through the headend, 64 datagrams at most. What was taken
  // before is gone.
  void Take(InputSocket& input, Headend& headend, Instant now);

  // packets are ready to be sent, all of `channel`, which is null when there are none. They lie in
  // the input's buffers: valid until it receives again.
  std::span<const net::Outgoing> packets() const { return std::span(packets_).first(count_); }
  const Channel* channel() const { return channel_; }

 private:
  std::array<net::Outgoing, net::kMaxBatch> packets_;
  size_t count_ = 0;
  const Channel* channel_ = nullptr;
};

}  // namespace keymast::headend
