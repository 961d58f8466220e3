// SPDX-License-Identifier: Apache-2.0
#include "receiver/library/reasons.h"

namespace keymast::receiver::library {
namespace {

struct Row {
  Error error;
  keymast_reason reason;
  const char* name;  // of base/error.h, whose texts are not linked
};

constexpr Row kRows[] = {
    {Error::kTruncated, KEYMAST_TRUNCATED, "truncated"},
    {Error::kTrailingOctets, KEYMAST_TRAILING_OCTETS, "trailing_octets"},
    {Error::kTooLong, KEYMAST_TOO_LONG, "too_long"},
    {Error::kMalformed, KEYMAST_MALFORMED, "malformed"},
    {Error::kUnknownVersion, KEYMAST_UNKNOWN_VERSION, "unknown_version"},
    {Error::kUnknownDataType, KEYMAST_UNKNOWN_DATA_TYPE, "unknown_data_type"},
    {Error::kUnknownPayload, KEYMAST_UNKNOWN_PAYLOAD, "unknown_payload"},
    {Error::kTooManyPayloads, KEYMAST_TOO_MANY_PAYLOADS, "too_many_payloads"},
    {Error::kPayloadMissing, KEYMAST_PAYLOAD_MISSING, "payload_missing"},
    {Error::kPayloadUnexpected, KEYMAST_PAYLOAD_UNEXPECTED, "payload_unexpected"},
    {Error::kUnsupportedAlgorithm, KEYMAST_UNSUPPORTED_ALGORITHM, "unsupported_algorithm"},
    {Error::kUnsupportedPolicy, KEYMAST_UNSUPPORTED_POLICY, "unsupported_policy"},
    {Error::kUnknownChannel, KEYMAST_UNKNOWN_CHANNEL, "unknown_channel"},
    {Error::kUnknownIdentity, KEYMAST_UNKNOWN_IDENTITY, "unknown_identity"},
    {Error::kUnknownKey, KEYMAST_UNKNOWN_KEY, "unknown_key"},
    {Error::kWrongCsb, KEYMAST_WRONG_CSB, "wrong_csb"},
    {Error::kReplayed, KEYMAST_REPLAYED, "replayed"},
    {Error::kOutsideInterval, KEYMAST_OUTSIDE_INTERVAL, "outside_interval"},
    {Error::kAlreadyHeld, KEYMAST_ALREADY_HELD, "already_held"},
    {Error::kUnexpected, KEYMAST_UNEXPECTED, "unexpected"},
    {Error::kAuthenticationFailed, KEYMAST_AUTHENTICATION_FAILED, "authentication_failed"},
    {Error::kDecryptionFailed, KEYMAST_DECRYPTION_FAILED, "decryption_failed"},
    {Error::kPolicyViolation, KEYMAST_POLICY_VIOLATION, "policy_violation"},
    {Error::kNotEntitled, KEYMAST_NOT_ENTITLED, "not_entitled"},
    {Error::kUnavailable, KEYMAST_UNAVAILABLE, "unavailable"},
    {Error::kInvalidArgument, KEYMAST_INVALID_ARGUMENT, "invalid_argument"},
    {Error::kFailedPrecondition, KEYMAST_FAILED_PRECONDITION, "failed_precondition"},
    {Error::kCorrupt, KEYMAST_CORRUPT, "corrupt"},
    {Error::kNewerFormat, KEYMAST_NEWER_FORMAT, "newer_format"},
    {Error::kInternal, KEYMAST_INTERNAL, "internal"},
};

}  // namespace

keymast_reason ReasonOf(Error error) {
  for (const Row& row : kRows) {
    if (row.error == error) return row.reason;
  }
  return KEYMAST_INTERNAL;
}

}  // namespace keymast::receiver::library

extern "C" const char* keymast_reason_name(keymast_reason reason) {
  using keymast::receiver::library::kRows;
  if (reason == KEYMAST_OK) return "ok";
  for (const auto& row : kRows) {
    if (row.reason == reason) return row.name;
  }
  return "unknown";
}
