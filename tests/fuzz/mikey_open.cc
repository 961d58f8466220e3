// SPDX-License-Identifier: Apache-2.0
// Messages behind the MAC, from a sender who holds the key and means ill: the input is a message
// whose key data travels in clear; it is encrypted and its MAC made afresh before it is opened.
#include "mikey/kemac.h"
#include "mikey/mbms.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

constexpr std::array<uint8_t, 16> kKey = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::array<uint8_t, 16> kRand = {16, 17, 18, 19, 20, 21, 22, 23,
                                           24, 25, 26, 27, 28, 29, 30, 31};

// Sealed encrypts the key data of `octets` in place and replaces the closing MAC.
bool Seal(const Message& message, const Unverified& seen, MutableBytes octets) {
  const KemacPayload* kemac = message.Get<KemacPayload>();
  if (kemac == nullptr || kemac->mac_alg != MacAlg::kHmacSha1_160) return false;
  const crypto::Suite& suite = crypto::DefaultSuite();
  const ByteView rand = seen.rand.empty() ? ByteView(kRand) : seen.rand;
  const TransportKeys keys = DeriveTransportKeys(suite, {}, kKey, seen.csb_id, rand);
  const size_t mac_size = kemac->mac.size();
  const size_t data_size = kemac->encr_data.size();
  const size_t data_at = octets.size() - mac_size - 1 - data_size;
  CryptKeyData(suite, keys, seen.csb_id, *message.Get<TPayload>(),
               octets.subspan(data_at, data_size));
  const std::array<ByteView, 1> covered{octets.first(octets.size() - mac_size)};
  Mac(suite, MacAlg::kHmacSha1_160, keys.auth.view(), covered, octets.last(mac_size));
  return true;
}

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
  Message message;
  if (!ParseMessage(octets, message)) return 0;
  const Result<Unverified> seen = Inspect(octets);
  if (!seen || seen->kind == MessageKind::kVerification) return 0;
  if (!Seal(message, *seen, octets)) return 0;
  if (seen->kind == MessageKind::kMsk) OpenMskOf(*seen);
  if (seen->kind == MessageKind::kMtk) OpenMtkOf(*seen);
  return 0;
}
