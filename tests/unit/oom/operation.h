// SPDX-License-Identifier: Apache-2.0
// What is asked of a server whose memory ends.
#pragma once

#include "tests/unit/oom/trial.h"

namespace keymast::oom {

struct Operation {
  // Act is the part in which memory ends. It calls Promised once it was answered what it asked for.
  using Act = std::function<void(Trial&)>;

  std::string name;
  // What comes before, with all the memory there is, makes it.
  std::function<Act(Trial&)> begin;
};

// A request of each kind over the private socket.
std::vector<Operation> Requests(const House& house);
// Streams over it: watches and headends.
std::vector<Operation> Streams(const House& house);
// A datagram of each kind, and instants at which something is due.
std::vector<Operation> Datagrams(const House& house);
std::vector<Operation> Instants(const House& house);

}  // namespace keymast::oom
