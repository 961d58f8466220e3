// SPDX-License-Identifier: Apache-2.0
// Holds back what follows from changes until they are durable, in order; lets everything else pass.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "server/durable.h"

namespace keymast::server {

// Committer runs one commit at a time on a thread of its own.
class Committer {
 public:
  // `on_done` is called on the committer's thread after each commit; it only wakes the owner.
  Committer(Durable& durable, std::function<void()> on_done);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Start begins a commit; none may be in flight. `changes` stay as they are until Take or Wait.
  void Start(const std::vector<rekey::Change>& changes);
  // StartJob has `job` done on the committer's thread, as a commit would be.
  void StartJob(std::function<void()> job);
  struct Done {
    Result<uint64_t> revision;  // of a job that of the store
    Duration took{};
  };
  // Take gives the outcome of the batch in flight, once; nothing while it is not known.
  std::optional<Done> Take();
  // Wait is Take that blocks.
  Done Wait();

 private:
  void Run();

  Durable& durable_;
  const std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::vector<rekey::Change>* work_ = nullptr;
  std::function<void()> job_;
  std::optional<Done> done_;
  bool stopping_ = false;
  std::thread thread_;
};

// Pipeline keeps the order decide, apply, append, sync, release for one shard. One batch is in
// flight, the next ones gather meanwhile. Used by one thread.
class Pipeline {
 public:
  // Effect is called once: with success when everything appended up to it is durable, or with the
  // error of the commit that it waited for. It must not call back into the pipeline.
  using Effect = std::function<void(const Status&)>;

  Pipeline(Durable& durable, Committer& committer)
      : durable_(durable), committer_(committer), revision_(durable.revision()) {}
  // Waits for a commit that is in flight, because it reads what is kept here.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Idle: nothing waits, so nothing needs to be held.
  bool Idle() const { return batches_.empty(); }
  // Place names a batch that waits: those behind it have greater ones.
  using Place = uint64_t;
  // The last batch with a change of this channel, or of what belongs to none (subscribers,
  // headends, the COUNTER of user keys).
  std::optional<Place> LastOf(const ChannelId& channel) const;
  std::optional<Place> LastShared() const;

  // Revision of the store that was released last; new already when the effects of its commit run.
  uint64_t revision() const { return revision_; }

  // Reloaded takes over the revision of a state that was read back: a commit whose outcome was
  // unknown may have been made.
  void Reloaded() { revision_ = durable_.revision(); }

  // Append adds changes to the open batch, and the effect behind them, if there is one. Without
  // changes the effect waits for everything before it, and runs at once when nothing does.
  void Append(std::vector<rekey::Change> changes, Effect effect);

  // Behind adds an effect that waits for no more than the batch at `place`, which must wait.
  void Behind(Place place, Effect effect);

  // Flush gives the oldest batch to the committer, if that is free.
  void Flush();

  // Probe commits nothing, to see whether something could be; nothing waits then, and what is
  // appended meanwhile does not wait for it. False, doing nothing, while the committer is busy.
  bool Probe();

  // Do has `job` done by the committer between two commits, before those that wait by then, and
  // calls `then`, from Collect. False, doing nothing, while there is another job.
  bool Do(std::function<void()> job, std::function<void()> then);

  // Collect takes the outcome of a commit, if there is one, and runs the effects that waited for
  // it. After an error all that waited is given that error and nothing waits any more: what was
  // decided after a failed commit rests on it. The caller reloads the state then.
  struct Outcome {
    Status status;
    Duration took{};
    size_t changes = 0;
    bool probe = false;  // of Probe: no effect waited for it
  };
  std::optional<Outcome> Collect();
  // Drain flushes and waits until nothing waits; stops at the first error, but for that of a probe.
  Status Drain();

 private:
  struct Batch {
    std::unique_ptr<CommitRoom> room;
    std::vector<rekey::Change> changes;
    std::vector<Effect> effects;
  };
  Batch& OpenBatch(const std::vector<rekey::Change>& changes);
  Outcome Settle(const Committer::Done& done);
  void EndJob();
  bool IsJobUnderWay() const { return then_ && !job_; }
  bool IsBusy() const { return in_flight_ || probing_ || IsJobUnderWay(); }

  Durable& durable_;
  Committer& committer_;
  uint64_t revision_;
  std::deque<Batch> batches_;   // oldest first
  Place first_ = 0;             // of the oldest
  bool in_flight_ = false;      // the oldest is with the committer
  bool probing_ = false;        // nothing_ is
  std::function<void()> job_;   // that waits for it
  std::function<void()> then_;  // of a job that waits, or is with it
  const std::vector<rekey::Change> nothing_;
  // Last batches with a change of each; those before `first_` wait no more.
  std::map<ChannelId, Place> channels_;
  std::optional<Place> shared_;
};

}  // namespace keymast::server
