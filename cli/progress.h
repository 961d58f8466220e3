// SPDX-License-Identifier: Apache-2.0
// How far an operation is, for whoever waits.
#pragma once

#include "cli/context.h"
#include "keymast/v1/operation.pb.h"

namespace keymast::cli {

// ProgressText gives `60/100 pages  60%  12.5/s  ETA 3s` of an operation that was seen at
// `first_units` `elapsed` ago; rate and ETA only once it has moved.
std::string ProgressText(const v1::Operation& operation, uint64_t first_units, Duration elapsed);

// Progress tells on standard error: one line that is written over on a terminal, a line for each
// change elsewhere.
class Progress {
 public:
  explicit Progress(Surroundings& around) : around_(around) {}
  void Tell(const v1::Operation& operation);
  // End leaves the line on a terminal.
  void End();

 private:
  Surroundings& around_;
  bool is_begun_ = false;
  bool is_drawn_ = false;
  uint64_t first_units_ = 0;
  Instant first_{};
  std::string last_;
};

}  // namespace keymast::cli
