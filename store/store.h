// SPDX-License-Identifier: Apache-2.0
// Ordered keys, atomic batches, revisions, one writer fenced by an epoch. Values are opaque here:
// records/ seals them and gives them meaning. Every backend passes the suite of
// tests/unit/store/conformance.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::store {

// Revision is the number of the commit that wrote a key last; the store's own is its last commit.
// Each commit counts, also one that changes nothing; raising the fence is not a commit.
using Revision = uint64_t;
// Fence is the leadership epoch; a commit under any other than the current one is refused.
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

// Batch is applied whole or not at all. Keys are any octets, at least one; puts and deletes name a
// key once. Deleting an absent key changes nothing.
struct Batch {
  std::vector<std::pair<std::string, Bytes>> puts;
  std::vector<std::string> deletes;
  std::vector<Expectation> expected;
  Fence fence = 0;
};

struct Limits {
  size_t operations = 64;      // puts, deletes and expectations together
  size_t octets = 512 * 1024;  // keys and values of all of them together
};

struct WatchEvent {
  Revision revision = 0;
  std::string key;
  std::optional<Bytes> value;  // absent: deleted
};

// Store is used by any number of threads; a read never waits for a commit's sync, and sees only
// what is durable.
class Store {
 public:
  virtual ~Store() = default;

  // Commit returns when the batch is durable. Errors: kConflict (an expectation failed), kFenced,
  // kNoSpace (nothing changed; try again when there is room), kOutcomeUnknown (read back before
  // deciding), kBatchTooLarge, kInvalidArgument (an empty key, or one named twice), kStoreClosed
  // (this or an earlier write or sync failed: no more writing, reads go on; only the next open
  // tells whether the batch that hit the failure is there), kCorrupt or kIo (an expected key could
  // not be read; nothing changed).
  virtual Result<Revision> Commit(const Batch& batch) = 0;

  // Scan returns keys that begin with `prefix`, above `after` (empty: from the first), in order of
  // their octets, at most `limit`, as of `revision` (0: the newest). kCompacted when that revision
  // is no longer kept, kInvalidArgument when it is still to come, kCorrupt, kIo.
  virtual Result<std::vector<Entry>> Scan(std::string_view prefix, std::string_view after,
                                          size_t limit, Revision revision) = 0;

  // Watch returns the changes of keys with `prefix` after `from`, oldest first; empty when there
  // are none yet. A commit's changes stay together: as many whole commits as make at most `limit`,
  // but at least one, so that the last event's revision is where the next call goes on. Errors as
  // for Scan: kCompacted, kInvalidArgument.
  virtual Result<std::vector<WatchEvent>> Watch(std::string_view prefix, Revision from,
                                                size_t limit) = 0;

  // BeginBackup gathers the files of a backup of what is durable, which an open takes for a store
  // that was killed, in a folder on the store's own file system, and gives its path. It takes a
  // moment for which commits wait: what never changes any more is shared with the store, and keeps
  // its room as long as the folder is there. Whoever asks takes the files from there, or the folder
  // itself. There is one at a time, and an open finds none. kNoSpace, kIo, kStoreClosed, leaving
  // nothing; kUnimplemented where there are no files.
  virtual Result<std::string> BeginBackup() = 0;
  // EndBackup removes the folder, if it is there: kIo.
  virtual Status EndBackup() = 0;

  virtual Limits limits() const { return {}; }
  virtual Revision revision() const = 0;
  // Raised at each open (embedded backend); commits carry it.
  virtual Fence fence() const = 0;
};

}  // namespace keymast::store
