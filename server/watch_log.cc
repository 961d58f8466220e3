// SPDX-License-Identifier: Apache-2.0
#include "server/watch_log.h"

#include <charconv>
#include <utility>

#include "server/translate.h"

namespace keymast::server {

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
  Position position;
  const char* end = token.data() + token.size();
  const auto revision = std::from_chars(token.data(), end, position.revision);
  if (revision.ec != std::errc() || revision.ptr == end || *revision.ptr != '.') return {};
  const auto index = std::from_chars(revision.ptr + 1, end, position.index);
  if (index.ec != std::errc() || index.ptr != end) return {};
  return position;
}

void WatchLog::Restart(uint64_t revision) {
  kept_.clear();
  // Later than every token that was given.
  first_ = last_ = std::max(Position{revision, 0}, {last_.revision, last_.index + 1});
  for (const auto& [caller, channel] : std::exchange(watchers_, {})) {
    clients_.SendError(caller, Compacted());
  }
}

v1::Event WatchLog::MessageOf(const Kept& kept) {
  v1::Event message = ToProto(kept.event);
  message.set_resume_token(TokenOf(kept.position));
  return message;
}

void WatchLog::Add(uint64_t revision, controller::Event event) {
  last_ =
      revision > last_.revision ? Position{revision, 1} : Position{last_.revision, last_.index + 1};
  kept_.push_back({last_, std::move(event)});
  if (kept_.size() > limits_.events) {
    first_ = kept_.front().position;
    kept_.pop_front();
  }
  if (watchers_.empty()) return;
  const Kept& kept = kept_.back();
  const v1::Event message = MessageOf(kept);
  for (auto at = watchers_.begin(); at != watchers_.end();) {
    const bool concerned = at->second.empty() || at->second == kept.event.channel;
    at = concerned && !Tell(at->first, message) ? watchers_.erase(at) : std::next(at);
  }
}

bool WatchLog::Tell(const Caller& caller, const v1::Event& event) {
  if (clients_.Backlog(caller.client) > limits_.backlog) {
    ++dropped_;
    clients_.SendError(caller, {Error::kTooManyRequests,
                                "the watcher reads too slowly; resume from its last token",
                                {},
                                {},
                                100});
    return false;
  }
  core::CoreReply reply;
  *reply.mutable_event() = event;
  clients_.Send(caller, reply, false);
  return true;
}

Status WatchLog::Watch(const Caller& caller, const ChannelId& channel, const std::string& token) {
  Position from = last_;
  if (!token.empty()) {
    const auto given = PositionOf(token);
    if (!given) return Err(Error::kInvalidArgument);
    // What lies before our start was released by another process, and a token from ahead of us by
    // one whose last commits were lost.
    if (*given < first_ || *given > last_) return Err(Error::kCompacted);
    from = *given;
  }
  for (const Kept& kept : kept_) {
    const bool concerned = channel.empty() || channel == kept.event.channel;
    if (kept.position > from && concerned && !Tell(caller, MessageOf(kept))) return {};
  }
  watchers_[caller] = channel;
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
  for (auto at = watchers_.begin(); at != watchers_.end();) {
    at = Tell(at->first, event) ? std::next(at) : watchers_.erase(at);
  }
}

}  // namespace keymast::server
