// SPDX-License-Identifier: Apache-2.0
// FRESH: what keeps an Answerer from answering a recorded CAP again (MIKEYv2 §8).
#pragma once

#include <map>
#include <set>

#include "base/time.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

class Fresh {
 public:
  static constexpr Duration kPeriod = std::chrono::hours(1);
  // CAPs of one identity that are remembered a period, when half of the room is taken: nobody takes
  // that of all.
  static constexpr size_t kShare = 256;
  using Value = std::array<uint8_t, kFreshSize>;

  // The key is drawn at each start: what was recorded before is not fresh. At most `room` CAPs are
  // remembered.
  Fresh(const crypto::Suite& suite, size_t room, crypto::Rng& rng);

  // Tail is nothing, or MemberTail of a member who left or was removed.
  using Tail = Octets<kMaxIdentity + 8>;
  static Tail MemberTail(const Identity& offerer, uint32_t leaves);

  Value Make(Instant now, const Tail& tail = {}) const;
  // IsGood is true for one of this period or the last one.
  bool IsGood(ByteView fresh, Instant now, const Tail& tail = {}) const;

  // CAPs that were answered while their FRESH was good, by TH. Remember is false where there is no
  // room for one of that identity, which is proved, or it was answered already.
  bool WasAnswered(const Digest& th, Instant now) const;
  bool HasRoom(const Identity& offerer, Instant now) const;
  bool Remember(const Digest& th, const Identity& offerer, Instant now);

 private:
  // A CAP is remembered with the period in which it was answered: its FRESH is good until the end
  // of the next one.
  struct Period {
    int64_t number = -1;
    std::set<Digest> answered;
    std::map<Bytes, size_t> shares;  // by identity
  };
  Value Of(int64_t period, const Tail& tail) const;
  static bool Counts(const Period& period, int64_t current);
  static Bytes NameOf(const Identity& offerer);

  const crypto::Suite& suite_;
  size_t room_;
  crypto::Key32 key_;
  std::array<Period, 2> periods_;
};

}  // namespace keymast::mikey::v2
