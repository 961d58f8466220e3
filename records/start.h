// SPDX-License-Identifier: Apache-2.0
// What a start does, from what data and witness say.
#pragma once

#include <optional>

#include "base/error.h"
#include "store/witness.h"

namespace keymast::records {

// DataEnd is the last commit that the data hold.
struct DataEnd {
  uint64_t incarnation = 0;
  uint64_t last = 0;
};

// Places name data directory and witness file in what is said of them.
struct Places {
  std::string data;
  std::string witness;
};

struct Start {
  bool clean = false;  // nothing needs to be recorded
  // Acknowledged commits are gone, and the operator accepts it; also of the starts after that one,
  // until something is committed.
  bool new_incarnation = false;
  uint64_t incarnation = 0;
  uint64_t next = 0;  // commit number to go on with
  // Commits that may be lost: each can have given out a block of every counter. Absent: nobody
  // knows how many.
  std::optional<uint64_t> lost;
};

// DecideStart refuses with kRolledBack, unless `accept_rollback`, when acknowledged commits are
// missing or nobody can say that none are. `witness` is absent when there is no file.
tl::expected<Start, Failure> DecideStart(const DataEnd& data,
                                         const std::optional<store::WitnessRecord>& witness,
                                         bool accept_rollback, const Places& places);

}  // namespace keymast::records
