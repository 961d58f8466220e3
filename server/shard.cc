// SPDX-License-Identifier: Apache-2.0
#include "server/shard.h"

#include <algorithm>
#include <utility>

#include "keymast/v1/server.pb.h"

#include "base/failpoint.h"
#include "server/names.h"
#include "server/translate.h"
#include "shell/log.h"

namespace keymast::server {
namespace {

constexpr size_t kDatagramsATurn = 1024;
constexpr size_t kDatagramsAtOnce = 64;
// So long at most deadlines wait for datagrams, of which some cost a signature each.
constexpr Duration kMostReceiving = std::chrono::milliseconds(5);
// What is due for many channels at once leaves as it is made: the first does not wait for the last.
constexpr size_t kChannelsATick = 2;
constexpr Duration kBookmarkPeriod = std::chrono::seconds(5);
constexpr Duration kProbeAfter = std::chrono::seconds(1);
constexpr Duration kMostBetweenTurns = std::chrono::milliseconds(5);
constexpr uint32_t kRetryMs = 1000;
constexpr int kMadeAtOnce = 8;
constexpr size_t kMostHeldReplies = 16384;
// Deadlines and members come first: what is left of strangers waits for the next turn. Under a
// flood they get as long as it took to tell them from members.
constexpr Duration kLeastServing = std::chrono::milliseconds(2);

std::string KindName(controller::Event::Kind kind) {
  return v1::Event::Kind_Name(static_cast<v1::Event::Kind>(kind));
}

std::string TextOf(const std::optional<TraceId>& trace) {
  return trace ? ToHex(trace->octets) : std::string();
}

}  // namespace

Shard::Shard(Parts parts, controller::Controller& controller)
    : parts_(std::move(parts)),
      controller_(controller),
      committer_(parts_.durable, parts_.wake),
      pipeline_(parts_.durable, committer_) {
  parts_.watches.Begin(pipeline_.revision());
}

void Shard::Start(bool new_incarnation) {
  if (auto may = parts_.durable.MayRecord(); !may) BlockAudit(std::move(may.error()));
  Take(controller_.Start(Now(), new_incarnation));
}

Shard::Outputs Shard::OutputsOf(controller::Step& step) {
  Outputs outputs;
  for (const HeadendId& headend : step.headends_to_redefine) {
    HeadendDirectives directives = parts_.headends.Redefine(headend, controller_);
    std::move(directives.begin(), directives.end(), std::back_inserter(outputs.directives));
  }
  for (const controller::HeadendKey& key : step.headend_keys) {
    v1::HeadendDirective directive;
    *directive.mutable_key() = ToProto(key);
    outputs.directives.emplace_back(key.headend, std::move(directive));
  }
  outputs.datagrams = std::move(step.datagrams);
  outputs.events = std::move(step.events);
  return outputs;
}

// MTK messages rest on the changes of their channel alone; MSK messages and boxes also on what
// belongs to no channel (subscribers, headends, the COUNTER of user keys). No datagram waits for a
// commit that it does not rest on: a disk that hangs may be in the middle of that one.
std::optional<Pipeline::Place> Shard::WaitsFor(const controller::Datagram& datagram) const {
  std::optional<Pipeline::Place> place =
      std::max(pipeline_.LastOf(datagram.channel), held_.Last(datagram));
  if (!datagram.to.IsMulticast()) place = std::max(place, pipeline_.LastShared());
  return place;
}

Shard::Waiting Shard::Passing(std::vector<controller::Datagram> datagrams, Origin origin) {
  Outputs passing;
  passing.origin = std::move(origin);
  Waiting waiting;
  for (controller::Datagram& datagram : datagrams) {
    const auto place = WaitsFor(datagram);
    if (place) held_.Add(datagram, *place);
    (place ? waiting[*place] : passing.datagrams).push_back(std::move(datagram));
  }
  Release(std::move(passing));
  return waiting;
}

void Shard::Take(controller::Step step, Pipeline::Effect then, Origin origin) {
  if (step.changes.empty() && pipeline_.Idle()) {
    Outputs outputs = OutputsOf(step);
    outputs.origin = std::move(origin);
    Release(std::move(outputs));
    if (then) then({});
    return;
  }
  if (!step.changes.empty()) pipeline_.Append(std::move(step.changes), {});
  PassFailpoint("server.step.appended");
  for (auto& [place, datagrams] : Passing(std::exchange(step.datagrams, {}), origin)) {
    Outputs held;
    held.datagrams = std::move(datagrams);
    held.origin = origin;
    pipeline_.Behind(place, [this, held = std::move(held)](const Status& status) mutable {
      held_.Remove(held.datagrams);
      if (status) Release(std::move(held));
    });
  }
  Outputs rest = OutputsOf(step);
  rest.origin = std::move(origin);
  if (rest.empty() && !then) return;
  pipeline_.Append(
      {}, [this, rest = std::move(rest), then = std::move(then)](const Status& status) mutable {
        if (status) Release(std::move(rest));
        if (then) then(status);
      });
}

// A reply that changes nothing, and waits for what others changed, is one of as many as are asked
// for while the disk is slow: those above a bound are dropped, and asked for again.
void Shard::TakeReply(controller::Step step) {
  const bool is_alone = step.changes.empty() && step.events.empty();
  if (!is_alone || pipeline_.Idle()) return Take(std::move(step));
  for (auto& [place, datagrams] : Passing(std::move(step.datagrams), {})) {
    if (held_replies_ + datagrams.size() > kMostHeldReplies) {
      held_.Remove(datagrams);
      continue;
    }
    held_replies_ += datagrams.size();
    pipeline_.Behind(place, [this, datagrams = std::move(datagrams)](const Status& status) {
      held_replies_ -= datagrams.size();
      held_.Remove(datagrams);
      if (status) parts_.port.Send(datagrams);
    });
  }
}

void Shard::Release(Outputs outputs) {
  PassFailpoint("server.release.before");
  if (!outputs.datagrams.empty()) parts_.port.Send(outputs.datagrams);
  LogSent(outputs.datagrams.size(), outputs.origin);
  parts_.headends.Send(outputs.directives);
  PassFailpoint("server.release.sent");
  LogEvents(outputs.events, outputs.origin);
  for (controller::Event& event : outputs.events) {
    parts_.watches.Add(pipeline_.revision(), std::move(event));
  }
}

// LogEvents writes one line for all events of one kind in one channel: a batch of a thousand
// members is one change to who reads the log. The first of them is named, watchers are told each.
void Shard::LogEvents(const std::vector<controller::Event>& events, const Origin& origin) {
  struct Line {
    const controller::Event* first;
    uint64_t count;
  };
  std::vector<Line> lines;
  for (const controller::Event& event : events) {
    if (event.rekey) {
      LogRekey(event, origin);
      continue;
    }
    const auto same = std::find_if(lines.begin(), lines.end(), [&](const Line& line) {
      return line.first->kind == event.kind && line.first->channel == event.channel;
    });
    if (same != lines.end()) {
      ++same->count;
    } else {
      lines.push_back({&event, 1});
    }
  }
  for (const Line& line : lines) {
    shell::Log(shell::LogLevel::kInfo, "change",
               {{"kind", KindName(line.first->kind)},
                {"resource", line.first->resource},
                {"count", std::to_string(line.count)},
                {"by", origin.by},
                {"trace_id", TextOf(origin.trace)}});
  }
}

void Shard::LogRekey(const controller::Event& event, const Origin& origin) {
  const v1::Event message = ToProto(event);
  shell::Log(shell::LogLevel::kInfo, "rekey",
             {{"channel", event.channel.value},
              {"level", v1::KeyLevel_Name(message.rekey().level())},
              {"reason", v1::RekeyReason_Name(message.rekey().reason())},
              {"msk_id", message.rekey().msk_id()},
              {"mtk_id", std::to_string(message.rekey().mtk_id())},
              {"by", origin.by},
              {"trace_id", TextOf(origin.trace)}});
}

// LogSent ends the trace of a call: what it asked for is on its way. What is due by itself, or sent
// again, belongs to no call.
void Shard::LogSent(size_t datagrams, const Origin& origin) {
  if (datagrams == 0 || !origin.trace) return;
  shell::Log(shell::LogLevel::kInfo, "sent",
             {{"datagrams", std::to_string(datagrams)},
              {"by", origin.by},
              {"trace_id", TextOf(origin.trace)}});
}

std::optional<Failure> Shard::Unable() const {
  if (fatal_) return fatal_;
  if (draining_) return Failure{Error::kDraining, "the server is stopping", {}, {}, kRetryMs};
  if (!frozen_) return std::nullopt;
  if (store_state_ == StoreState::kNoSpace) {
    return Failure{
        Error::kNoSpace, "the store has no space left; nothing was changed", {}, {}, kRetryMs};
  }
  return Failure{
      Error::kStoreClosed, "the store failed and is closed for writing until a restart", {}, {}, 0};
}

// ReceiveDatagrams takes some at a time, and stops where they cost much: what waits in the socket
// is handled in the next turn, behind the deadlines.
void Shard::ReceiveDatagrams() {
  const Instant begin = Now();
  size_t taken = 0;
  size_t before = 0;
  do {
    before = taken;
    parts_.port.Receive(kDatagramsAtOnce, [this, &taken](const Endpoint& from, ByteView octets) {
      ++taken;
      TakeReply(controller_.OnDatagram(from, octets, Now()));
    });
  } while (taken - before >= kDatagramsAtOnce && taken < kDatagramsATurn &&
           Now() - begin < kMostReceiving);
  receiving_ += Now() - begin;
}

void Shard::ServeStrangers() {
  const Instant end = Now() + std::max(kLeastServing, std::exchange(receiving_, {}));
  while (controller_.Waiting() > 0) {
    TakeReply(controller_.Serve(Now()));
    const Instant now = Now();
    if (now >= end || now >= controller_.NextDeadline()) return;
  }
}

void Shard::Turn() {
  while (const auto outcome = pipeline_.Collect()) OnCommit(*outcome);
  PassFailpoint("server.turn.released");
  const Instant now = turned_at_ = Now();
  // The working state is ahead of what is durable then: nothing may follow from it.
  if (fatal_) return;
  if (now >= probe_at_) probe_at_ = pipeline_.Probe() ? kNever : now + kProbeAfter;
  if (controller_.NextDeadline() <= now) {
    // Verifications that wait are handled first, so that nothing is repeated that has arrived.
    ReceiveDatagrams();
    const Instant due = Now();
    while (controller_.NextDeadline() <= due) Take(controller_.Tick(due, kChannelsATick));
    PassFailpoint("server.turn.ticked");
  }
  ServeStrangers();
  parts_.headends.Expire(now);
  if (now >= bookmark_at_) parts_.watches.Bookmark(pipeline_.revision(), now);
  if (!parts_.watches.HasWatchers()) {
    bookmark_at_ = kNever;
  } else if (now >= bookmark_at_ || bookmark_at_ == kNever) {
    bookmark_at_ = now + kBookmarkPeriod;
  }
  parts_.watches.Pump();
  pipeline_.Flush();
  // Behind what waits, which is committed between two of its jobs.
  if (now >= audit_probe_at_) ProbeAudit();
  PassFailpoint("server.turn.flushed");
  parts_.port.Flush();
  controller_.Anticipate();
}

void Shard::MakeAhead() {
  for (int i = 0; i < kMadeAtOnce && controller_.MakeAhead(); ++i) {
  }
}

void Shard::TurnBetween() {
  if (draining_) return;
  const Instant now = Now();
  if (now >= NextDeadline() || now >= turned_at_ + kMostBetweenTurns) Turn();
}

Instant Shard::NextDeadline() const {
  if (controller_.Waiting() > 0 && !fatal_) return turned_at_;
  return std::min({controller_.NextDeadline(), bookmark_at_, probe_at_, audit_probe_at_,
                   parts_.headends.NextDeadline()});
}

void Shard::OnCommit(const Pipeline::Outcome& outcome) {
  counters_.commit_time.Observe(std::chrono::duration<double>(outcome.took).count());
  if (outcome.status) {
    ++counters_.commits;
    return Become(StoreState::kOpen);
  }
  ++counters_.commit_errors[static_cast<size_t>(outcome.status.error())];
  OnCommitFailed(outcome.status.error(), outcome.probe);
}

void Shard::OnCommitFailed(Error error, bool probe) {
  const bool known = error == Error::kNoSpace && store_state_ == StoreState::kNoSpace;
  if (!known) {
    shell::Log(shell::LogLevel::kError, "commit_failed",
               {{"reason", std::string(ErrorName(error))}});
  }
  switch (error) {
    case Error::kFenced:
      fatal_ = Failure{error, "another keymastd has taken over this store", {}, {}, 0};
      return;
    case Error::kNoSpace:
      Become(StoreState::kNoSpace);
      break;
    case Error::kAuditBlocked:
      BlockAudit(parts_.durable.Refusal());
      break;
    case Error::kOutcomeUnknown:  // the state that is read back says what became of it
    case Error::kConflict:
    case Error::kBatchTooLarge:
      Become(store_state_);
      break;
    default:
      Become(StoreState::kClosed);
  }
  // A probe that met no room again leaves everything as it was.
  if (probe && error == Error::kNoSpace) return;
  Reload();
  // What became of it can no longer be told in events.
  if (error == Error::kOutcomeUnknown) parts_.watches.Restart(pipeline_.revision());
}

// Reload forgets what was decided and is not durable.
void Shard::Reload() {
  auto state = parts_.durable.Load();
  if (!state) {
    fatal_ = state.error();
    return;
  }
  pipeline_.Reloaded();
  controller_.Reload(std::move(*state), Now());
}

void Shard::Freeze(bool frozen) {
  frozen_ = frozen;
  controller_.Freeze(frozen, Now());
}

Failure Shard::NotOnRecord() const {
  Failure failure = parts_.durable.Refusal();
  failure.message += "; nothing was changed";
  failure.retry_after_ms = kRetryMs;
  return failure;
}

// BlockAudit: what must be on record is not decided any more, everything else goes on.
void Shard::BlockAudit(Failure why) {
  const bool is_known = audit_blocked_ && audit_blocked_->message == why.message;
  if (!is_known) {
    shell::Log(shell::LogLevel::kError, "audit_blocked", {{"reason", why.message}});
  }
  why = {Error::kAuditBlocked, std::move(why.message), {}, {}, kRetryMs};
  const bool was_blocked = audit_blocked_.has_value();
  audit_blocked_ = std::move(why);
  audit_probe_at_ = was_blocked ? Now() + kProbeAfter : Now();
  controller_.HoldRecords(true);
}

void Shard::ProbeAudit() {
  auto may = std::make_shared<tl::expected<void, Failure>>();
  const bool begun = Do([may, &durable = parts_.durable] { *may = durable.MayRecord(); },
                        [this, may] { TakeAuditProbe(*may); });
  audit_probe_at_ = begun ? kNever : Now() + kProbeAfter;
}

void Shard::TakeAuditProbe(const tl::expected<void, Failure>& may) {
  if (!may) {
    BlockAudit(may.error());
    if (may.error().error == Error::kUnavailable) audit_probe_at_ = Now();
    return;
  }
  audit_probe_at_ = kNever;
  if (!audit_blocked_) return;
  shell::Log(shell::LogLevel::kInfo, "audit_open");
  audit_blocked_.reset();
  controller_.HoldRecords(false);
}

void Shard::Become(StoreState state) {
  Freeze(state != StoreState::kOpen);
  probe_at_ = state == StoreState::kNoSpace ? Now() + kProbeAfter : kNever;
  if (state == store_state_) return;
  store_state_ = state;
  shell::Log(frozen_ ? shell::LogLevel::kError : shell::LogLevel::kInfo, "store_state",
             {{"state", v1::StoreState_Name(static_cast<v1::StoreState>(state))}});
}

void Shard::Drain() {
  draining_ = true;
  PassFailpoint("server.drain.begun");
  if (!frozen_ && !fatal_) Take(controller_.Checkpoint(Now()));
  if (const Status drained = pipeline_.Drain(); !drained) OnCommitFailed(drained.error(), false);
  if (fatal_ || store_state_ == StoreState::kClosed) return;
  PassFailpoint("server.drain.drained");
  Freeze(true);  // nothing is committed behind what makes the stop a clean one
  if (const Status closed = parts_.durable.CloseClean(); !closed) {
    shell::Log(shell::LogLevel::kError, "close_failed",
               {{"reason", std::string(ErrorName(closed.error()))}});
  }
  parts_.port.Flush();
}

}  // namespace keymast::server
