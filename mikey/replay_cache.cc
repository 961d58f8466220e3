// SPDX-License-Identifier: Apache-2.0
#include "mikey/replay_cache.h"

namespace keymast::mikey {

ReplayCache::ReplayCache(size_t capacity, Duration skew, Instant start)
    : capacity_(capacity), skew_(skew), opens_(start + skew), floor_(ToNtp(start + skew)) {
  KEYMAST_CHECK(capacity >= 1);
  entries_.reserve(capacity);
}

ReplayCache::Digest ReplayCache::DigestOf(const crypto::Suite& suite, ByteView message) {
  Digest digest{};
  const std::array<ByteView, 1> parts{message};
  suite.hmac(crypto::Hash::kSha256, AsBytes("MIKEY replay cache"), parts, digest);
  return digest;
}

std::vector<ReplayCache::Entry>::const_iterator ReplayCache::Place(NtpTime time,
                                                                   const Digest& digest) const {
  return std::lower_bound(entries_.begin(), entries_.end(), Entry{time, digest},
                          [](const Entry& a, const Entry& b) {
                            if (a.time != b.time) return NtpDistance(a.time, b.time) < 0;
                            return a.digest < b.digest;
                          });
}

Status ReplayCache::Check(NtpTime time, const Digest& digest, Instant now) const {
  // RFC 3830 §5.4: who lost track of the requests rejects all until the skew interval has passed. A
  // sender whose clock is ahead can have used times up to the skew beyond the loss: those never.
  if (now < opens_ || NtpDistance(time, floor_) <= 0) return Err(Error::kOutsideInterval);
  if (!IsWithin(time, now, skew_)) return Err(Error::kOutsideInterval);
  const auto place = Place(time, digest);
  const bool known = place != entries_.end() && place->time == time && place->digest == digest;
  if (known) return Err(Error::kReplayed);
  return {};
}

void ReplayCache::Add(NtpTime time, const Digest& digest, Instant now) {
  Forget(now);
  if (entries_.size() == capacity_) {
    // The oldest can be forgotten only if its time is never taken again.
    floor_ = entries_.front().time;
    entries_.erase(entries_.begin());
  }
  entries_.insert(Place(time, digest), {time, digest});
}

// Forget drops what the skew alone would refuse.
void ReplayCache::Forget(Instant now) {
  const NtpTime oldest = ToNtp(now - skew_);
  const auto is_old = [oldest](const Entry& entry) { return NtpDistance(entry.time, oldest) < 0; };
  entries_.erase(entries_.begin(), std::find_if_not(entries_.begin(), entries_.end(), is_old));
}

}  // namespace keymast::mikey
