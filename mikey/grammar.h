// SPDX-License-Identifier: Apache-2.0
// Which payloads a message may have: one table a message kind, read like the message lines of the
// standards. Order is free (payloads chain by `next`), but KEMAC and V close the message.
#pragma once

#include "mikey/message.h"

namespace keymast::mikey {

// Form names a row set of the table.
enum class Form : uint8_t {
  kPsk,              // RFC 3830 §3.1: HDR, T, RAND, [IDi], [IDr], {SP}, KEMAC
  kPskVerification,  // RFC 3830 §3.1: HDR, T, [IDr], V
  kMsk,              // TS 33.246 §6.4.5.1: HDR, EXT, T, RAND, IDi, IDr, {SP}, KEMAC
  kMtk,              // TS 33.246 §6.4.5.3: HDR, EXT, T, KEMAC
  kVerification,     // TS 33.246 §6.4.5.2: HDR, T, IDr, V
};

// CheckGrammar is kPayloadUnexpected or kPayloadMissing when the message is not of that form.
Status CheckGrammar(const Message& message, Form form);

}  // namespace keymast::mikey
