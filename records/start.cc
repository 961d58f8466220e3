// SPDX-License-Identifier: Apache-2.0
#include "records/start.h"

#include <algorithm>

namespace keymast::records {
namespace {

using store::WitnessRecord;

// Acknowledged is the highest commit that was acknowledged for certain. `last` may be stale after
// the machine went down, but it never runs ahead.
uint64_t Acknowledged(const WitnessRecord& witness) {
  return std::max(witness.confirmed, witness.last);
}

// IsBehind says whether data and witness are not of one time: either may have been put back.
bool IsBehind(const DataEnd& data, const std::optional<WitnessRecord>& witness) {
  return !witness || witness->incarnation != data.incarnation ||
         data.last < Acknowledged(*witness) || data.last > witness->reserved;
}

std::string Numbers(uint64_t commit, uint64_t incarnation) {
  return "commit " + std::to_string(commit) + " of incarnation " + std::to_string(incarnation);
}

tl::unexpected<Failure> Refuse(const DataEnd& data, const std::optional<WitnessRecord>& witness,
                               const Places& places) {
  std::string text = "data " + places.data + " ends with " + Numbers(data.last, data.incarnation);
  if (!witness) {
    text += "; witness " + places.witness + " is not there to say whether that is the newest";
  } else {
    text += ", but witness " + places.witness + " knows " +
            Numbers(Acknowledged(*witness), witness->incarnation) + " (numbers up to " +
            std::to_string(witness->reserved) + "): one of the two was put back";
  }
  return Fail(Error::kRolledBack,
              text +
                  ". Bring the newest ones back, or start with --accept-rollback: what was "
                  "acknowledged since is lost then, and every channel gets a new MSK");
}

Start NewIncarnation(const DataEnd& data, const std::optional<WitnessRecord>& witness) {
  Start start;
  start.new_incarnation = true;
  start.incarnation = std::max(data.incarnation, witness ? witness->incarnation : 0) + 1;
  const uint64_t reserved = witness ? witness->reserved : 0;
  start.next = std::max(data.last, reserved) + 1;
  // Numbers run on over incarnations, so that they count what lies between. A witness behind the
  // data is an old copy and says nothing.
  if (witness && witness->incarnation >= data.incarnation && reserved >= data.last) {
    start.lost = reserved - data.last;
  }
  return start;
}

}  // namespace

tl::expected<Start, Failure> DecideStart(const DataEnd& data,
                                         const std::optional<WitnessRecord>& witness,
                                         bool accept_rollback, const Places& places) {
  if (IsBehind(data, witness)) {
    if (!accept_rollback) return Refuse(data, witness, places);
    return NewIncarnation(data, witness);
  }
  Start start;
  start.incarnation = data.incarnation;
  if (witness->clean && data.last == witness->last) {
    start.clean = true;
    start.next = data.last + 1;
    start.lost = 0;
    return start;
  }
  start.next = witness->reserved + 1;
  const bool exact = witness->last_is_exact && !witness->clean;
  start.lost = exact ? 0 : witness->reserved - data.last;
  return start;
}

}  // namespace keymast::records
