// SPDX-License-Identifier: Apache-2.0
// The sockets that keymast-api listens on itself.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "shell/descriptor.h"

namespace keymast::api {

using shell::Descriptor;

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
