// SPDX-License-Identifier: Apache-2.0
// A new MSK to 100,000 members by unicast: decided, built and handed to the kernel, on one core,
// against the same crypto and the same sendmmsg one after the other.
#include <cstdio>

#include "bench/floor_crypto.h"
#include "bench/floor_send.h"
#include "bench/harness.h"
#include "bench/population.h"
#include "bench/processes.h"
#include "server/transmitter.h"
#include "shell/process.h"

namespace keymast::bench {
namespace {

constexpr size_t kMembers = 100000;
constexpr double kTarget = 0.75;
constexpr int kRuns = 7;

net::UdpSocket OpenSocket(const Endpoint& local) {
  auto socket = net::UdpSocket::Open(local);
  Demand(socket.has_value(), "no socket on " + ToString(local));
  return std::move(*socket);
}

// No pacing: this is about what a core can do, not about what a network takes.
groups::KeyPolicy UnpacedPolicy() {
  groups::KeyPolicy policy;
  policy.msk_pacing_rate = 10'000'000;
  return policy;
}

double ProductRate(const rekey::State& state, server::Transmitter& transmitter, Instant start) {
  crypto::SeededRng rng(7);
  controller::Controller core({"bmsc@example.org", {}}, state, rng, crypto::DefaultSuite());
  core.Start(start, false);
  const ChannelId channel = MakeChannel(0, {}).id;
  const uint64_t sent_before = transmitter.counters().sent;
  const double begin = ThreadCpuSeconds();
  controller::Step step;
  const auto done =
      core.Do(controller::RekeyNow{channel, rekey::KeyLevel::kMsk}, start, false, step);
  Demand(done.has_value(), "the rekey was refused");
  size_t messages = 0;
  for (;;) {
    for (const controller::Datagram& datagram : step.datagrams) {
      if (!datagram.to.IsMulticast()) ++messages;
    }
    transmitter.Send(step.datagrams);
    if (messages >= kMembers) break;
    step = core.Tick(core.NextDeadline());
  }
  const double taken = ThreadCpuSeconds() - begin;
  Demand(transmitter.counters().sent - sent_before >= messages, "not everything was sent");
  return static_cast<double>(messages) / taken;
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
  // The sink takes datagrams to any address of 127/8 and lets them drop.
  const net::UdpSocket sink = OpenSocket(Endpoint{});
  const uint16_t port = sink.local()->port;
  const shell::SystemClock clock;
  server::Transmitter transmitter(clock, OpenSocket(*ParseAddress("127.0.0.1")), {}, nullptr);
  crypto::SeededRng rng(1);
  const Instant now = FromUnixNanos(1'700'000'000'000'000'000);
  const rekey::State state = MakeState(1, kMembers, port, UnpacedPolicy(), rng, now);
  std::vector<double> cryptos;
  std::vector<double> sends;
  const Paired rates = Interleave(
      "MSK messages/s to distinct addresses", kRuns,
      [&] { return ProductRate(state, transmitter, now); },
      [&] {
        cryptos.push_back(CryptoRate());
        sends.push_back(SendRate(kMembers, port));
        return 1 / (1 / cryptos.back() + 1 / sends.back());
      });
  std::printf("  the floor is crypto %.4g and sendmmsg %.4g, one after the other\n",
              Median(cryptos), Median(sends));
  report.AddThroughput("fanout", "unicast MSK to 100,000", rates.product, rates.floor, "messages/s",
                       kTarget);
}

}  // namespace keymast::bench
