// SPDX-License-Identifier: Apache-2.0
// Messages behind the MAC, from a sender who holds the key and means ill: the input is a message
// whose key data travels in clear; it is encrypted and its MAC made afresh before it is opened.
#include "tests/fuzz/seal_message.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

constexpr std::array<uint8_t, 16> kKey = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::array<uint8_t, 16> kRand = {16, 17, 18, 19, 20, 21, 22, 23,
                                           24, 25, 26, 27, 28, 29, 30, 31};

void OpenMskOf(const Unverified& seen) {
  const auto opened = OpenMsk(crypto::DefaultSuite(), {}, seen, kKey);
  if (!opened) {
    KEYMAST_CHECK(opened.error() != Error::kAuthenticationFailed);
    return;
  }
  KEYMAST_CHECK(opened->stream_count <= kMaxStreams);
  KEYMAST_CHECK(opened->policy_count <= opened->policy.size());
  KEYMAST_CHECK(opened->msk.size() >= 16);
}

void OpenMtkOf(const Unverified& seen) {
  const auto opened = OpenMtk(crypto::DefaultSuite(), {}, seen, kKey, kRand);
  if (!opened) {
    KEYMAST_CHECK(opened.error() != Error::kAuthenticationFailed);
    return;
  }
  KEYMAST_CHECK(opened->key.size() >= 16);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes octets(data, data + size);
  const Result<Unverified> seen = Inspect(octets);
  if (!seen || seen->kind == MessageKind::kVerification) return 0;
  if (!SealMessage(*seen, kKey, kRand, octets)) return 0;
  if (seen->kind == MessageKind::kMsk) OpenMskOf(*seen);
  if (seen->kind == MessageKind::kMtk) OpenMtkOf(*seen);
  return 0;
}
