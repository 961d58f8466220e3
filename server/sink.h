// SPDX-License-Identifier: Apache-2.0
// Where lines of text go that must be outside of the store before something may be done: a file, or
// a FIFO with a reader.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace keymast::server {

class Sink {
 public:
  // Failures of all functions: kAuditBlocked, with the path and what is wrong in words.
  using Done = tl::expected<void, Failure>;

  // Open makes a file that is not there (mode 0600) and keeps others from writing to it at once.
  // Of a FIFO an Append waits `patience` at most for its reader.
  static tl::expected<std::unique_ptr<Sink>, Failure> Open(const std::string& path,
                                                           Duration patience);
  virtual ~Sink() = default;

  // Append takes whole lines. Those of a file are on its disk then, and of a failure nothing is
  // left in it. A FIFO may have taken the first of them, but never a part of one for good: what is
  // left of it goes ahead of what is taken next.
  virtual Done Append(std::string_view lines) = 0;
  // HasRoom says whether so many octets could be taken now.
  virtual Done HasRoom(size_t octets) = 0;
  // IsInPlace: it is still what its path leads to, and as it was left.
  virtual bool IsInPlace() const = 0;

  // What is in it already; a FIFO keeps nothing. `at` and `count` are within the size.
  virtual bool Keeps() const = 0;
  virtual uint64_t size() const = 0;
  virtual tl::expected<std::string, Failure> Read(uint64_t at, size_t count) const = 0;
  // Cut takes away what is behind the first `size` octets.
  virtual Done Cut(uint64_t size) = 0;
};

}  // namespace keymast::server
