// SPDX-License-Identifier: Apache-2.0
// The headend with its sockets, its file and its server: one loop, one thread.
#pragma once

#include <memory>
#include <set>

#include "headend/link.h"
#include "headend/options.h"
#include "headend/report.h"
#include "headend/saver.h"
#include "headend/sockets.h"

namespace keymast::headend {

class Program {
 public:
  // Open reads the state file and binds the inputs; it does not wait for the server.
  static tl::expected<std::unique_ptr<Program>, Failure> Open(Setup setup, const Clock& clock);
  ~Program();

  // Poll waits at most until `until` and does what is due. False when `stop_fd` became readable or
  // the program cannot go on: see failure.
  bool Poll(Instant until, int stop_fd);
  // Tick is due each second: reports upward, looks after interfaces.
  void Tick();
  // Stop ends the conversation and gives back what was reserved and not used.
  Status Stop();

  std::string Report() const;
  void PrintReport() const;
  const std::optional<Failure>& failure() const { return failure_; }
  const Headend& headend() const { return headend_; }

  // Passed counts RTP packets of a channel: what came for it, and what went out.
  struct Passed {
    uint64_t in = 0;
    uint64_t out = 0;
  };

 private:
  static constexpr Duration kFirstBackoff = std::chrono::milliseconds(100);
  static constexpr Duration kMaxBackoff = std::chrono::seconds(2);

  Program(Setup setup, const Clock& clock, StateFile file, std::vector<InputSocket> inputs,
          std::unique_ptr<Link> link, std::unique_ptr<net::Recorder> recorder);
  void Connect(Instant now);
  void TakeLinkEvents(Instant now);
  void TakeDirective(const v1::HeadendDirective& directive, Instant now);
  void TakeEnd(const Ended& ended, Instant now);
  void TakeSaved();
  void Drain(InputSocket& input);
  void Save();
  void FollowLink();
  void FollowChannels();
  void FollowKeys();
  void FollowSilence(Instant now);
  void FollowDiscards();
  std::string SilentReason(const Channel& channel, const Sender& sender, Instant now) const;
  Sender* SenderOf(const Channel& channel);

  const Clock& clock_;
  const Setup setup_;
  crypto::SystemRng rng_;
  StateFile file_;
  Headend headend_;
  std::vector<InputSocket> inputs_;
  std::unique_ptr<net::Recorder> recorder_;
  std::map<ChannelId, std::unique_ptr<Sender>> senders_;
  std::map<ChannelId, KeyName> keys_told_;
  std::map<ChannelId, Passed> passed_before_;  // at the last tick: what silence comes from
  Discards discards_before_{};
  std::set<Error> advised_;  // of which mistakes
  Outside outside_;

  std::optional<State> saving_;
  bool save_failed_ = false;  // tried again at the next tick
  bool streaming_ = false;
  bool connected_told_ = false;
  Instant connect_at_;
  Duration backoff_ = kFirstBackoff;
  std::optional<Failure> failure_;

  // Their threads end before the rest goes.
  std::unique_ptr<Saver> saver_;
  std::unique_ptr<Link> link_;
};

}  // namespace keymast::headend
