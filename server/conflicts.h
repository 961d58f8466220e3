// SPDX-License-Identifier: Apache-2.0
// Channels that change their MSK at nearly the same instant.
#pragma once

#include <optional>

#include "controller/controller.h"
#include "keymast/v1/schedule.pb.h"

namespace keymast::server {

struct Conflict {
  Instant at{};  // of the first of them
  std::vector<ChannelId> channels;
  uint64_t recipients = 0;
  uint64_t messages_per_second = 0;
  Duration suggested_jitter{};
};

struct ConflictSearch {
  Instant now{};
  Instant until{};
  Instant after{};  // conflicts up to it are left out
  Duration within{};
  size_t most = 0;
};

// FindConflicts looks at the planned changes of channels in scope; the earliest come first. Nothing
// where 100,000 changes, or schedules and blackouts that are looked at for them, do not suffice.
std::optional<std::vector<Conflict>> FindConflicts(const controller::Controller& controller,
                                                   const controller::Scope& scope,
                                                   const ConflictSearch& search);

v1::RekeyConflict ToProto(const Conflict& conflict);

}  // namespace keymast::server
