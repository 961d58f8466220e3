// SPDX-License-Identifier: Apache-2.0
// Reads the files of joins by certificate again while the server runs: a new set takes the place of
// the old one as a whole, or not at all.
#pragma once

#include <mutex>
#include <thread>

#include "server/join_files.h"

namespace keymast::server {

// JoinFilesView is what metrics show of them.
struct JoinFilesView {
  bool are_there = false;
  Instant certificate_end = kNever;
  std::optional<Instant> list_end;
  uint64_t reloads = 0;  // that took a new set
  uint64_t failed = 0;   // that kept the old one
  bool last_failed = false;
};

// JoinReload is used by one thread, but for the thread of its own on which it reads: lists may be
// long.
class JoinReload {
 public:
  using Load = std::function<tl::expected<LoadedJoinFiles, Failure>()>;

  // `load` is called on the other thread, `wake` there when it is done.
  JoinReload(Load load, std::function<void()> wake);
  ~JoinReload();
  JoinReload(const JoinReload&) = delete;
  JoinReload& operator=(const JoinReload&) = delete;

  // Start begins to read; while that is under way, once more behind it.
  void Start();
  // Take gives what was read, once, when it is there. A set whose certificate has ended at `now` is
  // a failure.
  std::optional<tl::expected<LoadedJoinFiles, Failure>> Take(Instant now);

  // Adopt is told of the set that is used: at the start, and of each that Take gave.
  void Adopt(const LoadedJoinFiles& loaded);
  const JoinFilesView& view() const { return view_; }

 private:
  void Run();

  const Load load_;
  const std::function<void()> wake_;
  JoinFilesView view_;
  bool again_ = false;
  std::thread thread_;
  std::mutex mutex_;
  std::optional<tl::expected<LoadedJoinFiles, Failure>> read_;
};

}  // namespace keymast::server
