// SPDX-License-Identifier: Apache-2.0
// Profiles as the SRTP policy parameters of MIKEY (RFC 3830 §6.10.1, RFC 7714 §14.2 and §15).
#include <optional>

#include "srtp/policy.h"

namespace keymast::srtp {
namespace {

// RFC 3830 §6.10.1, and 20 from RFC 7714 §15.
enum Type : uint8_t {
  kEncryptionAlgorithm = 0,
  kEncryptionKeyLength = 1,
  kAuthenticationAlgorithm = 2,
  kAuthenticationKeyLength = 3,
  kSaltLength = 4,
  kPrf = 5,
  kKeyDerivationRate = 6,
  kRtpEncryption = 7,
  kRtcpEncryption = 8,
  kFecOrder = 9,
  kRtpAuthentication = 10,
  kAuthenticationTagLength = 11,
  kPrefixLength = 12,
  kAeadTagLength = 20,
};
constexpr uint8_t kAesCm = 1;     // encryption algorithms
constexpr uint8_t kAesGcm = 6;    // RFC 7714 §15
constexpr uint8_t kHmacSha1 = 1;  // authentication algorithms
constexpr uint8_t kNoAuthentication = 0;
constexpr uint8_t kOn = 1;

constexpr std::array<PolicyParam, 9> CounterMode(uint8_t key_length, uint8_t tag_length) {
  return {{{kEncryptionAlgorithm, kAesCm},
           {kEncryptionKeyLength, key_length},
           {kAuthenticationAlgorithm, kHmacSha1},
           {kAuthenticationKeyLength, 20},
           {kSaltLength, 14},
           {kRtpEncryption, kOn},
           {kRtcpEncryption, kOn},
           {kRtpAuthentication, kOn},
           {kAuthenticationTagLength, tag_length}}};
}

// Without HMAC there is nothing for parameters 3, 10 and 11 to say (RFC 7714 §14.2).
constexpr std::array<PolicyParam, 7> GaloisCounterMode(uint8_t key_length) {
  return {{{kEncryptionAlgorithm, kAesGcm},
           {kEncryptionKeyLength, key_length},
           {kAuthenticationAlgorithm, kNoAuthentication},
           {kSaltLength, 12},
           {kRtpEncryption, kOn},
           {kRtcpEncryption, kOn},
           {kAeadTagLength, 16}}};
}

constexpr auto kCm128_80 = CounterMode(16, 10);
constexpr auto kCm128_32 = CounterMode(16, 4);
constexpr auto kCm256_80 = CounterMode(32, 10);
constexpr auto kGcm128 = GaloisCounterMode(16);
constexpr auto kGcm256 = GaloisCounterMode(32);

// Given holds the parameters by type; each may come once.
class Given {
 public:
  // False for a type that nobody defined, or one given twice.
  bool Put(PolicyParam param) {
    const bool defined = param.type <= kPrefixLength || param.type == kAeadTagLength;
    if (!defined || values_[param.type]) return false;
    values_[param.type] = param.value;
    return true;
  }
  // Is compares with the value that came, or the default in its place.
  bool Is(Type type, uint8_t wanted, uint8_t fallback) const {
    return values_[type].value_or(fallback) == wanted;
  }
  uint8_t Get(Type type, uint8_t fallback) const { return values_[type].value_or(fallback); }

 private:
  std::array<std::optional<uint8_t>, kAeadTagLength + 1> values_{};
};

// What no profile of ours changes: AES-CM as key derivation, rate 0, both encrypted, FEC before
// SRTP, no prefix (RFC 3830 §6.10.1 defaults).
bool CommonPartHolds(const Given& given) {
  return given.Is(kPrf, 0, 0) && given.Is(kKeyDerivationRate, 0, 0) &&
         given.Is(kRtpEncryption, kOn, kOn) && given.Is(kRtcpEncryption, kOn, kOn) &&
         given.Is(kFecOrder, 0, 0) && given.Is(kPrefixLength, 0, 0);
}

Result<SrtpProfile> CounterModeProfile(const Given& given) {
  if (!given.Is(kAuthenticationAlgorithm, kHmacSha1, kHmacSha1) ||
      !given.Is(kAuthenticationKeyLength, 20, 20) || !given.Is(kSaltLength, 14, 14) ||
      !given.Is(kRtpAuthentication, kOn, kOn) || !given.Is(kAeadTagLength, 0, 0)) {
    return Err(Error::kUnsupportedPolicy);
  }
  const uint8_t key = given.Get(kEncryptionKeyLength, 16);
  const uint8_t tag = given.Get(kAuthenticationTagLength, 10);
  if (key == 16 && tag == 10) return SrtpProfile::kAesCm128HmacSha1_80;
  if (key == 16 && tag == 4) return SrtpProfile::kAesCm128HmacSha1_32;
  if (key == 32 && tag == 10) return SrtpProfile::kAesCm256HmacSha1_80;
  return Err(Error::kUnsupportedPolicy);
}

Result<SrtpProfile> AeadProfile(const Given& given) {
  // RFC 7714 §13.1: only tags of 16 octets; §12: a salt of 96 bits.
  if (!given.Is(kAuthenticationAlgorithm, kNoAuthentication, kNoAuthentication) ||
      !given.Is(kAuthenticationKeyLength, 0, 0) || !given.Is(kSaltLength, 12, 12) ||
      !given.Is(kAeadTagLength, 16, 16)) {
    return Err(Error::kUnsupportedPolicy);
  }
  const uint8_t key = given.Get(kEncryptionKeyLength, 16);
  if (key == 16) return SrtpProfile::kAeadAes128Gcm;
  if (key == 32) return SrtpProfile::kAeadAes256Gcm;
  return Err(Error::kUnsupportedPolicy);
}

}  // namespace

std::span<const PolicyParam> ParamsOf(SrtpProfile profile) {
  switch (InfoOf(profile).profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
      return kCm128_80;
    case SrtpProfile::kAesCm128HmacSha1_32:
      return kCm128_32;
    case SrtpProfile::kAeadAes128Gcm:
      return kGcm128;
    case SrtpProfile::kAeadAes256Gcm:
      return kGcm256;
    case SrtpProfile::kAesCm256HmacSha1_80:
      return kCm256_80;
  }
  return {};
}

Result<SrtpProfile> ProfileFromParams(std::span<const PolicyParam> params) {
  Given given;
  for (const PolicyParam& param : params) {
    if (!given.Put(param)) return Err(Error::kUnsupportedPolicy);
  }
  if (!CommonPartHolds(given)) return Err(Error::kUnsupportedPolicy);
  switch (given.Get(kEncryptionAlgorithm, kAesCm)) {
    case kAesCm:
      return CounterModeProfile(given);
    case kAesGcm:
      return AeadProfile(given);
    default:
      return Err(Error::kUnsupportedPolicy);
  }
}

}  // namespace keymast::srtp
