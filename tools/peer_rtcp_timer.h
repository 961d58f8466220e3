// SPDX-License-Identifier: Apache-2.0
// When a source reports (RFC 3550 §6.2, §6.3). Randomness and time are passed in.
#pragma once

#include "base/time.h"
#include "crypto/rng.h"

namespace keymast::tools {

// RtcpLoad is what all participants of a session share.
struct RtcpLoad {
  size_t members = 1;  // SSRCs, ours among them
  size_t senders = 0;
  double bandwidth = 0;     // octets a second for all RTCP together, with UDP and IP
  double average_size = 0;  // octets of a compound packet, likewise
};

// RtcpInterval is the time between two reports before chance makes it longer or shorter; the
// reduced minimum of §6.2 is not used.
Duration RtcpInterval(const RtcpLoad& load, bool we_sent, bool is_initial);

class RtcpTimer {
 public:
  // The first report is due after half of the least interval (§6.2).
  RtcpTimer(const RtcpLoad& load, bool we_sent, Instant now, crypto::Rng& rng);

  Instant next() const { return next_; }
  // Expire is asked at next(): true when it is time to report, false when members have come in the
  // meantime that make it too early (§6.3.6, timer reconsideration).
  bool Expire(const RtcpLoad& load, bool we_sent, Instant now, crypto::Rng& rng);
  // Leave after a BYE of another: what is due comes sooner (§6.3.4, reverse reconsideration).
  void Leave(size_t members, Instant now);

 private:
  Instant last_;
  Instant next_;
  size_t members_;  // when next_ was computed
  bool is_initial_ = true;
};

}  // namespace keymast::tools
