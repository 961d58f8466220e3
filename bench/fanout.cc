// SPDX-License-Identifier: Apache-2.0
// A new MSK to 100,000 members by unicast: decided, built and handed to the kernel, on one core,
// against the same crypto and the same sendmmsg one after the other.
#include <array>
#include <cstdio>
#include <cstdlib>

#include "bench/floor_crypto.h"
#include "bench/harness.h"
#include "bench/population.h"
#include "net/udp.h"

namespace keymast::bench {
namespace {

constexpr size_t kMembers = 100000;
constexpr double kTarget = 0.75;
constexpr int kRuns = 7;
constexpr size_t kBatch = 64;

// Sink takes datagrams to any address of 127/8 and lets them drop.
struct Sink {
  net::UdpSocket socket;
  uint16_t port;
};

Sink OpenSink() {
  auto socket = net::UdpSocket::Open(Endpoint{});
  if (!socket) std::abort();
  const uint16_t port = socket->local()->port;
  return {std::move(*socket), port};
}

void SendAll(net::UdpSocket& socket, std::span<const net::Outgoing> datagrams) {
  while (!datagrams.empty()) {
    Error error = Error::kInternal;
    const size_t sent = socket.Send(datagrams, error);
    datagrams = datagrams.subspan(sent);
  }
}

groups::KeyPolicy UnpacedPolicy() {
  groups::KeyPolicy policy;
  policy.msk_pacing_rate = 10'000'000;
  return policy;
}

double ProductRate(const rekey::State& state, net::UdpSocket& socket, Instant start) {
  crypto::SeededRng rng(7);
  controller::Controller core({"bmsc@example.org", {}}, state, rng, crypto::DefaultSuite());
  core.Start(start, false);
  const ChannelId channel = MakeChannel(0, {}).id;
  const double begin = ThreadCpuSeconds();
  controller::Step step;
  if (!core.Do(controller::RekeyNow{channel, rekey::KeyLevel::kMsk}, start, false, step)) {
    std::abort();
  }
  size_t sent = 0;
  std::vector<net::Outgoing> out;
  for (;;) {
    out.clear();
    for (const controller::Datagram& datagram : step.datagrams) {
      if (!datagram.to.IsMulticast()) out.push_back({datagram.to, datagram.octets});
    }
    SendAll(socket, out);
    sent += out.size();
    if (sent >= kMembers) break;
    step = core.Tick(core.NextDeadline());
  }
  return static_cast<double>(sent) / (ThreadCpuSeconds() - begin);
}

double SendRate(net::UdpSocket& socket, uint16_t port) {
  const std::array<uint8_t, 200> octets{};
  std::array<net::Outgoing, kBatch> out;
  const double begin = ThreadCpuSeconds();
  for (size_t i = 0; i < kMembers; i += kBatch) {
    for (size_t k = 0; k < kBatch; ++k) {
      Endpoint to;
      const size_t index = i + k;
      to.address = {127, static_cast<uint8_t>(1 + index / 62500),
                    static_cast<uint8_t>(1 + index / 250 % 250),
                    static_cast<uint8_t>(1 + index % 250)};
      to.port = port;
      out[k] = {to, octets};
    }
    SendAll(socket, out);
  }
  return static_cast<double>(kMembers) / (ThreadCpuSeconds() - begin);
}

double CryptoRate() {
  FloorCrypto crypto;
  std::array<uint8_t, 16> user_key{};
  std::array<uint8_t, 200> message{};
  const double begin = ThreadCpuSeconds();
  for (size_t i = 0; i < kMembers; ++i) {
    user_key[0] = static_cast<uint8_t>(i);
    crypto.OneMessage(user_key, message);
  }
  return static_cast<double>(kMembers) / (ThreadCpuSeconds() - begin);
}

}  // namespace

void BenchFanout(Report& report) {
  Sink sink = OpenSink();
  auto socket = net::UdpSocket::Open(*ParseAddress("127.0.0.1"));
  if (!socket) std::abort();
  crypto::SeededRng rng(1);
  const Instant now = FromUnixNanos(1'700'000'000'000'000'000);
  const rekey::State state = MakeState(1, kMembers, sink.port, UnpacedPolicy(), rng, now);
  const Paired rates = Interleave(
      "MSK messages/s to distinct addresses", kRuns,
      [&] { return ProductRate(state, *socket, now); },
      [&] { return 1 / (1 / CryptoRate() + 1 / SendRate(*socket, sink.port)); });
  report.AddThroughput("fanout", "unicast MSK to 100,000", rates.product, rates.floor,
                       "messages/s", kTarget);
}

}  // namespace keymast::bench
