// SPDX-License-Identifier: Apache-2.0
// How a job of the store ends its operation; when it ended is set where it is kept.
#pragma once

#include "rekey/operation.h"

namespace keymast::server {

inline rekey::Progress Ended(rekey::Progress progress) {
  progress.ended = Instant::min();
  return progress;
}

inline rekey::Progress Failed(rekey::Progress progress, Error error, std::string message) {
  progress.failed = true;
  progress.error = error;
  progress.message = std::move(message);
  return Ended(std::move(progress));
}

inline rekey::Progress Cancelled(rekey::Progress progress) {
  return Failed(std::move(progress), Error::kCancelled, "was cancelled");
}

}  // namespace keymast::server
