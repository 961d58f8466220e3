// SPDX-License-Identifier: Apache-2.0
// Descriptors with an owner, and the sockets that keymast-api listens on itself.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "base/error.h"

namespace keymast::api {

// Descriptor closes what it owns.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// ListenTcp listens, without blocking, on an address and port as in configuration; port 0 takes a
// free one. kMalformed for a text that is none, kInUse, kNoInterface (no address of this host),
// kIo.
Result<Descriptor> ListenTcp(const std::string& listen);

// ListenUnix makes a socket file, in place of what has its name, with this mode from its first
// moment and of this group before anybody can connect, and listens without blocking. kTooLong for a
// path that does not fit, kPermissionDenied for a group that this process may not give, kIo.
Result<Descriptor> ListenUnix(const std::string& path, mode_t mode,
                              std::optional<gid_t> group = std::nullopt);

// PortOf is the TCP port that a socket is bound to.
int PortOf(const Descriptor& socket);

// Accept gives the next connection, without blocking; kUnavailable when none waits or it was gone
// already, kNoBufferSpace when this process or the system has no descriptor left for it.
Result<Descriptor> Accept(const Descriptor& listener);

}  // namespace keymast::api
