// SPDX-License-Identifier: Apache-2.0
// What a Responder remembers of authenticated messages, so that none is taken twice (RFC 3830
// §5.4). Its size is fixed. When it is full the peer that fills it most gets a smaller window: what
// was its oldest message is forgotten, and nothing as old is taken from it any more.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "crypto/primitives.h"
#include "mikey/timestamp.h"

namespace keymast::mikey {

class ReplayCache {
 public:
  // A cache that begins at `start` has lost what came before: until a whole window has passed it
  // takes nothing, and never a timestamp that could have been used before `start`. `capacity` is in
  // messages, >= 1; beside them it remembers a time for each peer whose window is smaller.
  ReplayCache(size_t capacity, Duration skew, Instant start);

  // A digest stands for a message: HMAC-SHA-256 of all its octets under a key that is no secret.
  using Digest = std::array<uint8_t, 32>;
  static Digest DigestOf(const crypto::Suite& suite, ByteView message);

  // CheckTime costs nothing: kOutsideInterval for a time beyond the skew or below what is still
  // remembered of the peer. Has tells whether the message was taken before. Neither changes
  // anything.
  Status CheckTime(ByteView peer, NtpTime time, Instant now) const;
  bool Has(ByteView peer, NtpTime time, const Digest& digest) const;

  // Add remembers an authenticated message that both let pass.
  void Add(ByteView peer, NtpTime time, const Digest& digest, Instant now);

  size_t size() const { return size_; }

 private:
  struct Message {
    NtpTime time;
    Digest digest;
    friend bool operator<(const Message& a, const Message& b) {
      if (a.time != b.time) return NtpDistance(a.time, b.time) < 0;
      return a.digest < b.digest;
    }
  };
  struct Share {
    std::set<Message> messages;
    std::optional<NtpTime> floor;  // nothing up to this time is taken
  };
  using Shares = std::map<std::string, Share, std::less<>>;

  void Forget(Instant now);
  void Evict();

  size_t capacity_;
  Duration skew_;
  Instant opens_;  // nothing is taken before
  NtpTime floor_;  // nothing up to this time is taken of anybody
  Shares shares_;  // by the peer's identity
  size_t size_ = 0;
};

}  // namespace keymast::mikey
