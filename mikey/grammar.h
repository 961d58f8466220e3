// SPDX-License-Identifier: Apache-2.0
// Which payloads a message of version 1 may have: one table a message kind, read like the message
// lines of the standards. Order is free (payloads chain by `next`), but what authenticates a
// message closes it.
#pragma once

#include "mikey/message.h"

namespace keymast::mikey {

// Form names a row set of the table. The first eleven are numbered like their data types.
enum class Form : uint8_t {
  kPsk,              // RFC 3830 §3.1: HDR, T, RAND, [IDi], [IDr], {SP}, KEMAC
  kPskVerification,  // RFC 3830 §3.1: HDR, T, [IDr], V
  kPk,  // RFC 3830 §3.2: HDR, T, RAND, [IDi|CERTi], [IDr], {SP}, KEMAC, [CHASH], PKE, SIGNi
  kPkVerification,  // RFC 3830 §3.2: HDR, T, [IDr], V
  kDhInit,          // RFC 3830 §3.3: HDR, T, RAND, [IDi|CERTi], [IDr], {SP}, DHi, SIGNi
  kDhResp,          // RFC 3830 §3.3: HDR, T, [IDr|CERTr], IDi, DHr, DHi, SIGNr
  kError,           // RFC 3830 §5.1.2: HDR, T, [IDs], {ERR}, {SP}, [V|SIGNr]
  kDhhmacInit,      // RFC 4650 §3: HDR, T, RAND, [IDi], IDr, {SP}, DHi, KEMAC
  kDhhmacResp,      // RFC 4650 §3: HDR, T, [IDr], IDi, DHr, DHi, KEMAC
  kRsarInit,        // RFC 4738 §3.1: HDR, T, [RAND], [IDi|CERTi], [IDr], {SP}, SIGNi
  kRsarResp,      // RFC 4738 §3.1: HDR, [CSB_ID], T, [RAND], [IDr|CERTr], {SP}, KEMAC, PKE, SIGNr
  kMsk,           // TS 33.246 §6.4.5.1: HDR, EXT, T, RAND, IDi, IDr, {SP}, KEMAC
  kMtk,           // TS 33.246 §6.4.5.3: HDR, EXT, T, KEMAC
  kVerification,  // TS 33.246 §6.4.5.2: HDR, T, IDr, V
};
inline constexpr size_t kFormCount = 14;

// FormOf a message by its data type alone: kUnknownDataType for those of other protocols.
Result<Form> FormOf(DataType data_type);

// CheckGrammar is kUnknownVersion for a message of version 2, kPayloadUnexpected or kPayloadMissing
// when the message is not of that form, kUnknownDataType when it has the data type of another one,
// kUnknownPayload or kUnsupportedAlgorithm when part of it is opaque.
Status CheckGrammar(const Message& message, Form form);

}  // namespace keymast::mikey
