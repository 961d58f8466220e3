// SPDX-License-Identifier: Apache-2.0
// What a Responder remembers of authenticated messages, so that none is taken twice (RFC 3830
// §5.4). Its size is fixed: when it is full the window shrinks, older timestamps are no longer
// taken.
#pragma once

#include <vector>

#include "crypto/primitives.h"
#include "mikey/timestamp.h"

namespace keymast::mikey {

class ReplayCache {
 public:
  // A cache that begins at `start` has lost what came before: until a whole window has passed it
  // takes nothing, and never a timestamp that could have been used before `start`. `capacity` >= 1.
  ReplayCache(size_t capacity, Duration skew, Instant start);

  // A digest stands for a message: HMAC-SHA-256 of all its octets under a key that is no secret.
  using Digest = std::array<uint8_t, 32>;
  static Digest DigestOf(const crypto::Suite& suite, ByteView message);

  // Check costs no cryptography and changes nothing: kOutsideInterval for a time beyond the skew or
  // below what is still remembered, kReplayed for a message that was taken.
  Status Check(NtpTime time, const Digest& digest, Instant now) const;

  // Add remembers an authenticated message that Check let pass.
  void Add(NtpTime time, const Digest& digest, Instant now);

  size_t size() const { return entries_.size(); }
  Duration skew() const { return skew_; }

 private:
  struct Entry {
    NtpTime time;
    Digest digest;
  };
  std::vector<Entry>::const_iterator Place(NtpTime time, const Digest& digest) const;
  void Forget(Instant now);

  size_t capacity_;
  Duration skew_;
  Instant opens_;               // nothing is taken before
  NtpTime floor_;               // nothing up to this time is taken
  std::vector<Entry> entries_;  // ordered by time, then digest; capacity reserved once
};

}  // namespace keymast::mikey
