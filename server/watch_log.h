// SPDX-License-Identifier: Apache-2.0
// What was released lately, in order, for watchers that come back with a token.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "controller/controller.h"
#include "keymast/v1/rekey.pb.h"
#include "server/clients.h"

namespace keymast::server {

// Position of an event: the store revision under which it was released, and its number there.
struct Position {
  uint64_t revision = 0;
  uint64_t index = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};
std::string TokenOf(const Position& position);
// Nothing for a text that is no token.
std::optional<Position> PositionOf(const std::string& token);

// Compacted is the failure of a watcher that must list anew.
Failure Compacted();

class WatchLog {
 public:
  struct Limits {
    size_t events = 16384;
    size_t backlog = 4 << 20;  // octets that may wait for a watcher's connection
  };
  explicit WatchLog(Clients& clients) : WatchLog(clients, Limits{}) {}
  WatchLog(Clients& clients, Limits limits) : clients_(clients), limits_(limits) {}

  // Begin says where the store stands at the start: nothing older is known.
  void Begin(uint64_t revision) { first_ = last_ = {revision, 0}; }

  // Restart ends every watcher and forgets what was kept: events may be missing behind it.
  void Restart(uint64_t revision);

  // Add numbers a released event and sends it to whoever watches its channel.
  void Add(uint64_t revision, controller::Event event);

  // Watch sends what came after `token` and then follows. `channel` empty: all. Errors:
  // kInvalidArgument (no token of ours), kCompacted (older than what is kept).
  Status Watch(const Caller& caller, const ChannelId& channel, const std::string& token);
  void Cancel(const Caller& caller) { watchers_.erase(caller); }
  void Forget(ClientId client);

  // Bookmark moves every watcher's token to now, so that it outlives a quiet time.
  void Bookmark(uint64_t revision, Instant now);
  bool HasWatchers() const { return !watchers_.empty(); }
  uint64_t dropped() const { return dropped_; }

 private:
  struct Kept {
    Position position;
    controller::Event event;
  };
  // Tell is false when the watcher was too slow, and has been ended.
  bool Tell(const Caller& caller, const v1::Event& event);
  static v1::Event MessageOf(const Kept& kept);

  Clients& clients_;
  const Limits limits_;
  Position first_;  // what was forgotten lies at or before it
  Position last_;
  std::deque<Kept> kept_;
  std::map<Caller, ChannelId> watchers_;
  uint64_t dropped_ = 0;
};

}  // namespace keymast::server
