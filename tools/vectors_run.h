// SPDX-License-Identifier: Apache-2.0
// Published runs of the modes of MIKEY version 1: what the step machines (mikey/v1.h) send, with
// every value that entered and every key that follows.
#pragma once

#include <string>

#include "tools/json_view.h"
#include "tools/key_file.h"
#include "tools/vectors_party.h"

namespace keymast::tools {

// Fault is why a Responder refuses the first message.
enum class Fault {
  kNone,
  kPolicy,     // it takes no policy of that kind, and proves that it says so
  kSharedKey,  // it has another pre-shared key
  kMode,       // it does not speak the mode
  kTime,       // its clock is an hour ahead
};

// RunCase is one vector.
struct RunCase {
  const char* name;
  const char* about;
  mikey::Mode mode;
  bool legacy = false;  // V1Policy::Legacy(), else the default
  mikey::Cache cache = mikey::Cache::kNone;
  bool counter = false;    // T is a COUNTER
  bool chash = false;      // mode kPk
  bool sends_rand = true;  // mode kRsar
  bool group = false;      // mode kRsar
  bool updates = true;     // a second round brings new keys, a third one leaves them as they are
  Fault fault = Fault::kNone;
};

// VectorOf plays a run; a run that does not end as its case says aborts.
Json VectorOf(const RunCase& which);

// TestParties are the keys and certificates of both sides.
Json TestParties();

}  // namespace keymast::tools
