// SPDX-License-Identifier: Apache-2.0
// A file outside the data directory that knows how far the commits went, so that a store which lost
// its tail is noticed. It holds numbers, no secrets.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"

namespace keymast::store {

// WitnessRecord is what the file says.
struct WitnessRecord {
  uint64_t incarnation = 0;
  // Every commit number ever used is at most this: it is raised, and synced, before the first
  // number of the next block is used.
  uint64_t reserved = 0;
  // Every commit up to this one was acknowledged when the block was reserved: synced with it.
  uint64_t confirmed = 0;
  // The last acknowledged commit, written after each commit without a sync: exact as long as this
  // machine has not been started anew since (the page cache outlives a killed process).
  uint64_t last = 0;
  bool last_is_exact = false;  // clean stop, or same boot as the writer's
  bool clean = false;          // the writer stopped in order: last is exact and synced
};

// Witness is the open file, locked against a second process. Used by one thread.
class Witness {
 public:
  // Create makes a new file for `incarnation` with no commit yet; kAlreadyExists, kIo.
  static Result<std::unique_ptr<Witness>> Create(const std::string& path, uint64_t incarnation);
  // Open reads an existing one: kNotFound, kInUse, kCorrupt (no slot has a good checksum), kIo.
  static Result<std::unique_ptr<Witness>> Open(const std::string& path);
  virtual ~Witness() = default;

  virtual const WitnessRecord& record() const = 0;

  // Reserve raises `reserved` to `until` and is durable when it returns; `confirmed` becomes
  // `last`.
  virtual Status Reserve(uint64_t until) = 0;
  // Note remembers the last acknowledged commit: in the kernel when it returns, not synced.
  virtual Status Note(uint64_t last) = 0;
  // CloseClean makes `last` exact and durable; nothing is noted after it.
  virtual Status CloseClean(uint64_t last) = 0;
  // Renew begins a new incarnation that goes on behind `reserved`: durable when it returns.
  virtual Status Renew(uint64_t incarnation) = 0;
};

}  // namespace keymast::store
