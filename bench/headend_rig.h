// SPDX-License-Identifier: Apache-2.0
// A headend without its server: one channel with one stream and one key, given by the directives
// that keymast-api would send.
#pragma once

#include <memory>

#include "headend/sockets.h"
#include "shell/process.h"

namespace keymast::bench {

class HeadendRig {
 public:
  // One stream goes to `group`.
  HeadendRig(v1::SrtpProfile profile, const Endpoint& group);

  uint16_t port() const { return port_; }
  // Turn passes on what waits, one batch at most, and returns how many packets that were.
  size_t Turn();
  // Reserve makes room for further packets, as the state file would.
  void Reserve();

 private:
  void Direct(const v1::HeadendDirective& directive);
  void Prove();
  void Define(v1::SrtpProfile profile, const Endpoint& group);
  void Announce(v1::SrtpProfile profile);

  shell::SystemClock clock_;
  crypto::SystemRng rng_;
  std::array<uint8_t, 32> public_key_{};
  std::unique_ptr<headend::Headend> headend_;
  std::vector<headend::InputSocket> inputs_;
  std::unique_ptr<headend::Sender> sender_;
  uint16_t port_ = 0;
};

}  // namespace keymast::bench
