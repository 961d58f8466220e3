// SPDX-License-Identifier: Apache-2.0
// The COUNTERs that must outlive the process: without them a recorded MSK message could be played
// again after a restart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "receiver/keyring.h"
#include "shell/file_lock.h"

namespace keymast::receiver {

// CounterRow is what is kept for one user key, which appears by its fingerprint of 16 hexadecimal
// digits, and one sender.
struct CounterRow {
  std::string user_key;
  SenderCounter counter;
  friend bool operator==(const CounterRow&, const CounterRow&) = default;
};
using CounterRows = std::vector<CounterRow>;  // at most 64

// ToText and CountersFromText: a first line with the version, a row a line, a digest. kCorrupt,
// kNewerFormat.
std::string ToText(const CounterRows& rows);
Result<CounterRows> CountersFromText(std::string_view text);

// MemberTs are T of REPORTs and of KEYS in a group (MIKEYv2 §10). They outlive the process.
struct MemberTs {
  uint32_t report = 0;  // T of REPORTs up to this one may have been used
  uint32_t keys = 0;    // of the last unasked KEYS that were taken
  friend bool operator==(const MemberTs&, const MemberTs&) = default;
};

// CounterFile keeps the highest COUNTER per user key and sender in a text file of mode 0600. User
// keys appear by fingerprint, so a key that comes back finds its counters again.
class CounterFile {
 public:
  // Open reads `path` for the one receiver that may use it; a file that is not there yet is empty.
  // kInUse; kCorrupt when it is not what was written last, kNewerFormat, kIo: the message says what
  // to do.
  static tl::expected<CounterFile, Failure> Open(const std::string& path,
                                                 const crypto::Key32& user_key);
  // Read is Open for who only looks, whether a receiver uses the file or not. It cannot be saved.
  static tl::expected<CounterFile, Failure> Read(const std::string& path,
                                                 const crypto::Key32& user_key);

  // counters gives what is kept for this user key.
  std::vector<SenderCounter> counters() const;

  // Save makes `counters` durable: new file, synced, renamed over the old one. kIo, kNoSpace, also
  // for too many user keys; then the old file still stands.
  Status Save(std::span<const SenderCounter> counters);

  // member gives what is kept of the group with this URI, SaveMember makes it durable as Save does.
  // They are rows of senders that no message can name. In a full file those of the group that was
  // saved longest ago make room.
  MemberTs member(std::string_view uri) const;
  Status SaveMember(std::string_view uri, const MemberTs& ts);

 private:
  Status Write(CounterRows rows);
  std::optional<shell::FileLock> lock_;
  std::string path_;
  std::string user_key_;
  CounterRows rows_;
};

}  // namespace keymast::receiver
