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
  // machine has not been started anew since (the page cache outlives a killed process). Otherwise
  // the best that is known: at least `confirmed`, at most the true one.
  uint64_t last = 0;
  bool last_is_exact = false;  // clean stop, or same boot as the writer's
  bool clean = false;          // the writer stopped in order: last is exact and synced

  bool operator==(const WitnessRecord&) const = default;
};

// ThisBoot names the running boot of this machine; empty when the kernel does not tell.
std::string ThisBoot();

// Witness is the open file, locked against a second process. Used by one thread. kNoSpace: there
// was no room for a write, as file systems need that never write in place; the call may be made
// again. After any other error nothing more is written: every further call is kStoreClosed.
class Witness {
 public:
  // Create makes a new file for `incarnation` with no commit yet; kAlreadyExists, kNotFound (no
  // such directory), kNoSpace, kIo. What a creation that was cut short leaves (`path`.new) is
  // overwritten. `boot` is for tests, here and in Open.
  static Result<std::unique_ptr<Witness>> Create(const std::string& path, uint64_t incarnation,
                                                 const std::string& boot = ThisBoot());
  // Open reads an existing one: kNotFound, kInUse, kCorrupt (it has not the size of a witness, or
  // no synced slot has a good checksum), kNewerFormat, kIo.
  static Result<std::unique_ptr<Witness>> Open(const std::string& path,
                                               const std::string& boot = ThisBoot());
  virtual ~Witness() = default;

  // record is what the file said when it was opened, with what was written since.
  virtual const WitnessRecord& record() const = 0;

  // Reserve raises `reserved` to `until` and is durable when it returns; `confirmed` becomes
  // `last`.
  virtual Status Reserve(uint64_t until) = 0;
  // Note remembers the last acknowledged commit, at most `reserved`: in the kernel when it returns,
  // not synced. Only the first one after a clean stop syncs, so that the file never calls itself
  // clean when it is not.
  virtual Status Note(uint64_t last) = 0;
  // CloseClean makes `last` exact and durable; nothing is written after it (kStoreClosed).
  virtual Status CloseClean(uint64_t last) = 0;
  // Renew begins a new incarnation that goes on behind `reserved`: durable when it returns. None of
  // its commits is acknowledged yet: `confirmed` and `last` are 0 until the first.
  virtual Status Renew(uint64_t incarnation) = 0;
};

}  // namespace keymast::store
