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
  PayloadType closing;  // must be last: its MAC covers the message (RFC 3830 §5.2)
  std::span<const Occurrence> payloads;
};

constexpr uint8_t kManyPolicies = 16;
constexpr uint8_t kManyExtensions = 8;

constexpr Occurrence kPskRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kRand, 0, 1},
    {PayloadType::kId, 0, 2},
    {PayloadType::kSp, 0, kManyPolicies},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kKemac, 1, 1},
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
constexpr Occurrence kPskVerificationRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 0, 1},
    {PayloadType::kExt, 0, kManyExtensions},
    {PayloadType::kV, 1, 1},
};
constexpr Occurrence kVerificationRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 1, 1},
    {PayloadType::kV, 1, 1},
};

Rule RuleOf(Form form) {
  switch (form) {
    case Form::kPsk:
      return {DataType::kPskInit, PayloadType::kKemac, kPskRows};
    case Form::kPskVerification:
      return {DataType::kPskVerification, PayloadType::kV, kPskVerificationRows};
    case Form::kMsk:
      return {DataType::kPskInit, PayloadType::kKemac, kMskRows};
    case Form::kMtk:
      return {DataType::kPskInit, PayloadType::kKemac, kMtkRows};
    case Form::kVerification:
      return {DataType::kPskVerification, PayloadType::kV, kVerificationRows};
  }
  return {};
}

// Census counts the payloads of a message by type.
std::array<uint8_t, 32> Census(const Message& message) {
  std::array<uint8_t, 32> counts{};  // kMaxPayloads fits a count
  for (const Payload& payload : message.chain()) ++counts[static_cast<size_t>(TypeOf(payload))];
  return counts;
}

}  // namespace

Status CheckGrammar(const Message& message, Form form) {
  const Rule rule = RuleOf(form);
  if (message.header.data_type != rule.data_type) return Err(Error::kUnknownDataType);
  const auto counts = Census(message);
  size_t allowed = 0;
  for (const Occurrence& row : rule.payloads) {
    const size_t count = counts[static_cast<size_t>(row.type)];
    if (count < row.least) return Err(Error::kPayloadMissing);
    if (count > row.most) return Err(Error::kPayloadUnexpected);
    allowed += count;
  }
  if (allowed != message.chain().size()) return Err(Error::kPayloadUnexpected);
  if (TypeOf(message.chain().back()) != rule.closing) return Err(Error::kPayloadUnexpected);
  // The empty map says that the policy is known from elsewhere: no SP beside it (RFC 4563 §5).
  const bool empty_map = message.header.map_type == CsIdMapType::kEmpty;
  if (empty_map && counts[static_cast<size_t>(PayloadType::kSp)] != 0) {
    return Err(Error::kPayloadUnexpected);
  }
  return {};
}

}  // namespace keymast::mikey
