// SPDX-License-Identifier: Apache-2.0
// The MTKs of one channel at a headend: the one in use, and those announced for later.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"
#include "headend/state.h"
#include "srtpio/session.h"

namespace keymast::headend {

// Announced is a key with the instant from which it is to be used.
struct Announced {
  KeyName name;
  Instant switch_at{};
  uint64_t epoch = 0;  // rises with each MTK that the server prepares
};

// KeySlot is a key with one sending session per stream of the channel, made when it was announced:
// the switch itself costs nothing.
struct KeySlot {
  Announced key;
  std::vector<srtpio::Session> sessions;
};

// KeySlots switches at instants by the caller's clock and never goes back: ids of keys rise, and a
// key whose ids are not above those of the one in use is not taken.
class KeySlots {
 public:
  static constexpr size_t kCapacity = 8;  // announced keys
  enum class Outcome { kNew, kMoved, kInUse };
  using MakeSessions = std::function<Result<std::vector<srtpio::Session>>()>;

  // Announce takes a key, or the new instant of one that is held already (then `make` is not
  // called). A new key voids those announced before it that it replaces: keys of older MSKs, which
  // an exclusion dropped, and keys whose instant is not before its own. kReplayed: older than the
  // key in use; kNoSpace; what `make` failed with.
  Result<Outcome> Announce(const Announced& key, const MakeSessions& make);

  // Advance switches to the newest key whose instant has come, and frees those before it. True if
  // it switched.
  bool Advance(Instant now);

  KeySlot* current() { return current_ ? &*current_ : nullptr; }
  const KeySlot* current() const { return current_ ? &*current_ : nullptr; }
  const std::vector<KeySlot>& announced() const { return announced_; }
  // next_switch is the earliest instant announced; kNever if none is.
  Instant next_switch() const { return next_switch_; }
  // switches counts changes from one key to another: the first key is none.
  uint64_t switches() const { return changes_ == 0 ? 0 : changes_ - 1; }

 private:
  void Plan();

  std::optional<KeySlot> current_;
  std::vector<KeySlot> announced_;  // in the order of their names
  Instant next_switch_ = kNever;
  uint64_t changes_ = 0;
};

}  // namespace keymast::headend
