// SPDX-License-Identifier: Apache-2.0
// Randomness is passed in, so that one seed replays a whole run.
#pragma once

#include "base/bytes.h"

namespace keymast::crypto {

class Rng {
 public:
  virtual ~Rng() = default;
  // Fill never fails; a source that cannot deliver ends the process.
  virtual void Fill(MutableBytes out) = 0;
};

// SystemRng draws from the kernel through libsodium.
class SystemRng final : public Rng {
 public:
  void Fill(MutableBytes out) override;
};

// SeededRng is deterministic (ChaCha20 keystream of the seed): for tests, simulation, and what is
// thrown away.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(uint64_t seed) : seed_(seed) {}
  void Fill(MutableBytes out) override;

 private:
  uint64_t seed_;
  uint64_t position_ = 0;
};

}  // namespace keymast::crypto
