// SPDX-License-Identifier: Apache-2.0
// What must outlive the process: reserved indexes, and keys that may have protected RTCP.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ids.h"
#include "shell/file_lock.h"

namespace keymast::headend {

// KeyName orders the MTKs of a channel: ids rise and never come back.
struct KeyName {
  MskId msk;
  MtkId mtk;
  friend auto operator<=>(const KeyName&, const KeyName&) = default;
};

// Claim is the newest key of a channel under which RTCP may have been protected. libsrtp2 counts
// the SRTCP index from 1 in every session, so a later process uses newer keys only for RTCP.
struct Claim {
  int64_t created = 0;  // of the channel, which may have been made anew with the same name
  KeyName key;
  friend bool operator==(const Claim&, const Claim&) = default;
};

using StreamName = std::pair<ChannelId, Ssrc>;

// End is above every index of a stream that was used, or may have been.
struct End {
  int64_t created = 0;  // of the channel, as in Claim
  PacketIndex index;
  friend bool operator==(const End&, const End&) = default;
};

// State of a headend. Rows of channels that it no longer has are kept: they may come back.
struct State {
  std::map<StreamName, End> ends;
  std::map<ChannelId, Claim> claims;
  friend bool operator==(const State&, const State&) = default;
};

inline constexpr size_t kMaxStateRows = 4096;
inline constexpr size_t kMaxStateFile = 1 << 20;

// ToText and StateFromText: a first line with the version, a row a line, a digest. kCorrupt,
// kNewerFormat.
std::string ToText(const State& state);
Result<State> StateFromText(std::string_view text);

// StateFile is the file of one running headend; it holds a lock beside it as long as it lives.
class StateFile {
 public:
  // Open takes the lock and reads; a file that is not there yet is empty. kInUse, kCorrupt,
  // kNewerFormat, kIo: the message says what to do.
  static tl::expected<StateFile, Failure> Open(const std::string& name);

  const State& loaded() const { return loaded_; }
  // Save makes `state` durable: new file, synced, renamed over the old one, folder synced. kIo,
  // kNoSpace, kPermissionDenied: then the old state stands. May be called from any one thread.
  Status Save(const State& state) const;

 private:
  StateFile(std::string path, shell::FileLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  shell::FileLock lock_;
  State loaded_;
};

}  // namespace keymast::headend
