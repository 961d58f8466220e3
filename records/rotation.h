// SPDX-License-Identifier: Apache-2.0
// How far a rotation of the master key has come.
#pragma once

#include <cstdint>
#include <string>

namespace keymast::records {

struct RotationProgress {
  std::string old_key_id;  // of the master key that is being left; empty: no rotation is under way
  std::string new_key_id;  // of the master key that everything belongs to
  uint64_t done = 0;       // pages and journal records under the newest record key
  uint64_t total = 0;      // all of them
  bool IsRunning() const { return !old_key_id.empty(); }
};

}  // namespace keymast::records
