// SPDX-License-Identifier: Apache-2.0
// Operations: work that outlives the call that began it, also a crash.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

namespace keymast::rekey {

enum class OperationKind : uint8_t { kBackup = 1, kMasterKey, kRekeyChannels };

// Progress is what changes of an operation while it goes on.
struct Progress {
  uint64_t done = 0;
  uint64_t total = 0;  // 0: not known yet
  bool cancelling = false;
  Instant ended = kNever;  // kNever: it goes on
  // Of its end: nothing, or why not. kCancelled when it was asked to stop.
  bool failed = false;
  Error error = Error::kInternal;
  std::string message;
  std::vector<std::string> notes;  // of its result
  bool IsDone() const { return ended != kNever; }
  friend bool operator==(const Progress&, const Progress&) = default;
};

struct Operation {
  OperationId id;
  OperationKind kind = OperationKind::kBackup;
  std::string principal;
  Instant begun{};
  std::string subject;               // backup id, new key id, or level of the rekeys
  std::vector<std::string> targets;  // channels
  Duration spread{};
  Progress progress;
  friend bool operator==(const Operation&, const Operation&) = default;
};

// AddRefusal notes a channel whose keys could not be changed. So many are named; behind them
// `more=` tells the number of the others. RefusedIn counts them all.
inline constexpr size_t kMostRefusals = 100;
void AddRefusal(Progress& progress, std::string refusal);
uint64_t RefusedIn(const Progress& progress);

inline constexpr size_t kKeptOperations = 100;  // that are done

}  // namespace keymast::rekey
