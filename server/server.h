// SPDX-License-Identifier: Apache-2.0
// The parts of a running keymastd, wired between its store, its way to the network and its private
// socket.
#pragma once

#include "server/calls.h"
#include "server/clock_watch.h"
#include "server/join_reload.h"

namespace keymast::server {

// Server is used by one thread, the one that turns the loop.
class Server {
 public:
  // Ground is what a server stands on; all of it outlives the server.
  struct Ground {
    const Clock& clock;
    Loop& loop;
    Durable& durable;
    DatagramPort& port;
    crypto::Rng& rng;
    const crypto::KeyPair& import_key;
    // Datagrams that are missing from the recording; may be empty.
    std::function<uint64_t()> record_lost = {};
    const JoinFilesView* join_files = nullptr;  // null: there are none
    const ClockView* clock_view = nullptr;      // null: the clock is never set
    StoreWork::Means store_means = {};
  };

  // `state` is what `ground.durable` has acknowledged.
  Server(const Ground& ground, const controller::Config& config, const About& about,
         rekey::State state, Calls::StateHash state_hash);

  // Listen as Clients::Listen.
  Status Listen(const std::string& path, std::optional<gid_t> group = std::nullopt) {
    return clients_.Listen(path, group);
  }
  // Start resumes every channel.
  void Start() { shard_.Start(about_.new_incarnation); }
  // Turn ends one turn of the loop; NextDeadline is when there is something to do next.
  void Turn() {
    shard_.Turn();
    store_work_.Turn();
    calls_.Turn();
  }
  Instant NextDeadline() const { return std::min(shard_.NextDeadline(), calls_.NextDeadline()); }
  // Drain answers what was decided, refuses what was asked for since, and closes the store cleanly.
  // Clients that do not read are waited for a second.
  void Drain();

  Shard& shard() { return shard_; }
  const Shard& shard() const { return shard_; }
  const Clients& clients() const { return clients_; }

 private:
  ClockView clock() const { return clock_view_ == nullptr ? ClockView{} : *clock_view_; }

  const About about_;
  const ClockView* clock_view_;
  Clients clients_;
  HeadendStreams headends_;
  WatchLog watches_;
  controller::Controller controller_;
  Shard shard_;
  StoreWork store_work_;
  Calls calls_;
};

}  // namespace keymast::server
