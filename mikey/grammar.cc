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
constexpr Occurrence kVerificationRows[] = {
    {PayloadType::kT, 1, 1},
    {PayloadType::kId, 0, 1},
    {PayloadType::kV, 1, 1},
};

Rule RuleOf(Form form) {
  switch (form) {
    case Form::kPsk:
      return {DataType::kPskInit, PayloadType::kKemac, kPskRows};
    case Form::kMsk:
      return {DataType::kPskInit, PayloadType::kKemac, kMskRows};
    case Form::kMtk:
      return {DataType::kPskInit, PayloadType::kKemac, kMtkRows};
    case Form::kVerification:
      return {DataType::kPskVerification, PayloadType::kV, kVerificationRows};
  }
  return {};
}

PayloadType TypeOf(const Payload& payload) {
  return std::visit([](const auto& p) { return std::decay_t<decltype(p)>::kType; }, payload);
}

}  // namespace

Status CheckGrammar(const Message& message, Form form) {
  const Rule rule = RuleOf(form);
  if (message.header.data_type != rule.data_type) return Err(Error::kUnknownDataType);
  size_t allowed = 0;
  for (const Occurrence& row : rule.payloads) {
    size_t count = 0;
    for (const Payload& payload : message.chain()) count += TypeOf(payload) == row.type ? 1U : 0U;
    if (count < row.least) return Err(Error::kPayloadMissing);
    if (count > row.most) return Err(Error::kPayloadUnexpected);
    allowed += count;
  }
  if (allowed != message.count) return Err(Error::kPayloadUnexpected);
  if (TypeOf(message.chain().back()) != rule.closing) return Err(Error::kPayloadUnexpected);
  return {};
}

}  // namespace keymast::mikey
