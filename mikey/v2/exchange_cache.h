// SPDX-License-Identifier: Apache-2.0
// What an Answerer remembers of exchanges, in a place of fixed size (MIKEYv2 §2, Retransmission):
// found by CAP and address, by what a finish names, or by who offered it.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/rate.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kMaxAddress = 64;  // octets of an address and port, as the owner writes it

// Entry is an exchange that was answered.
struct Entry {
  // The public-key work that finishes which fail may cost an exchange. Who forges from elsewhere
  // takes nothing of what the true finish may fail.
  static constexpr Rate kFailedThere{32, std::chrono::seconds(1)};
  static constexpr Rate kFailedElsewhere{4, std::chrono::seconds(1)};

  Exchange exchange;
  Octets<kMaxAddress> address;  // where the answer went
  bool address_proved = false;
  bool is_copied = false;    // the answer went to another address as well
  bool verified = false;     // its finish was good; set by ExchangeCache::Verify
  bool is_for_all = false;   // its CAP is answered so from any address (MIKEYv2 §8, §11)
  bool wants_fresh = false;  // KEYS bring FRESH for the next exchange
  bool is_in_sdp = false;    // CAP came in the signalling path
  Instant made;
  Instant sent;
  Instant finished;        // when the good finish came
  Instant ended = kNever;  // when offer and answer did, of SDP
  Bucket there;            // from the address
  Bucket elsewhere;
  bool wants_ticket = false;
  uint32_t msk = 0;                 // of a join: the newest that the answer has; 0: none
  Way way;                          // what the Offerer takes
  std::vector<Bytes> certificates;  // that CAP showed, in modes by certificate; until the finish
  Bytes answer;
  Digest finish{};                   // SHA-256 of the good finish
  Bytes keys;                        // what was sent to it
  std::unique_ptr<Streams> streams;  // of the answer; null of a join, whose finish has none
};

class ExchangeCache {
 public:
  static constexpr size_t kMaxOfAddress = 16;
  static constexpr size_t kMaxFinished = 16;  // of an identity, with good finish
  static constexpr Duration kIdle = std::chrono::seconds(10);
  static constexpr Duration kLife = std::chrono::seconds(30);

  // `capacity` entries at most. `rng` draws the key of the tables, which others fill.
  ExchangeCache(size_t capacity, crypto::Rng& rng);

  size_t size() const { return used_; }
  // From here on only addresses that have proved themselves get an entry.
  bool is_crowded() const { return used_ >= capacity_ - capacity_ / 4; }
  // Another entry of that address takes the place of one.
  bool HasItsShare(ByteView address) const { return HasItsShare(Hash({address})); }

  // Null: not there, or past. An entry that is for all is found from any address.
  Entry* FindCap(const Digest& th, ByteView address, Instant now);
  Entry* FindFinish(CsbId csb_id, ByteView rand_i, ByteView rand_r, Instant now);

  // Add takes an exchange that was answered. Of an address that has kMaxOfAddress, and when there
  // is no room, the oldest entry without verified finish goes: null when there is none to go, which
  // HasPlace tells before.
  bool HasPlace(ByteView address) const;
  Entry* Add(std::unique_ptr<Entry> added, Instant now);

  // SweepAll forgets all that is past; the other calls look at some entries each.
  void SweepAll(Instant now);

  // Verify notes that the finish of an entry was good: nobody else takes its place any more. Of its
  // identity, which alone can finish in its name, the oldest one beyond kMaxFinished goes.
  void Verify(Entry& entry);

  template <class Do>
  void ForEach(Do act) {
    for (Slot& slot : slots_) {
      if (slot.entry != nullptr) act(*slot.entry);
    }
  }

  // RemoveIf forgets entries, and returns how many. RemoveOf looks at those of one identity alone.
  template <class Is>
  size_t RemoveIf(Is is) {
    size_t removed = 0;
    for (size_t at = 0; at < slots_.size(); ++at) {
      if (slots_[at].entry == nullptr || !is(*slots_[at].entry)) continue;
      Release(at);
      ++removed;
    }
    return removed;
  }
  template <class Is>
  size_t RemoveOf(const Identity& offerer, Is is) {
    std::vector<size_t> found;
    const uint64_t hash = HashOf(offerer);
    const auto end = offerers_.upper_bound({hash, true});
    for (auto it = offerers_.lower_bound({hash, false}); it != end; ++it) {
      const Entry& entry = *slots_[it->second].entry;
      if (entry.exchange.offerer.view() == offerer && is(entry)) found.push_back(it->second);
    }
    for (const size_t at : found) Release(at);
    return found.size();
  }

 private:
  using Index = std::unordered_multimap<uint64_t, size_t>;
  // By who offered, and whether the finish was good. In the name of one identity anybody may open
  // as many exchanges as there are places: each of these is erased where it stands, and not looked
  // for among the others.
  using Owned = std::multimap<std::pair<uint64_t, bool>, size_t>;
  static constexpr size_t kNone = SIZE_MAX;
  struct Slot {
    std::unique_ptr<Entry> entry;
    uint64_t by_cap = 0;
    uint64_t by_finish = 0;
    uint64_t by_address = 0;
    Owned::iterator by_offerer;
    // Of those without good finish, in the order in which they came.
    size_t before = kNone;
    size_t behind = kNone;
  };
  struct Line {
    size_t oldest = kNone;
    size_t newest = kNone;
  };

  uint64_t Hash(std::initializer_list<ByteView> parts) const;
  uint64_t FinishHashOf(const Entry& entry) const;
  uint64_t HashOf(const Identity& identity) const;
  static bool IsPast(const Entry& entry, Instant now);
  void Sweep(Instant now);
  void SweepOne(Instant now);
  void Release(size_t slot);
  // Slots without good finish: the one that gives way first, and the oldest of an address; kNone.
  size_t First() const;
  size_t OldestOf(uint64_t address) const;
  bool HasItsShare(uint64_t address) const { return addresses_.count(address) >= kMaxOfAddress; }
  Line& LineOf(const Entry& entry) { return lines_[entry.address_proved ? 1 : 0]; }
  void PutInLine(size_t slot);
  void TakeOutOfLine(size_t slot);
  void PutToFinished(size_t slot);
  static void Erase(Index& index, uint64_t key, size_t slot);

  size_t capacity_;
  size_t used_ = 0;
  size_t hand_ = 0;  // where the sweep goes on
  std::array<uint8_t, 16> key_{};
  std::vector<Slot> slots_;
  std::vector<size_t> free_;
  Index caps_;
  Index finishes_;
  Index addresses_;
  Owned offerers_;
  std::array<Line, 2> lines_;  // of addresses without and with proof
};

}  // namespace keymast::mikey::v2
