// SPDX-License-Identifier: Apache-2.0
// Asker is who asks for a command, and how it is to be remembered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace keymast::controller {

// Scope is the channels that a caller may see and touch.
struct Scope {
  bool is_whole = true;             // all channels, and what belongs to none
  std::vector<std::string> allows;  // ids, or beginnings of ids with `*` behind them
  bool Has(const ChannelId& id) const;
};

// Quota is how many channels there may be in the caller's scope, and members in them; 0: any
// number.
struct Quota {
  uint64_t channels = 0;
  uint64_t members = 0;
};

struct Asker {
  std::string principal;  // empty: nobody from outside, and nothing is remembered or recorded
  std::string method;     // as `Members.ExpelMembers`
  std::optional<RequestId> request;
  RequestDigest digest;  // of what is asked for
  std::optional<TraceId> trace;
  Scope scope = {};
  Quota quota = {};
};

// RequestIdReused refuses a request under the id of another that was carried out.
Failure RequestIdReused();

}  // namespace keymast::controller
