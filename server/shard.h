// SPDX-License-Identifier: Apache-2.0
// One shard: it owns the controller and does everything in one order: decide, apply, append, sync,
// release. Used by one thread.
#pragma once

#include <atomic>

#include "controller/controller.h"
#include "server/datagram_port.h"
#include "server/headend_streams.h"
#include "server/held.h"
#include "server/histogram.h"
#include "server/pipeline.h"
#include "server/watch_log.h"

namespace keymast::server {

// StoreState has the values of keymast.v1.StoreState.
enum class StoreState : uint8_t { kOpen = 1, kNoSpace = 2, kClosed = 3 };

// Origin is the call that asked for a step, for the log; empty: nobody's, its time had come.
struct Origin {
  std::string by = {};  // the principal
  std::optional<TraceId> trace = {};
};

class Shard {
 public:
  struct Parts {
    const Clock& clock;
    Durable& durable;
    DatagramPort& port;
    HeadendStreams& headends;
    WatchLog& watches;
    std::function<void()> wake;  // from any thread: a commit is done
  };
  struct Counters {
    uint64_t commits = 0;
    std::array<uint64_t, kErrorCount> commit_errors{};
    Histogram<kCommitBounds.size()> commit_time{kCommitBounds};
  };

  // The controller must have been made from the durable state.
  Shard(Parts parts, controller::Controller& controller);

  void Start(bool new_incarnation);

  // Take appends what a step changes and releases what follows from it as soon as it may: at once
  // where nothing that waits concerns it. `then`, if given, runs behind all of it.
  void Take(controller::Step step, Pipeline::Effect then = {}, Origin origin = {});
  // Behind runs `effect` when everything that is decided by now is durable: for answers, which show
  // the working state.
  void Behind(Pipeline::Effect effect) { pipeline_.Append({}, std::move(effect)); }

  // Unable says why no change can be made now; nothing when it can.
  std::optional<Failure> Unable() const;
  // CannotRecord says why no change can be made now that must be on record: what operators ask for.
  // All others are made meanwhile. Each second it is tried whether it can again.
  const std::optional<Failure>& CannotRecord() const { return audit_blocked_; }
  // NotOnRecord says why a change whose commit gave kAuditBlocked was not made; of the last commit.
  Failure NotOnRecord() const;
  // Frozen: nothing can be made durable now, so nothing is decided. Without space an empty commit
  // tries each second whether there is some again.
  bool Frozen() const { return frozen_; }

  // ReceiveDatagrams handles what waits on the MIKEY port.
  void ReceiveDatagrams();
  // ServeStrangers handles joins that waited for members to be served first, for a short while.
  void ServeStrangers();
  // MakeAhead makes some of what joins will need, for a short while, when there is nothing else to
  // do.
  void MakeAhead();
  // Turn ends one turn of the loop: outcomes of commits, what is due, the next batch.
  void Turn();
  // TurnBetween is for between two requests: it is a Turn when something is due or the last one was
  // a while ago, so that many requests, or costly ones, delay neither deadlines nor commits by more
  // than one of them takes.
  void TurnBetween();
  Instant NextDeadline() const;

  // Do as Pipeline::Do; false also while nothing can be made durable. DoAnyway is for what needs
  // nothing to be.
  bool Do(std::function<void()> job, std::function<void()> then) {
    return !frozen_ && DoAnyway(std::move(job), std::move(then));
  }
  bool DoAnyway(std::function<void()> job, std::function<void()> then) {
    return !fatal_ && !draining_ && pipeline_.Do(std::move(job), std::move(then));
  }

  // Drain refuses changes from now on, waits for those decided, and closes the store cleanly.
  void Drain();

  // Fatal is set when this process must end: another one has taken over, or the state cannot be
  // read back.
  const std::optional<Failure>& fatal() const { return fatal_; }
  controller::Controller& controller() { return controller_; }
  const controller::Controller& controller() const { return controller_; }
  Instant Now() const { return parts_.clock.Now(); }
  StoreState store_state() const { return store_state_; }
  uint64_t revision() const { return pipeline_.revision(); }
  const Counters& counters() const { return counters_; }
  const Parts& parts() const { return parts_; }

 private:
  // Outputs of a step, in the form in which they leave.
  struct Outputs {
    std::vector<controller::Datagram> datagrams;
    HeadendDirectives directives;
    std::vector<controller::Event> events;
    Origin origin;
    bool empty() const { return datagrams.empty() && directives.empty() && events.empty(); }
  };
  Outputs OutputsOf(controller::Step& step);
  // TakeReply is Take of what answers a datagram.
  void TakeReply(controller::Step step);
  // The place of the last batch that must be durable before the datagram is sent.
  std::optional<Pipeline::Place> WaitsFor(const controller::Datagram& datagram) const;
  using Waiting = std::map<Pipeline::Place, std::vector<controller::Datagram>>;
  // Passing releases what rests on nothing that waits; what is left is held from then on.
  Waiting Passing(std::vector<controller::Datagram> datagrams, Origin origin);
  void Release(Outputs outputs);
  static void LogEvents(const std::vector<controller::Event>& events, const Origin& origin);
  static void LogRekey(const controller::Event& event, const Origin& origin);
  static void LogSent(size_t datagrams, const Origin& origin);
  void OnCommit(const Pipeline::Outcome& outcome);
  void OnCommitFailed(Error error, bool probe);
  void Reload();
  void Become(StoreState state);
  void Freeze(bool frozen);
  void BlockAudit(Failure why);
  void ProbeAudit();
  void TakeAuditProbe(const tl::expected<void, Failure>& may);

  Parts parts_;
  controller::Controller& controller_;
  Committer committer_;
  Pipeline pipeline_;
  StoreState store_state_ = StoreState::kOpen;
  bool frozen_ = false;
  Instant probe_at_ = kNever;
  std::optional<Failure> audit_blocked_;
  Instant audit_probe_at_ = kNever;
  Instant turned_at_{};
  Instant bookmark_at_ = kNever;
  Held held_;
  size_t held_replies_ = 0;
  Duration receiving_{};  // time spent on datagrams since strangers were served
  bool draining_ = false;
  std::optional<Failure> fatal_;
  Counters counters_;
};

}  // namespace keymast::server
