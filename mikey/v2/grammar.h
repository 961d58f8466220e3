// SPDX-License-Identifier: Apache-2.0
// Which payloads a message of version 2 has, in which order (MIKEYv2 §3.4): one table a form, read
// like the lines of the specification. Unlike version 1 the order is fixed, so a message has one
// way to be written.
#pragma once

#include "mikey/v2/capabilities.h"

namespace keymast::mikey::v2 {

// Form is a row of the table.
enum class Form : uint8_t {
  kCap,
  kPskResp,
  kRsaResp,
  kDhResp,
  kEarlyDhResp,
  kDhhmacResp,  // of both modes
  kVFin,        // PSK_FIN, RSA_FIN, and the finish of the early modes
  kDhFin,
  kDhhmacFin,
  kKeys,
  kError,
  kRetry,
  kFragment,
  kReport,
  kGroupRekey,
};
inline constexpr size_t kFormCount = 15;

// Parts are the payloads of a message by their place; null or empty: not there. They point into the
// message.
struct Parts {
  const RandrPayload* rand_i = nullptr;
  const RandrPayload* rand_r = nullptr;
  const CapPayload* cap = nullptr;
  const IdrPayload* id_i = nullptr;
  const IdrPayload* id_r = nullptr;
  std::span<const Payload> certificates;
  const ChashPayload* chash = nullptr;
  std::span<const Payload> policies;
  const DhPayload* dh = nullptr;
  const PkePayload* pke = nullptr;
  const KemacPayload* kemac = nullptr;
  const VPayload* v = nullptr;
  const SignPayload* sign = nullptr;
  const TPayload* t = nullptr;
  const ErrPayload* err = nullptr;
  const FragmentPayload* fragment = nullptr;
  const ExtPayload* key_ids = nullptr;
  const ExtPayload* sdp_ids = nullptr;
  const ExtPayload* tree_update = nullptr;
  const ExtPayload* filter_mac = nullptr;
  const ExtPayload* key_roll = nullptr;
  const ExtPayload* merkle_path = nullptr;
  const ExtPayload* update = nullptr;
  const ExtPayload* report = nullptr;
  const ExtPayload* ticket = nullptr;
};

// CheckOffer is kMalformed for a CAP whose capabilities and payloads do not belong together
// (MIKEYv2 §3.3, §3.4).
Status CheckOffer(const Capabilities& offer, const Parts& parts);

// IsAnswer and IsFinish tell what part in an exchange a data type has.
bool IsAnswer(DataType type);
bool IsFinish(DataType type);

// AnswerType and FinishType of a mode.
DataType AnswerType(Mode mode);
DataType FinishType(Mode mode);
// AnswerForm and FinishForm of a mode.
Form AnswerForm(Mode mode);
Form FinishForm(Mode mode);

// DataTypeOf is true when a form is one of messages of a data type.
bool IsFormOf(Form form, DataType type);

// ReadParts is kUnknownVersion for a message of version 1, kUnknownDataType when the form is not of
// its data type, kPayloadMissing, kPayloadUnexpected, kMalformed for what a field may not be
// (header, role, reserved bits), kUnknownPayload or kUnsupportedAlgorithm when part of it is
// opaque.
Result<Parts> ReadParts(const Message& message, Form form);

}  // namespace keymast::mikey::v2
