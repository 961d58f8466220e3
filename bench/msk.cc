// SPDX-License-Identifier: Apache-2.0
// Unicast MSK messages built a second and core, against their crypto alone.
#include <array>
#include <cstdlib>

#include "bench/floor_crypto.h"
#include "bench/harness.h"
#include "bench/processes.h"
#include "mikey/mbms.h"
#include "srtp/policy.h"

namespace keymast::bench {
namespace {

constexpr double kTarget = 0.8;
constexpr double kSeconds = 0.4;

// BuildMessages builds messages as keymastd does, and returns how many octets one has.
size_t BuildMessages(size_t count) {
  static const std::array<uint8_t, 16> rand{1, 2, 3};
  const mikey::Profile3gpp profile;
  std::array<uint8_t, 16> user_key{};
  const std::array<uint8_t, 16> msk{9};
  const mikey::StreamSync stream{0, Ssrc(0xa0000001), Roc(0)};
  std::array<uint8_t, 1400> out{};
  std::vector<mikey::SpParam> policy;
  for (const srtp::PolicyParam& one : srtp::ParamsOf(SrtpProfile::kAesCm128HmacSha1_80)) {
    policy.push_back({one.type, one.value});
  }
  size_t octets = 0;
  mikey::MskMessage message;
  message.ids = {KeyDomainId{{0x26, 0x2f, 0x01}}, MskId{KeyGroup(1), KeyNumber(1)}, {}};
  message.rand = rand;
  message.idi = AsBytes("bmsc@example.org");
  message.idr = AsBytes("subscriber-0000001@example.org");
  message.policy = policy;
  message.streams = {&stream, 1};
  message.msk = msk;
  message.low = MtkId(1);
  message.high = MtkId(65535);
  for (size_t i = 0; i < count; ++i) {
    user_key[0] = static_cast<uint8_t>(i);
    user_key[1] = static_cast<uint8_t>(i >> 8);
    message.counter = static_cast<uint32_t>(i + 1);
    const Result<size_t> size =
        mikey::WriteMskMessage(crypto::DefaultSuite(), profile, message, user_key, out);
    Demand(size.has_value(), "an MSK message does not fit");
    octets = *size;
  }
  return octets;
}

}  // namespace

void BenchMsk(Report& report) {
  FloorCrypto floor_crypto;
  const size_t octets = BuildMessages(1);
  const Paired rates = Interleave(
      "MSK messages/s", 9, [] { return RateOf(kSeconds, BuildMessages); },
      [&] {
        return RateOf(kSeconds, [&](size_t count) {
          std::array<uint8_t, 16> user_key{};
          std::vector<uint8_t> message(octets);
          for (size_t i = 0; i < count; ++i) {
            user_key[0] = static_cast<uint8_t>(i);
            floor_crypto.OneMessage(user_key, message);
          }
        });
      });
  report.AddThroughput("msk", "build with crypto, a core", rates.product, rates.floor, "messages/s",
                       kTarget);
}

}  // namespace keymast::bench
