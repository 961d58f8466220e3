// SPDX-License-Identifier: Apache-2.0
// RTP of an encoder in, SRTP to a group out, on one core: the headend's packet path against
// recvmmsg, libsrtp2 and sendmmsg alone.
#include <arpa/inet.h>

#include "bench/floor_srtp.h"
#include "bench/harness.h"
#include "bench/headend_rig.h"
#include "bench/media.h"
#include "bench/processes.h"
#include "srtpio/session.h"

namespace keymast::bench {
namespace {

constexpr int kRuns = 9;
constexpr double kTarget = 0.8;
constexpr size_t kBursts = 500;

// Rate feeds one burst at a time, so that nothing is lost and only `turn` and `after`, which
// follows a burst, are on the clock: packets a second of this thread's processor time.
double Rate(Encoder& encoder, Audience& audience, const std::function<size_t()>& turn,
            const std::function<void()>& after) {
  double taken = 0;
  size_t packets = 0;
  for (size_t i = 0; i < kBursts; ++i) {
    encoder.Burst();
    const double begin = ThreadCpuSeconds();
    while (const size_t passed = turn()) packets += passed;
    after();
    taken += ThreadCpuSeconds() - begin;
    Demand(audience.Take() == net::kMaxBatch, "a packet was lost");
  }
  Demand(packets == kBursts * net::kMaxBatch, "a packet was refused");
  return static_cast<double>(packets) / taken;
}

sockaddr_in AddressOf(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  std::copy_n(endpoint.address.begin(), 4, reinterpret_cast<uint8_t*>(&address.sin_addr));
  return address;
}

void Profile(Report& report, const std::string& name, v1::SrtpProfile profile) {
  Endpoint group = *ParseAddress("239.255.44.1");
  group.port = 5004;
  Audience audience(group);
  HeadendRig rig(profile, group);
  FloorSrtp floor(profile == v1::AEAD_AES_128_GCM, AddressOf(group));
  Encoder to_rig(rig.port());
  Encoder to_floor(floor.port());
  const Paired rates = Interleave(
      "packets/s, " + name, kRuns,
      [&] {
        return Rate(
            to_rig, audience, [&rig] { return rig.Turn(); }, [&rig] { rig.Reserve(); });
      },
      [&] {
        return Rate(
            to_floor, audience, [&floor] { return floor.Turn(); }, [] {});
      });
  report.AddThroughput("headend", name, rates.product, rates.floor, "packets/s", kTarget);
}

}  // namespace

void BenchHeadend(Report& report) {
  Demand(srtpio::Init(), "libsrtp2 is not usable");
  Profile(report, "AES-CM-128, 1,316 octets", v1::AES_CM_128_HMAC_SHA1_80);
  Profile(report, "AES-128-GCM, 1,316 octets", v1::AEAD_AES_128_GCM);
}

}  // namespace keymast::bench
