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

// WatchLog keeps the latest events once; each watcher is a place in them. While much waits for its
// connection a watcher waits too, at no cost, and goes on from its place when there is room; it is
// ended only when what it has not been sent is no longer kept.
class WatchLog {
 public:
  struct Limits {
    size_t events = 16384;
    size_t backlog = 1 << 20;  // octets that wait for a connection before its watchers do
  };
  explicit WatchLog(Clients& clients) : WatchLog(clients, Limits{}) {}
  WatchLog(Clients& clients, Limits limits) : clients_(clients), limits_(limits) {}

  // Begin says where the store stands at the start: nothing older is known.
  void Begin(uint64_t revision) { first_ = last_ = {revision, 0}; }

  // Restart ends every watcher and forgets what was kept: events may be missing behind it.
  void Restart(uint64_t revision);

  // Add numbers a released event and sends it to whoever watches its channel and has room.
  void Add(uint64_t revision, controller::Event event);

  // Pump sends on to watchers that waited for room. Called in each turn of the loop.
  void Pump();

  // View is which events a watcher is sent.
  struct View {
    ChannelId channel;  // empty: all
    controller::Scope scope = {};
    bool Has(const controller::Event& event) const;
  };
  // Watch sends what came after `token` and then follows. Errors: kInvalidArgument (no token of
  // ours), kCompacted (older than what is kept).
  Status Watch(const Caller& caller, const View& view, const std::string& token);
  void Cancel(const Caller& caller) { watchers_.erase(caller); }
  void Forget(ClientId client);

  // Bookmark moves the token of every watcher that has all events to now, so that it outlives a
  // quiet time.
  void Bookmark(uint64_t revision, Instant now);
  bool HasWatchers() const { return !watchers_.empty(); }
  uint64_t dropped() const { return dropped_; }

 private:
  struct Kept {
    Position position;
    controller::Event event;
  };
  struct Watcher {
    View view;
    uint64_t next = 0;  // number of the first event that it has not been sent
  };
  using Watchers = std::map<Caller, Watcher>;
  uint64_t end() const { return begin_ + kept_.size(); }
  bool HasRoom(const Caller& caller) const;
  void Tell(const Caller& caller, const v1::Event& event);
  // Advance is false when the watcher still lacks events.
  bool Advance(const Caller& caller, Watcher& watcher);
  void ForgetOldest();
  static v1::Event MessageOf(const Kept& kept);

  Clients& clients_;
  const Limits limits_;
  Position first_;  // what was forgotten lies at or before it
  Position last_;
  std::deque<Kept> kept_;
  uint64_t begin_ = 0;  // number of the oldest kept event, counted from the start
  Watchers watchers_;
  bool behind_ = false;  // some watchers may lack events
  Caller turn_;          // who is served first when there is room
  uint64_t dropped_ = 0;
};

}  // namespace keymast::server
