// SPDX-License-Identifier: Apache-2.0
#include "headend/media_batch.h"

#include <algorithm>

namespace keymast::headend {
namespace {

// An in-place packet grows by at most its trailer, a sender report takes the encoder's place.
static_assert(net::kRoomBehind >= srtpio::kMaxTrailer);
constexpr size_t kRoomForReport = kMaxSenderReport + srtpio::kMaxTrailer;

}  // namespace

void MediaBatch::Take(InputSocket& input, Headend& headend, Instant now) {
  count_ = 0;
  channel_ = nullptr;
  std::array<net::Incoming, net::kMaxBatch> batch;
  const size_t received = input.socket.Receive(batch);
  for (size_t i = 0; i < received; ++i) {
    const size_t length = batch[i].octets.size();
    // The socket's slots are as long as its longest datagram and some.
    const size_t room = std::max(length + srtpio::kMaxTrailer, kRoomForReport);
    const MutableBytes buffer(batch[i].octets.data(), room);
    const Result<Packet> packet = headend.OnDatagram(input.input, buffer, length, now);
    if (!packet) continue;
    channel_ = packet->channel;
    packets_[count_++] = {packet->to, buffer.first(packet->length)};
  }
}

}  // namespace keymast::headend
