// SPDX-License-Identifier: Apache-2.0
#include "mikey/replay_cache.h"

#include <algorithm>

namespace keymast::mikey {

ReplayCache::ReplayCache(size_t capacity, Duration skew, Instant start)
    : capacity_(capacity), skew_(skew), opens_(start + skew), floor_(ToNtp(start + skew)) {
  KEYMAST_CHECK(capacity >= 1);
}

ReplayCache::Digest ReplayCache::DigestOf(const crypto::Suite& suite, ByteView message) {
  Digest digest{};
  const std::array<ByteView, 1> parts{message};
  suite.hmac(crypto::Hash::kSha256, AsBytes("MIKEY replay cache"), parts, digest);
  return digest;
}

Status ReplayCache::CheckTime(ByteView peer, NtpTime time, Instant now) const {
  // RFC 3830 §5.4: who lost track of the requests rejects all until the skew interval has passed. A
  // sender whose clock is ahead can have used times up to the skew beyond the loss: those never.
  if (now < opens_ || NtpDistance(time, floor_) <= 0) return Err(Error::kOutsideInterval);
  if (!IsWithin(time, now, skew_)) return Err(Error::kOutsideInterval);
  const auto share = shares_.find(AsText(peer));
  const bool below =
      share != shares_.end() && share->second.floor && NtpDistance(time, *share->second.floor) <= 0;
  return below ? Status{Err(Error::kOutsideInterval)} : Status{};
}

bool ReplayCache::Has(ByteView peer, NtpTime time, const Digest& digest) const {
  const auto share = shares_.find(AsText(peer));
  return share != shares_.end() && share->second.messages.contains({time, digest});
}

void ReplayCache::Add(ByteView peer, NtpTime time, const Digest& digest, Instant now) {
  if (size_ == capacity_) Forget(now);
  if (size_ == capacity_) Evict();
  if (shares_[std::string(AsText(peer))].messages.insert({time, digest}).second) ++size_;
}

// Forget drops what the skew alone would refuse.
void ReplayCache::Forget(Instant now) {
  const NtpTime oldest = ToNtp(now - skew_);
  for (auto at = shares_.begin(); at != shares_.end();) {
    Share& share = at->second;
    while (!share.messages.empty() && NtpDistance(share.messages.begin()->time, oldest) < 0) {
      share.messages.erase(share.messages.begin());
      --size_;
    }
    const bool limited = share.floor && NtpDistance(*share.floor, oldest) >= 0;
    at = share.messages.empty() && !limited ? shares_.erase(at) : std::next(at);
  }
}

// Evict forgets the oldest message of the peer that has most: what can be forgotten only if its
// time is never taken again.
void ReplayCache::Evict() {
  const auto most = std::max_element(shares_.begin(), shares_.end(), [](auto& a, auto& b) {
    return a.second.messages.size() < b.second.messages.size();
  });
  Share& share = most->second;
  share.floor = share.messages.begin()->time;
  share.messages.erase(share.messages.begin());
  --size_;
}

}  // namespace keymast::mikey
