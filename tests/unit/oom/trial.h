// SPDX-License-Identifier: Apache-2.0
// One life of a server: what it is asked, what it says, and how it ended.
#pragma once

#include "server/core_client.h"
#include "tests/unit/oom/house.h"
#include "tests/unit/oom/wire.h"

namespace keymast::oom {

class Trial {
 public:
  // `strike` is the allocation behind Light that is given nothing; 0: all are given something.
  Trial(const House& house, uint64_t strike);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // Light begins the part in which memory ends, Quench ends it.
  void Light() { shared_->fuse.lit = true; }
  void Quench() { shared_->fuse.lit = false; }

  // Call gives the answer; Send and Next are its halves. kUnavailable: the server is gone.
  Result<core::CoreReply> Call(core::CoreRequest request);
  Result<uint64_t> Send(core::CoreRequest request) { return client_->Send(std::move(request)); }
  Result<core::CoreReply> Next() { return client_->Receive(); }
  void HangUp() { client_.reset(); }
  // Arrive hands the server a datagram; Settle waits until it has done what it can, and is false
  // when it is gone.
  void Arrive(const Endpoint& from, const Bytes& octets);
  bool Settle();
  Instant now() const { return FromUnixNanos(shared_->now); }
  void Pass(Duration duration) { shared_->now += std::chrono::nanoseconds(duration).count(); }
  // Answer is the last datagram of version 2 to an address, empty where there is none.
  Bytes Answer(const Endpoint& to) const;
  const std::vector<Post>& sent() const { return sent_; }

  // What was promised by now must be there after the end.
  void Promised();
  std::optional<size_t> promised() const { return promised_; }

  std::string StateHash();
  uint64_t burnt() const { return shared_->fuse.burnt; }
  bool HasStruck() const { return shared_->fuse.HasStruck(); }
  Bytes Commits() const { return house_.Commits(); }

  // End waits for a server that is ending, or kills it: its status as waitpid has it.
  int End();
  std::string Log() const;

  const House& house() const { return house_; }

 private:
  void Connect();
  void Collect();
  bool IsGone();

  const House& house_;
  Shared* shared_;
  int port_ = -1;
  pid_t pid_ = -1;
  std::optional<int> status_;
  std::optional<server::CoreClient> client_;
  uint64_t arrived_ = 0;
  std::vector<Post> sent_;
  std::optional<size_t> promised_;
};

}  // namespace keymast::oom
