// SPDX-License-Identifier: Apache-2.0
// Errors are values from one closed list; each has one name, which is also its metric label.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace keymast {

// Error is the reason why something from outside was refused or could not be done.
// X(enumerator, label): the label is stable, used in metrics, logs and error details.
#define KEYMAST_ERRORS(X)                           \
  /* octets that cannot be read */                  \
  X(kTruncated, "truncated")                        \
  X(kTrailingOctets, "trailing_octets")             \
  X(kTooLong, "too_long")                           \
  X(kMalformed, "malformed")                        \
  X(kNotCanonical, "not_canonical")                 \
  X(kUnknownVersion, "unknown_version")             \
  X(kUnknownDataType, "unknown_data_type")          \
  X(kUnknownPayload, "unknown_payload")             \
  X(kTooManyPayloads, "too_many_payloads")          \
  X(kPayloadMissing, "payload_missing")             \
  X(kPayloadUnexpected, "payload_unexpected")       \
  X(kUnsupportedAlgorithm, "unsupported_algorithm") \
  X(kUnsupportedPolicy, "unsupported_policy")       \
  /* datagrams that are well formed and refused */  \
  X(kUnknownChannel, "unknown_channel")             \
  X(kUnknownIdentity, "unknown_identity")           \
  X(kUnknownKey, "unknown_key")                     \
  X(kWrongCsb, "wrong_csb")                         \
  X(kWrongSource, "wrong_source")                   \
  X(kRateLimited, "rate_limited")                   \
  X(kReplayed, "replayed")                          \
  X(kOutsideInterval, "outside_interval")           \
  X(kAlreadyHeld, "already_held")                   \
  X(kUnexpected, "unexpected")                      \
  X(kAuthenticationFailed, "authentication_failed") \
  X(kDecryptionFailed, "decryption_failed")         \
  X(kCertificateUntrusted, "certificate_untrusted") \
  X(kCertificateExpired, "certificate_expired")     \
  X(kCertificateRevoked, "certificate_revoked")     \
  /* requests */                                    \
  X(kInvalidArgument, "invalid_argument")           \
  X(kPolicyViolation, "policy_violation")           \
  X(kNotFound, "not_found")                         \
  X(kAlreadyExists, "already_exists")               \
  X(kEtagMismatch, "etag_mismatch")                 \
  X(kFailedPrecondition, "failed_precondition")     \
  X(kNotEntitled, "not_entitled")                   \
  X(kSsrcInUse, "ssrc_in_use")                      \
  X(kPermissionDenied, "permission_denied")         \
  X(kUnauthenticated, "unauthenticated")            \
  X(kTooManyRequests, "too_many_requests")          \
  X(kQuotaExceeded, "quota_exceeded")               \
  X(kRequestIdReused, "request_id_reused")          \
  X(kCancelled, "cancelled")                        \
  X(kUnavailable, "unavailable")                    \
  X(kDraining, "draining")                          \
  X(kUnimplemented, "unimplemented")                \
  X(kInternal, "internal")                          \
  /* limits of keys and counters */                 \
  X(kIdsExhausted, "ids_exhausted")                 \
  X(kCounterExhausted, "counter_exhausted")         \
  X(kIndexExhausted, "index_exhausted")             \
  /* store and files */                             \
  X(kConflict, "conflict")                          \
  X(kFenced, "fenced")                              \
  X(kNoSpace, "no_space")                           \
  X(kOutcomeUnknown, "outcome_unknown")             \
  X(kStoreClosed, "store_closed")                   \
  X(kAuditBlocked, "audit_blocked")                 \
  X(kBatchTooLarge, "batch_too_large")              \
  X(kCompacted, "compacted")                        \
  X(kCorrupt, "corrupt")                            \
  X(kRolledBack, "rolled_back")                     \
  X(kInUse, "in_use")                               \
  X(kNewerFormat, "newer_format")                   \
  X(kWrongMasterKey, "wrong_master_key")            \
  X(kIo, "io")                                      \
  /* network */                                     \
  X(kNoInterface, "no_interface")                   \
  X(kNoBufferSpace, "no_buffer_space")              \
  X(kSendFailed, "send_failed")

enum class Error : uint8_t {
#define KEYMAST_ERROR_ENUMERATOR(name, label) name,
  KEYMAST_ERRORS(KEYMAST_ERROR_ENUMERATOR)
#undef KEYMAST_ERROR_ENUMERATOR
};

// kErrorCount is the number of reasons: the size of a table of counters indexed by Error.
inline constexpr size_t kErrorCount = 0
#define KEYMAST_ERROR_ONE(name, label) +1
    KEYMAST_ERRORS(KEYMAST_ERROR_ONE)
#undef KEYMAST_ERROR_ONE
    ;

// ErrorName returns the reason's stable label.
std::string_view ErrorName(Error error);

// ErrorFromName returns false when no reason has that label.
bool ErrorFromName(std::string_view label, Error& error);

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> Err(Error error) { return tl::unexpected<Error>(error); }

// FieldViolation names a field by its path in the API (`policy.mtk.period`) and says what is wrong
// and what would be right.
struct FieldViolation {
  std::string field;
  std::string description;
};

// LimitReached names a limit that a request ran into (`viewer`) and says what it allows.
struct LimitReached {
  std::string name;
  std::string allows;
};

// Failure is an error of a request or of a start: the reason with what a client can act on.
// Its texts never hold key material.
struct Failure {
  Error error = Error::kInternal;
  std::string message;
  std::vector<FieldViolation> violations;
  std::string resource;         // resource name concerned, or empty
  uint32_t retry_after_ms = 0;  // 0: retrying the same request does not help
  LimitReached limit = {};      // of kTooManyRequests, where there is one to name
};

inline tl::unexpected<Failure> Fail(Error error, std::string message) {
  return tl::unexpected<Failure>(Failure{error, std::move(message), {}, {}, 0});
}

}  // namespace keymast
