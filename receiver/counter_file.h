// SPDX-License-Identifier: Apache-2.0
// The COUNTERs that must outlive the process: without them a recorded MSK message could be played
// again after a restart.
#pragma once

#include <string>
#include <vector>

#include "receiver/keyring.h"

namespace keymast::receiver {

// CounterFile keeps the highest COUNTER per user key and sender in a text file of mode 0600. User
// keys appear by fingerprint, so a key that comes back finds its counters again.
class CounterFile {
 public:
  // Open reads `path`; a file that is not there yet is empty. kCorrupt when it is not what was
  // written last, kNewerFormat, kIo.
  static tl::expected<CounterFile, Failure> Open(const std::string& path,
                                                 const crypto::Key32& user_key);

  // counters gives what is kept for this user key.
  std::vector<SenderCounter> counters() const;

  // Save makes `counters` durable: new file, synced, renamed over the old one. kIo, kNoSpace; then
  // the old file still stands.
  Status Save(std::span<const SenderCounter> counters);

 private:
  struct Row {
    std::string user_key;  // fingerprint
    SenderCounter counter;
  };
  Status Parse(std::string_view text);
  std::string Text() const;

  std::string path_;
  std::string user_key_;
  std::vector<Row> rows_;
};

}  // namespace keymast::receiver
