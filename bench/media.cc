// SPDX-License-Identifier: Apache-2.0
#include "bench/media.h"

#include <array>

#include "base/cursor.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr size_t kRtpHeader = 12;  // RFC 3550 §5.1
constexpr size_t kReceiveBuffer = 1 << 20;
constexpr uint32_t kEncoderSsrc = 0x11223344;

template <class Opened>
net::UdpSocket Must(Opened opened) {
  Demand(opened.has_value(), "no socket on loopback");
  return std::move(*opened);
}

}  // namespace

Encoder::Encoder(uint16_t port)
    : socket_(Must(net::UdpSocket::Open(*ParseAddress("127.0.0.1")))),
      to_(*ParseAddress("127.0.0.1")),
      packets_(net::kMaxBatch, Bytes(kRtpHeader + kPayload)) {
  to_.port = port;
}

void Encoder::Burst() {
  std::array<net::Outgoing, net::kMaxBatch> out;
  for (size_t i = 0; i < packets_.size(); ++i) {
    Writer writer(packets_[i]);
    writer.U8(0x80);
    writer.U8(kPayloadType);
    writer.U16(sent_ & 0xffff);
    writer.U32(sent_ * 3000);
    writer.U32(kEncoderSsrc);
    out[i] = {to_, packets_[i]};
    ++sent_;
  }
  Error error{};
  Demand(socket_.Send(out, error) == out.size(), "the encoder cannot send");
}

Audience::Audience(const Endpoint& group)
    : socket_(Must(net::UdpSocket::OpenMulticastReceiver(group, "127.0.0.1"))) {
  socket_.SetReceiveBuffer(kReceiveBuffer);
}

size_t Audience::Take() {
  std::array<net::Incoming, net::kMaxBatch> in;
  size_t taken = 0;
  while (const size_t got = socket_.Receive(in)) taken += got;
  return taken;
}

}  // namespace keymast::bench
