// SPDX-License-Identifier: Apache-2.0
// Ordered keys, atomic batches, revisions, one writer fenced by an epoch. Values are opaque here;
// store/sealed.h seals them, records/ gives them meaning. Every backend passes the suite of
// tests/unit/store/conformance.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::store {

// Revision is the number of the commit that wrote a key last; the store's own is its last commit.
using Revision = uint64_t;
// Fence is the leadership epoch; a commit under an older one is refused.
using Fence = uint64_t;

struct Entry {
  std::string key;
  Bytes value;
  Revision revision = 0;
};

struct Expectation {
  std::string key;
  Revision revision = 0;  // 0: the key must be absent
};

// Batch is applied whole or not at all.
struct Batch {
  std::vector<std::pair<std::string, Bytes>> puts;
  std::vector<std::string> deletes;
  std::vector<Expectation> expected;
  Fence fence = 0;
};

struct Limits {
  size_t operations = 64;          // puts, deletes and expectations together
  size_t octets = 512 * 1024;      // keys and values together
};

struct WatchEvent {
  Revision revision = 0;
  std::string key;
  std::optional<Bytes> value;  // absent: deleted
};

class Store {
 public:
  virtual ~Store() = default;

  // Commit returns when the batch is durable. Errors: kConflict (an expectation failed), kFenced,
  // kNoSpace (nothing changed; try again when there is room), kOutcomeUnknown (read back before
  // deciding), kBatchTooLarge, kStoreClosed (an earlier sync failed: no more writing).
  virtual Result<Revision> Commit(const Batch& batch) = 0;

  // Scan returns keys that begin with `prefix`, above `after`, in order, at most `limit`, as of
  // `revision` (0: the newest). kCompacted when that revision is no longer kept.
  virtual Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after,
                                          size_t limit, Revision revision) = 0;

  // Watch returns the changes of keys with `prefix` after `from`, oldest first, at most `limit`;
  // empty when there are none yet. kCompacted when `from` is older than what is kept.
  virtual Result<std::vector<WatchEvent>> Watch(std::string_view prefix, Revision from,
                                                size_t limit) = 0;

  virtual Limits limits() const { return {}; }
  virtual Revision revision() const = 0;
  // Raised at each open (embedded backend); commits carry it.
  virtual Fence fence() const = 0;
};

}  // namespace keymast::store
