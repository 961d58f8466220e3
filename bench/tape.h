// SPDX-License-Identifier: Apache-2.0
// The primitives of a piece of work and nothing else: a suite that writes down what it is asked
// for, and plays it again.
#pragma once

#include <functional>
#include <vector>

#include "crypto/primitives.h"
#include "crypto/public_key.h"

namespace keymast::bench {

// Tape holds calls of primitives with their inputs. What a call borrowed (keys of signatures)
// outlives the tape.
class Tape {
 public:
  // Suite does what crypto::DefaultSuite does, and writes it on the tape that was started last.
  static const crypto::Suite& Suite();

  // From Start to Stop the suite's calls are added to this tape.
  void Start();
  static void Stop();

  // Play does every call again, in order, with the inputs that it had then.
  void Play() const;

  size_t size() const { return calls_.size(); }

  // Add is for the suite.
  void Add(std::function<void()> call) { calls_.push_back(std::move(call)); }

 private:
  std::vector<std::function<void()>> calls_;
};

}  // namespace keymast::bench
