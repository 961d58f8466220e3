// SPDX-License-Identifier: Apache-2.0
#include "srtp/policy.h"

#include <algorithm>

#include "base/check.h"

namespace keymast::srtp {
namespace {

// Tags: RFC 3711 §8.2; AES_CM_128_HMAC_SHA1_32 keeps 80 bits for SRTCP (RFC 5764 §4.1.2, RFC 3711
// §5.2). AES-256: RFC 6188. AEAD: RFC 7714 §12, §13, tag inside the ciphertext.
constexpr std::array<ProfileInfo, 5> kProfiles = {{
    {SrtpProfile::kAesCm128HmacSha1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, false},
    {SrtpProfile::kAesCm128HmacSha1_32, "AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, false},
    {SrtpProfile::kAeadAes128Gcm, "AEAD_AES_128_GCM", 16, 12, 16, 16, true},
    {SrtpProfile::kAeadAes256Gcm, "AEAD_AES_256_GCM", 32, 12, 16, 16, true},
    {SrtpProfile::kAesCm256HmacSha1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, false},
}};

template <class Predicate>
Result<SrtpProfile> Find(Predicate matches) {
  const auto* found = std::ranges::find_if(kProfiles, matches);
  if (found == kProfiles.end()) return Err(Error::kUnsupportedPolicy);
  return found->profile;
}

}  // namespace

std::span<const ProfileInfo> Profiles() { return kProfiles; }

const ProfileInfo& InfoOf(SrtpProfile profile) {
  const auto* found =
      std::ranges::find_if(kProfiles, [&](const ProfileInfo& p) { return p.profile == profile; });
  KEYMAST_CHECK(found != kProfiles.end());
  return *found;
}

Result<SrtpProfile> ProfileFromNumber(uint16_t number) {
  return Find([&](const ProfileInfo& p) { return static_cast<uint16_t>(p.profile) == number; });
}

Result<SrtpProfile> ProfileFromName(std::string_view name) {
  return Find([&](const ProfileInfo& p) { return p.name == name; });
}

}  // namespace keymast::srtp
