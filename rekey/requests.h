// SPDX-License-Identifier: Apache-2.0
// Requests that were carried out lately, by the id that their client gave them: one that comes
// again changes nothing and is answered as it was (AIP-155).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "rekey/rekey.h"

namespace keymast::rekey {

// KeptRequest is what is needed to answer again: of everything else the answer shows what is there.
// The rekey is kept whole, since a channel's history forgets it within minutes.
struct KeptRequest {
  uint64_t sequence = 0;  // from 1, in order of time
  RequestId id;
  RequestDigest digest;
  Instant at{};
  std::optional<Rekey> rekey;  // that it began or joined
  uint64_t remaining = 0;      // of an expulsion
  std::string made;            // id that the server chose for what was made
  // Records of format 5 had the sequence of the rekey alone.
  static bool IsWhole(const Rekey& rekey) { return rekey.msk != MskId{}; }
  friend bool operator==(const KeptRequest&, const KeptRequest&) = default;
};

inline constexpr size_t kMostRequests = 1'000'000;
inline constexpr Duration kRequestLife = std::chrono::hours(24);

// Requests finds them by id and by age.
class Requests {
 public:
  // Find is null for one whose life is over, though it may be forgotten later.
  const KeptRequest* Find(const RequestId& id, Instant now) const {
    const auto sequence = by_id_.find(id);
    if (sequence == by_id_.end()) return nullptr;
    const KeptRequest& kept = by_age_.at(sequence->second);
    return kept.at + kRequestLife > now ? &kept : nullptr;
  }
  void Keep(const KeptRequest& request) {
    Forget(request.sequence);
    if (const auto known = by_id_.find(request.id); known != by_id_.end()) {
      by_age_.erase(known->second);
    }
    by_id_[request.id] = request.sequence;
    by_age_[request.sequence] = request;
  }
  void Forget(uint64_t sequence) {
    const auto found = by_age_.find(sequence);
    if (found == by_age_.end()) return;
    by_id_.erase(found->second.id);
    by_age_.erase(found);
  }
  // Next is the sequence of the next request that is kept.
  uint64_t Next() const { return by_age_.empty() ? 1 : by_age_.rbegin()->first + 1; }
  size_t size() const { return by_age_.size(); }
  const std::map<uint64_t, KeptRequest>& by_age() const { return by_age_; }

 private:
  std::map<RequestId, uint64_t> by_id_;
  std::map<uint64_t, KeptRequest> by_age_;
};

}  // namespace keymast::rekey
