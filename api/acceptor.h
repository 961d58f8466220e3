// SPDX-License-Identifier: Apache-2.0
// Accepts the connections of every listener on one thread. Each listener has a share of
// descriptors that the others cannot use, so that clients of one cannot keep those of another out.
// Not left to gRPC 1.51: it accepts without bound, and gives up a listener at the first accept
// that finds no descriptor.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/sockets.h"
#include "base/time.h"

namespace keymast::api {

class Acceptor {
 public:
  struct Listener {
    std::string name;  // `operator`, ..., `tls`
    Descriptor socket;
    std::string path;                                 // socket file; empty for TCP
    size_t share = 0;                                 // connections at once
    std::function<void(Descriptor connection)> take;  // on the acceptor's thread
  };
  explicit Acceptor(std::vector<Listener> listeners);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Stop takes no further connections and removes the socket files.
  void Stop();

  // Listening is false when a client of one of them would knock in vain: its socket file is gone or
  // another's, or the thread hangs. Then only a restart helps.
  bool Listening() const;

  struct Count {
    std::string name;
    size_t open = 0;
    uint64_t refused = 0;  // beyond the share
  };
  std::vector<Count> Counts();

 private:
  // Handed is a connection that somebody else closes: its number may be another file's by then, but
  // not with the same inode.
  struct Handed {
    int fd = -1;
    ino_t inode = 0;
  };
  struct Door {
    Listener listener;
    ino_t file = 0;  // inode of the socket file
    std::vector<Handed> handed;
    uint64_t refused = 0;
  };
  void Run();
  bool AcceptOne(Door& door);
  static void Sweep(Door& door);

  std::mutex mutex_;  // guards `handed` and `refused`
  std::vector<Door> doors_;
  const Descriptor woken_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::chrono::steady_clock::time_point> turned_;
  std::thread thread_;
};

}  // namespace keymast::api
