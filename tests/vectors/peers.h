// SPDX-License-Identifier: Apache-2.0
// What becomes here of a message that another implementation made.
#pragma once

#include "mikey/envelope.h"
#include "mikey/responder.h"
#include "tests/vectors/vectors.h"

namespace keymast::mikey {

// Verdict is one row of the table in docs/mikey.md: ok, the reason of a refusal, "quirk n" where
// only the peer's own rule n holds, "-" where there is nothing to do.
struct Verdict {
  std::string parse;
  std::string verify;
  std::string decrypt;
  std::string null;  // verify and decrypt when NULL is allowed, where that differs
  std::string tek;
};

// Judge tries the message "init" or "resp" of a file.
Verdict Judge(const nlohmann::json& file, const std::string& message);

// QuirkDerive is libmikey's PRF: where the key's length is a multiple of 32 octets its last piece
// is taken as empty (quirk 1).
void QuirkDerive(ByteView inkey, KeyConstant constant, uint8_t cs_id, CsbId csb_id, ByteView rand,
                 MutableBytes out);

}  // namespace keymast::mikey
