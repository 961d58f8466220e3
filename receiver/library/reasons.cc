// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/reasons.h"

namespace keymast::receiver::library {
namespace {

// In the order of keymast_reason, behind KEYMAST_OK; their names, which are those of base/error.h,
// one behind the other, as a table of them would need to be filled in when it is loaded.
constexpr Error kErrors[] = {
    Error::kTruncated,
    Error::kTrailingOctets,
    Error::kTooLong,
    Error::kMalformed,
    Error::kUnknownVersion,
    Error::kUnknownDataType,
    Error::kUnknownPayload,
    Error::kTooManyPayloads,
    Error::kPayloadMissing,
    Error::kPayloadUnexpected,
    Error::kUnsupportedAlgorithm,
    Error::kUnsupportedPolicy,
    Error::kUnknownChannel,
    Error::kUnknownIdentity,
    Error::kUnknownKey,
    Error::kWrongCsb,
    Error::kReplayed,
    Error::kOutsideInterval,
    Error::kAlreadyHeld,
    Error::kUnexpected,
    Error::kAuthenticationFailed,
    Error::kDecryptionFailed,
    Error::kPolicyViolation,
    Error::kRateLimited,
    Error::kCertificateUntrusted,
    Error::kCertificateExpired,
    Error::kCertificateRevoked,
    Error::kNotEntitled,
    Error::kUnavailable,
    Error::kInvalidArgument,
    Error::kFailedPrecondition,
    Error::kCorrupt,
    Error::kNewerFormat,
    Error::kInternal,
};
static_assert(std::size(kErrors) == KEYMAST_INTERNAL);

constexpr char kNames[] =
    "ok\0truncated\0trailing_octets\0too_long\0malformed\0unknown_version\0unknown_data_type\0"
    "unknown_payload\0too_many_payloads\0payload_missing\0payload_unexpected\0"
    "unsupported_algorithm\0unsupported_policy\0unknown_channel\0unknown_identity\0unknown_key\0"
    "wrong_csb\0replayed\0outside_interval\0already_held\0unexpected\0authentication_failed\0"
    "decryption_failed\0policy_violation\0rate_limited\0certificate_untrusted\0"
    "certificate_expired\0certificate_revoked\0not_entitled\0unavailable\0invalid_argument\0failed_"
    "precondition\0corrupt\0newer_format\0internal";

}  // namespace

keymast_reason ReasonOf(Error error) {
  unsigned reason = 1;
  for (const Error known : kErrors) {
    if (known == error) return static_cast<keymast_reason>(reason);
    ++reason;
  }
  return KEYMAST_INTERNAL;
}

Error ErrorOf(keymast_reason reason) {
  const unsigned number = reason;
  return number == 0 || number > std::size(kErrors) ? Error::kInternal : kErrors[number - 1];
}

}  // namespace keymast::receiver::library

extern "C" const char* keymast_reason_name(keymast_reason reason) {
  using keymast::receiver::library::kNames;
  unsigned left = reason;
  if (left > KEYMAST_INTERNAL) return "unknown";
  const char* name = kNames;
  // NOLINTBEGIN(cppcoreguidelines-pro-bounds-pointer-arithmetic): no pointer to each is relocated
  for (; left > 0; --left) {
    while (*name != '\0') ++name;
    ++name;
  }
  // NOLINTEND(cppcoreguidelines-pro-bounds-pointer-arithmetic)
  return name;
}
