// SPDX-License-Identifier: Apache-2.0
// Messages parsed and built a second and core, against GStreamer's gstmikey; parsing also against
// one HMAC-SHA-1 over as many octets, which is what a receiver pays at least for a forgery that it
// does not discard before.
#include <openssl/hmac.h>

#include <array>

#include "bench/allocations.h"
#include "bench/codec_ours.h"
#include "bench/codec_sample.h"
#include "bench/harness.h"
#include "bench/peer_gstmikey.h"
#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr int kRuns = 15;
constexpr double kSeconds = 0.1;
constexpr double kParsesAPeers = 8;
constexpr double kParsesAnHmac = 11.5;
constexpr double kBuildsAPeers = 5;
constexpr double kBuildsAnHmac = 5.15;  // that many times what gstmikey builds

using Octets = std::array<uint8_t, CodecSample::kOctets>;

// What the loops found: nothing in them may be left out.
volatile size_t found = 0;

void ReadSamples(const Octets& octets, size_t count) {
  size_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += ReadSample(octets);
  found = sum;
}

void BuildSamples(size_t count) {
  Octets out;
  for (size_t i = 0; i < count; ++i) found = BuildSample(out);
}

void Hmacs(const Octets& octets, size_t count) {
  std::array<uint8_t, 20> key{1, 2, 3};
  for (size_t i = 0; i < count; ++i) {
    const bool done = HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), octets.data(),
                           octets.size(), key.data(), nullptr) != nullptr;
    if (!done) Demand(false, "HMAC-SHA-1 does not work");
  }
}

template <class Work>
size_t AllocationsOf(const Work& work) {
  const size_t before = Allocations();
  work();
  return Allocations() - before;
}

void DemandNoAllocation(const Octets& octets) {
  const size_t counted = AllocationsOf([] { ::operator delete(::operator new(1)); });
  Demand(counted == 1, "allocations are not counted");
  Demand(AllocationsOf([&] { ReadSamples(octets, 1); }) == 0, "parsing allocates");
}

}  // namespace

void BenchCodec(Report& report) {
  const PeerGstMikey peer;
  Octets octets{};
  Demand(BuildSample(octets) == octets.size(), "the sample has another length");
  Demand(peer.Octets() == std::vector<uint8_t>(octets.begin(), octets.end()),
         "gstmikey makes other octets of the sample");
  DemandNoAllocation(octets);
  const auto rate = [](const std::function<void(size_t)>& work) {
    return [work] { return RateOf(kSeconds, work); };
  };
  const auto rates =
      InTurn(kRuns, {rate([&](size_t count) { ReadSamples(octets, count); }),
                     rate([&](size_t count) { peer.Parse(octets, count); }),
                     rate([&](size_t count) { Hmacs(octets, count); }), rate(BuildSamples),
                     rate([&](size_t count) { peer.Build(count); })});
  const auto add = [&](const char* name, size_t ours, size_t theirs, double target) {
    const Paired paired = Compare(name, rates[ours], rates[theirs], "peer");
    report.AddPeer("codec", name, paired.product, paired.floor, "messages/s", target);
  };
  add("parse, to gstmikey", 0, 1, kParsesAPeers);
  add("parse, to HMAC-SHA-1", 0, 2, kParsesAnHmac);
  add("build, to gstmikey", 3, 4, kBuildsAPeers);
  add("build, to HMAC-SHA-1", 3, 2, kBuildsAnHmac);
}

}  // namespace keymast::bench
