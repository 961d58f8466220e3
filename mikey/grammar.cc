// SPDX-License-Identifier: Apache-2.0
#include "mikey/grammar.h"

namespace keymast::mikey {
namespace {

struct Occurrence {
  PayloadType type;
  uint8_t least;
  uint8_t most;
};

struct Rule {
  DataType data_type;
  PayloadType closing;  // its MAC or signature covers the message (RFC 3830 §5.2); kLast: any
  std::span<const Occurrence> payloads;
};

constexpr uint8_t kMany = 16;  // policies, errors
constexpr uint8_t kManyExtensions = 8;

// An update has no RAND and may lack whatever stays as it was (RFC 3830 §4.5), and identities may
// be left out where policy says so: both is checked by the step machines, which know.
constexpr Occurrence kPskRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 2},
    {PayloadType::kSp, 0, kMany},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kKemac, 1, 1},
};
constexpr Occurrence kVerificationRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 0, 1},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kV, 1, 1},
};
constexpr Occurrence kPkRows[] = {
    {PayloadType::kT, 1, 1},      {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 2},     {PayloadType::kCert, 0, kMaxCertificates},
    {PayloadType::kSp, 0, kMany}, {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kKemac, 1, 1},  {PayloadType::kChash, 0, 1},
    {PayloadType::kPke, 1, 1},    {PayloadType::kSign, 1, 1},
};
constexpr Occurrence kDhInitRows[] = {
    {PayloadType::kT, 1, 1},      {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 2},     {PayloadType::kCert, 0, kMaxCertificates},
    {PayloadType::kSp, 0, kMany}, {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kDh, 0, 1},     {PayloadType::kSign, 1, 1},
};
constexpr Occurrence kDhRespRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 0, 2},
    {PayloadType::kCert, 0, kMaxCertificates},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kDh, 0, 2},
    {PayloadType::kSign, 1, 1},
};
constexpr Occurrence kErrorRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 0, 2},
    {PayloadType::kErr, 1, kMany},
    {PayloadType::kSp, 0, kMany},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kV, 0, 1},
    {PayloadType::kSign, 0, 1},
};
// RFC 4650 §4.1 lists the payloads that DHHMAC has.
constexpr Occurrence kDhhmacInitRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 2},
    {PayloadType::kSp, 0, kMany},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kDh, 0, 1},
    {PayloadType::kKemac, 1, 1},
};
constexpr Occurrence kDhhmacRespRows[] = {
    {PayloadType::kT, 1, 1},  {PayloadType::kId, 0, 2},    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kDh, 0, 2}, {PayloadType::kKemac, 1, 1},
};
constexpr Occurrence kRsarInitRows[] = {
    {PayloadType::kT, 1, 1},      {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 2},     {PayloadType::kCert, 0, kMaxCertificates},
    {PayloadType::kSp, 0, kMany}, {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kSign, 1, 1},
};
constexpr Occurrence kRsarRespRows[] = {
    {PayloadType::kT, 1, 1},      {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 1},     {PayloadType::kCert, 0, kMaxCertificates},
    {PayloadType::kSp, 0, kMany}, {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kKemac, 1, 1},  {PayloadType::kPke, 1, 1},
    {PayloadType::kSign, 1, 1},
};
constexpr Occurrence kMskRows[] = {
    {PayloadType::kExt, 1, kManyExtensions},
    {PayloadType::kT, 1, 1},
    {PayloadType::kRand, 1, 1},
    {PayloadType::kId, 2, 2},
    {PayloadType::kSp, 0, 1},
    {PayloadType::kKemac, 1, 1},
};
// No SP: the policy travels with the MSK only (RFC 4563 §7).
constexpr Occurrence kMtkRows[] = {
    {PayloadType::kExt, 1, kManyExtensions},
    {PayloadType::kT, 1, 1},
    {PayloadType::kKemac, 1, 1},
};
constexpr Occurrence kMskVerificationRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 1, 1},
    {PayloadType::kExt, 0, kManyExtensions},  // LTKM reporting, RFC 5410 §3
    {PayloadType::kV, 1, 1},
};

constexpr Rule kRules[kFormCount] = {
    {DataType::kPskInit, PayloadType::kKemac, kPskRows},
    {DataType::kPskVerification, PayloadType::kV, kVerificationRows},
    {DataType::kPkInit, PayloadType::kSign, kPkRows},
    {DataType::kPkVerification, PayloadType::kV, kVerificationRows},
    {DataType::kDhInit, PayloadType::kSign, kDhInitRows},
    {DataType::kDhResp, PayloadType::kSign, kDhRespRows},
    {DataType::kError, PayloadType::kLast, kErrorRows},
    {DataType::kDhhmacInit, PayloadType::kKemac, kDhhmacInitRows},
    {DataType::kDhhmacResp, PayloadType::kKemac, kDhhmacRespRows},
    {DataType::kRsarInit, PayloadType::kSign, kRsarInitRows},
    {DataType::kRsarResp, PayloadType::kSign, kRsarRespRows},
    {DataType::kPskInit, PayloadType::kKemac, kMskRows},
    {DataType::kPskInit, PayloadType::kKemac, kMtkRows},
    {DataType::kPskVerification, PayloadType::kV, kMskVerificationRows},
};

// Census counts the payloads of a message by type; an opaque one is the last and cannot be counted.
using Counts = std::array<uint8_t, 32>;  // kMaxPayloads fits a count
Result<Counts> Census(const Message& message) {
  Counts counts{};
  for (const Payload& payload : message.chain()) {
    if (const auto* opaque = std::get_if<OpaquePayload>(&payload)) return Err(opaque->reason);
    const auto type = static_cast<size_t>(TypeOf(payload));
    if (type >= counts.size()) return Err(Error::kPayloadUnexpected);  // one of version 2
    ++counts[type];
  }
  return counts;
}

size_t CountOf(const Counts& counts, PayloadType type) { return counts[static_cast<size_t>(type)]; }

bool IsClosed(const Message& message, const Counts& counts, PayloadType closing) {
  const PayloadType last = TypeOf(message.chain().back());
  if (closing != PayloadType::kLast) return last == closing;
  // An error message has at most one of V and SIGN, at its end (RFC 3830 §5.1.2).
  const size_t proofs = CountOf(counts, PayloadType::kV) + CountOf(counts, PayloadType::kSign);
  return proofs == 0 || (proofs == 1 && (last == PayloadType::kV || last == PayloadType::kSign));
}

}  // namespace

Result<Form> FormOf(DataType data_type) {
  if (data_type > DataType::kRsarResp) return Err(Error::kUnknownDataType);
  return static_cast<Form>(data_type);
}

Status CheckGrammar(const Message& message, Form form) {
  const Rule& rule = kRules[static_cast<size_t>(form)];
  if (message.header.version != kVersion1) return Err(Error::kUnknownVersion);
  if (message.header.data_type != rule.data_type) return Err(Error::kUnknownDataType);
  const Result<Counts> counts = Census(message);
  if (!counts) return Err(counts.error());
  size_t allowed = 0;
  for (const Occurrence& row : rule.payloads) {
    const size_t count = CountOf(*counts, row.type);
    if (count < row.least) return Err(Error::kPayloadMissing);
    if (count > row.most) return Err(Error::kPayloadUnexpected);
    allowed += count;
  }
  if (allowed != message.chain().size()) return Err(Error::kPayloadUnexpected);
  if (!IsClosed(message, *counts, rule.closing)) return Err(Error::kPayloadUnexpected);
  // The empty map says that the policy is known from elsewhere: no SP beside it (RFC 4563 §5).
  const bool empty_map = message.header.map_type == CsIdMapType::kEmpty;
  if (empty_map && CountOf(*counts, PayloadType::kSp) != 0) return Err(Error::kPayloadUnexpected);
  return {};
}

}  // namespace keymast::mikey
