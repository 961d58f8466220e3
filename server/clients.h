// SPDX-License-Identifier: Apache-2.0
// The private Unix socket: connections of keymast-api, frames in, frames out, nothing blocks.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "framing/frame.h"
#include "private/core.pb.h"
#include "server/arena_block.h"
#include "server/loop.h"

namespace keymast::server {

// ClientId names a connection for as long as the process lives, so that an answer that was held
// back never reaches somebody else.
using ClientId = uint64_t;
// Caller is where the answer to one call goes.
struct Caller {
  ClientId client = 0;
  uint64_t call = 0;
  friend auto operator<=>(const Caller&, const Caller&) = default;
};

// ErrorOf is a failure as it goes over the socket.
core::CoreError ErrorOf(const Failure& failure);

class Clients {
 public:
  struct Limits {
    size_t connections = 64;
    // Octets that wait for a client: beyond `pause` its requests wait too, and beyond `output`,
    // which only answers to what it asked before can bring about, it is dropped.
    size_t pause = 4 << 20;
    size_t output = 96 << 20;
  };
  struct Counters {
    uint64_t refused_peers = 0;    // another user, too many connections, or no descriptor left
    uint64_t protocol_errors = 0;  // frames that are none, or no Hello first
    uint64_t dropped_for_slowness = 0;
  };
  using OnRequest = std::function<void(ClientId, core::CoreRequest&)>;
  using OnClosed = std::function<void(ClientId)>;

  Clients(Loop& loop, OnRequest on_request, OnClosed on_closed);
  Clients(Loop& loop, OnRequest on_request, OnClosed on_closed, Limits limits);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // Listen makes the socket file, mode 0600; with a group 0660, and who is in it may connect as
  // well. A socket that nobody listens on is taken over. kInUse when somebody does, or when
  // something else has this name; kTooLong for a path that does not fit, kPermissionDenied for a
  // group that this user is not in, kIo.
  Status Listen(const std::string& path, std::optional<gid_t> group = std::nullopt);
  // Stop takes no further connections and removes the socket file.
  void Stop();

  // Send frames a reply; a client that is gone is passed over. One that reads too slowly is
  // dropped.
  void Send(const Caller& to, core::CoreReply& reply, bool last);
  // The two halves of Send: FrameOf an answer that does not fit is that of an error.
  static std::string FrameOf(const Caller& to, core::CoreReply& reply, bool last);
  void SendFrame(ClientId to, const std::string& frame);
  void SendError(const Caller& to, const Failure& failure);
  // Backlog is how many octets wait for a client.
  size_t Backlog(ClientId client) const;
  // Farewell takes the requests that have arrived and writes what waits, for `patience` at most to
  // clients that do not read.
  void Farewell(Duration patience);

  const Counters& counters() const { return counters_; }

 private:
  struct Client;
  void Accept();
  void RefuseOne();
  std::vector<pollfd> Round();
  void OnReady(ClientId id, uint32_t events);
  bool Paused(const Client& client) const;
  bool ReadFrom(Client& client);
  bool TakeFrame(Client& client, ByteView frame);
  bool Greet(Client& client, const core::CoreRequest& request);
  void Write(Client& client);
  void Interest(Client& client);
  void Close(ClientId id);
  Client* Find(ClientId id);

  Loop& loop_;
  const OnRequest on_request_;
  const OnClosed on_closed_;
  const Limits limits_;
  const ArenaBlock arena_block_;  // of the request that is being handled
  Counters counters_;
  std::optional<gid_t> group_;  // whose members may connect, beside this user and root
  int listener_ = -1;
  int spare_ = -1;  // a descriptor for RefuseOne
  std::string path_;
  ClientId last_ = 0;
  std::unordered_map<ClientId, std::unique_ptr<Client>> clients_;
};

}  // namespace keymast::server
