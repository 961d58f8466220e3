// SPDX-License-Identifier: Apache-2.0
#include "server/watch_log.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "server/translate.h"

namespace keymast::server {
namespace {

// Sent to one watcher before others have their turn.
constexpr size_t kEventsATurn = 8;

}  // namespace

Failure Compacted() {
  return {Error::kCompacted,
          "what followed this token is no longer kept: list anew, then watch from now",
          {},
          {},
          0};
}

std::string TokenOf(const Position& position) {
  return std::to_string(position.revision) + "." + std::to_string(position.index);
}

std::optional<Position> PositionOf(const std::string& token) {
  const size_t dot = token.find('.');
  if (dot == std::string::npos) return {};
  const Position position{std::strtoull(token.substr(0, dot).c_str(), nullptr, 10),
                          std::strtoull(token.substr(dot + 1).c_str(), nullptr, 10)};
  return TokenOf(position) == token ? std::optional(position) : std::nullopt;
}

void WatchLog::Restart(uint64_t revision) {
  begin_ = end();
  kept_.clear();
  // Later than every token that was given.
  first_ = last_ = std::max(Position{revision, 0}, {last_.revision, last_.index + 1});
  for (const auto& [caller, watcher] : std::exchange(watchers_, {})) {
    clients_.SendError(caller, Compacted());
  }
}

v1::Event WatchLog::MessageOf(const Kept& kept) {
  v1::Event message = ToProto(kept.event);
  message.set_resume_token(TokenOf(kept.position));
  return message;
}

bool WatchLog::HasRoom(const Caller& caller) const {
  return clients_.Backlog(caller.client) <= limits_.backlog;
}

void WatchLog::Tell(const Caller& caller, const v1::Event& event) {
  core::CoreReply reply;
  *reply.mutable_event() = event;
  clients_.Send(caller, reply, false);
}

void WatchLog::Add(uint64_t revision, controller::Event event) {
  last_ =
      revision > last_.revision ? Position{revision, 1} : Position{last_.revision, last_.index + 1};
  kept_.push_back({last_, std::move(event)});
  if (kept_.size() > limits_.events) ForgetOldest();
  if (watchers_.empty()) return;
  const Kept& kept = kept_.back();
  const v1::Event message = MessageOf(kept);
  for (auto& [caller, watcher] : watchers_) {
    if (watcher.next + 1 != end() || !HasRoom(caller)) {
      behind_ = true;
      continue;
    }
    ++watcher.next;
    if (watcher.view.Has(kept.event)) Tell(caller, message);
  }
}

// ForgetOldest ends the watchers that have not been sent it.
void WatchLog::ForgetOldest() {
  first_ = kept_.front().position;
  kept_.pop_front();
  ++begin_;
  for (auto at = watchers_.begin(); at != watchers_.end();) {
    if (at->second.next >= begin_) {
      ++at;
      continue;
    }
    ++dropped_;
    clients_.SendError(at->first, Compacted());
    at = watchers_.erase(at);
  }
}

bool WatchLog::Advance(const Caller& caller, Watcher& watcher) {
  for (size_t sent = 0; watcher.next < end(); ++watcher.next) {
    const Kept& kept = kept_[watcher.next - begin_];
    if (!watcher.view.Has(kept.event)) continue;
    if (sent++ == kEventsATurn || !HasRoom(caller)) return false;
    Tell(caller, MessageOf(kept));
  }
  return true;
}

// Pump goes round the watchers, so that none is always the last when there is little room.
void WatchLog::Pump() {
  if (!behind_) return;
  behind_ = false;
  auto at = watchers_.lower_bound(turn_);
  for (size_t left = watchers_.size(); left > 0; --left, ++at) {
    if (at == watchers_.end()) at = watchers_.begin();
    if (Advance(at->first, at->second)) continue;
    if (!behind_) turn_ = at->first;
    behind_ = true;
  }
}

// What belongs to no channel is seen by whoever may see everything.
bool WatchLog::View::Has(const controller::Event& event) const {
  if (!channel.empty()) return channel == event.channel;
  return scope.is_whole || (!event.channel.empty() && scope.Has(event.channel));
}

Status WatchLog::Watch(const Caller& caller, const View& view, const std::string& token) {
  Position from = last_;
  if (!token.empty()) {
    const auto given = PositionOf(token);
    if (!given) return Err(Error::kInvalidArgument);
    // What lies before our start was released by another process, and a token from ahead of us by
    // one whose last commits were lost.
    if (*given < first_ || *given > last_) return Err(Error::kCompacted);
    from = *given;
  }
  const auto after = std::partition_point(
      kept_.begin(), kept_.end(), [&from](const Kept& kept) { return kept.position <= from; });
  Watcher& watcher = watchers_[caller];
  watcher = {view, begin_ + static_cast<uint64_t>(after - kept_.begin())};
  if (!Advance(caller, watcher)) behind_ = true;
  return {};
}

void WatchLog::Forget(ClientId client) {
  std::erase_if(watchers_, [client](const auto& one) { return one.first.client == client; });
}

void WatchLog::Bookmark(uint64_t revision, Instant now) {
  if (revision > last_.revision) last_ = {revision, 0};
  v1::Event event;
  event.set_kind(v1::Event::BOOKMARK);
  event.set_resume_token(TokenOf(last_));
  *event.mutable_time() = ToProto(now);
  for (const auto& [caller, watcher] : watchers_) {
    if (watcher.next == end() && HasRoom(caller)) Tell(caller, event);
  }
}

}  // namespace keymast::server
