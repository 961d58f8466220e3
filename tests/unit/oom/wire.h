// SPDX-License-Identifier: Apache-2.0
// Datagrams between the two processes of a test: one message of a SOCK_SEQPACKET socket each.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace keymast::oom {

struct Post {
  Endpoint at;   // where it comes from or goes to
  Bytes octets;  // none: only a call to look up
};

void SendOn(int fd, const Post& post);
// ReceiveOn does not wait: nothing when nothing is there.
std::optional<Post> ReceiveOn(int fd);

}  // namespace keymast::oom
