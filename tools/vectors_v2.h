// SPDX-License-Identifier: Apache-2.0
// Published exchanges of MIKEY version 2 (docs/mikeyv2.md): what the step machines send each other,
// with every value that was drawn and every key that follows.
#pragma once

#include "mikey/v2/answerer.h"
#include "mikey/v2/offerer.h"
#include "tools/fixtures.h"
#include "tools/json_view.h"

namespace keymast::tools {

// V2Case is one vector.
struct V2Case {
  const char* name;
  const char* about;
  mikey::v2::Mode mode;
  bool joins = false;  // a group, else a session
  mikey::DhGroup group = mikey::DhGroup::kX25519;
  bool under_load = false;  // the Answerer asks for a cookie
  bool entitled = true;     // else the Offerer is told so
  bool of_rfc3830 = false;  // PRF of MIKEY-1, AES-CM-128, HMAC-SHA-1-160
  bool resumes = false;     // what an earlier exchange left
  // Offered beside `mode`, for an Answerer that takes only that.
  std::optional<mikey::v2::Mode> beside = {};
  // Who signs, in the modes by certificate.
  const Fixture* offerer = nullptr;
  const Fixture* answerer = nullptr;
};

// V2VectorOf plays an exchange; one that does not end as its case says aborts.
Json V2VectorOf(const V2Case& which);

// V2Sent is a message that was sent, and the row of MIKEYv2 §4.4 that it has; no inkey: it has
// neither MAC nor V.
struct V2Sent {
  const char* from;
  Bytes octets;
  mikey::v2::Protection protection = {};
  const char* inkey = nullptr;  // its name in the vector
};

// JsonOfV2 shows a message with all that its proof and its encryption follow from.
Json JsonOfV2(const crypto::Suite& suite, const V2Sent& sent);

}  // namespace keymast::tools
