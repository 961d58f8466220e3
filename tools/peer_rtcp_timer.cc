// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_rtcp_timer.h"

#include <algorithm>

#include "base/cursor.h"

namespace keymast::tools {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kLeast = 5;               // seconds, §6.2
constexpr double kOfSenders = 0.25;        // of the bandwidth, and of the members, §6.3.1
constexpr double kCompensation = 1.21828;  // e - 1.5: for what reconsideration adds, §6.3.1

// §6.3.1: between half and one and a half of it.
Duration Varied(Duration interval, crypto::Rng& rng) {
  std::array<uint8_t, 4> octets{};
  rng.Fill(octets);
  const double part = 0.5 + static_cast<double>(Reader(octets).U32()) / 4294967296.0;
  return std::chrono::duration_cast<Duration>(Seconds(interval) * part / kCompensation);
}

}  // namespace

Duration RtcpInterval(const RtcpLoad& load, bool we_sent, bool is_initial) {
  double bandwidth = load.bandwidth;
  auto sharers = static_cast<double>(load.members);
  const auto senders = static_cast<double>(load.senders);
  // §6.3.1: where senders are few they have a quarter of the bandwidth to themselves.
  if (senders <= kOfSenders * sharers) {
    bandwidth *= we_sent ? kOfSenders : 1 - kOfSenders;
    sharers = we_sent ? senders : sharers - senders;
  }
  const double least = is_initial ? kLeast / 2 : kLeast;
  const double wanted = bandwidth > 0 ? load.average_size * sharers / bandwidth : least;
  return std::chrono::duration_cast<Duration>(Seconds(std::max(least, wanted)));
}

RtcpTimer::RtcpTimer(const RtcpLoad& load, bool we_sent, Instant now, crypto::Rng& rng)
    : last_(now),
      next_(now + Varied(RtcpInterval(load, we_sent, true), rng)),
      members_(load.members) {}

bool RtcpTimer::Expire(const RtcpLoad& load, bool we_sent, Instant now, crypto::Rng& rng) {
  members_ = load.members;
  const Instant due = last_ + Varied(RtcpInterval(load, we_sent, is_initial_), rng);
  if (due > now) {
    next_ = due;
    return false;
  }
  is_initial_ = false;
  last_ = now;
  next_ = now + Varied(RtcpInterval(load, we_sent, false), rng);
  return true;
}

void RtcpTimer::Leave(size_t members, Instant now) {
  if (members >= members_) return;
  const double part = static_cast<double>(members) / static_cast<double>(members_);
  const auto scaled = [part](Duration d) {
    return std::chrono::duration_cast<Duration>(Seconds(d) * part);
  };
  next_ = now + scaled(next_ - now);
  last_ = now - scaled(now - last_);
  members_ = members;
}

}  // namespace keymast::tools
