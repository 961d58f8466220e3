// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/exchange_cache.h"

#include <algorithm>

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kSweptAtOnce = 8;
constexpr size_t kSweptWhenCrowded = 64;  // so that what is past asks nobody for cookies
constexpr size_t kMaxHashed = 1 + kMaxIdentity;

}  // namespace

ExchangeCache::ExchangeCache(size_t capacity, crypto::Rng& rng)
    : capacity_(capacity), slots_(capacity) {
  KEYMAST_CHECK(capacity > 0);
  rng.Fill(key_);
  for (size_t slot = capacity; slot > 0; --slot) free_.push_back(slot - 1);
}

uint64_t ExchangeCache::Hash(std::initializer_list<ByteView> parts) const {
  std::array<uint8_t, kMaxHashed> octets;  // as far as it is written
  Writer writer(octets);
  for (const ByteView part : parts) writer.Put(part);
  KEYMAST_CHECK(writer.ok());
  return crypto::ShortHash(key_, writer.written());
}

uint64_t ExchangeCache::FinishHashOf(const Entry& entry) const {
  return Hash({entry.exchange.rand_i.view(), entry.exchange.rand_r.view()});
}

uint64_t ExchangeCache::HashOf(const Identity& identity) const {
  const std::array<uint8_t, 1> type{static_cast<uint8_t>(identity.type)};
  return Hash({type, identity.data});
}

// MIKEYv2 §12: in SDP it lives as long as offer and answer are open, and 10 s from their end.
bool ExchangeCache::IsPast(const Entry& entry, Instant now) {
  if (entry.is_in_sdp && !entry.verified) {
    return entry.ended != kNever && now - entry.ended > kIdle;
  }
  if (entry.is_in_sdp) return now - entry.sent > kIdle || now - entry.finished > kLife;
  return now - entry.sent > kIdle || now - entry.made > kLife;
}

Entry* ExchangeCache::FindCap(const Digest& th, ByteView address, Instant now) {
  Sweep(now);
  for (const bool is_for_all : {false, true}) {
    const uint64_t key = is_for_all ? Hash({th}) : Hash({th, address});
    const auto [begin, end] = caps_.equal_range(key);
    for (auto it = begin; it != end; ++it) {
      Entry& entry = *slots_[it->second].entry;
      const bool is_it = entry.exchange.th == th && entry.is_for_all == is_for_all &&
                         (is_for_all || Equal(entry.address.view(), address));
      if (is_it && !IsPast(entry, now)) return &entry;
    }
  }
  return nullptr;
}

Entry* ExchangeCache::FindFinish(CsbId csb_id, ByteView rand_i, ByteView rand_r, Instant now) {
  Sweep(now);
  const auto [begin, end] = finishes_.equal_range(Hash({rand_i, rand_r}));
  for (auto it = begin; it != end; ++it) {
    Entry& entry = *slots_[it->second].entry;
    const bool is_it = entry.exchange.csb_id == csb_id &&
                       Equal(entry.exchange.rand_i.view(), rand_i) &&
                       Equal(entry.exchange.rand_r.view(), rand_r);
    if (is_it && !IsPast(entry, now)) return &entry;
  }
  return nullptr;
}

bool ExchangeCache::HasPlace(ByteView address) const {
  const uint64_t by_address = Hash({address});
  if (HasItsShare(by_address)) return OldestOf(by_address) != kNone;
  return used_ < capacity_ || First() != kNone;
}

Entry* ExchangeCache::Add(std::unique_ptr<Entry> added, Instant now) {
  Sweep(now);
  const Entry& entry = *added;
  const ByteView address = entry.address.view();
  const uint64_t by_address = Hash({address});
  const bool has_its_share = HasItsShare(by_address);
  if (has_its_share || used_ == capacity_) {
    const size_t victim = has_its_share ? OldestOf(by_address) : First();
    if (victim == kNone) return nullptr;
    Release(victim);
  }
  const size_t at = free_.back();
  free_.pop_back();
  Slot& slot = slots_[at];
  slot.by_cap = entry.is_for_all ? Hash({entry.exchange.th}) : Hash({entry.exchange.th, address});
  slot.by_finish = FinishHashOf(entry);
  slot.by_address = by_address;
  slot.by_offerer = offerers_.emplace(std::pair(HashOf(entry.exchange.offerer.view()), false), at);
  slot.entry = std::move(added);
  caps_.emplace(slot.by_cap, at);
  finishes_.emplace(slot.by_finish, at);
  addresses_.emplace(slot.by_address, at);
  ++used_;
  PutInLine(at);
  return slot.entry.get();
}

void ExchangeCache::Verify(Entry& entry) {
  const auto [begin, end] = finishes_.equal_range(FinishHashOf(entry));
  const auto found = std::find_if(
      begin, end, [&](const auto& one) { return slots_[one.second].entry.get() == &entry; });
  KEYMAST_CHECK(found != end);
  if (entry.verified) return;
  TakeOutOfLine(found->second);
  entry.verified = true;
  PutToFinished(found->second);
}

// PutToFinished keeps one member, with as many addresses as it likes, from holding every place.
void ExchangeCache::PutToFinished(size_t slot) {
  auto moved = offerers_.extract(slots_[slot].by_offerer);
  moved.key().second = true;
  // In the order in which they were put: what is inserted goes behind its like.
  const auto oldest = offerers_.lower_bound(moved.key());
  if (offerers_.count(moved.key()) >= kMaxFinished) Release(oldest->second);
  slots_[slot].by_offerer = offerers_.insert(std::move(moved));
}

void ExchangeCache::Sweep(Instant now) {
  const size_t most = is_crowded() ? kSweptWhenCrowded : kSweptAtOnce;
  for (size_t i = 0; i < std::min(most, slots_.size()); ++i) SweepOne(now);
}

void ExchangeCache::SweepAll(Instant now) {
  for (size_t i = 0; i < slots_.size(); ++i) SweepOne(now);
}

void ExchangeCache::SweepOne(Instant now) {
  hand_ = (hand_ + 1) % slots_.size();
  const Slot& slot = slots_[hand_];
  if (slot.entry != nullptr && IsPast(*slot.entry, now)) Release(hand_);
}

void ExchangeCache::Release(size_t at) {
  Slot& slot = slots_[at];
  if (!slot.entry->verified) TakeOutOfLine(at);
  Erase(caps_, slot.by_cap, at);
  Erase(finishes_, slot.by_finish, at);
  Erase(addresses_, slot.by_address, at);
  offerers_.erase(slot.by_offerer);
  slot.entry.reset();
  free_.push_back(at);
  --used_;
}

// An unproved address goes before a proved one; a verified exchange never goes.
size_t ExchangeCache::First() const {
  return lines_[0].oldest != kNone ? lines_[0].oldest : lines_[1].oldest;
}

size_t ExchangeCache::OldestOf(uint64_t address) const {
  const auto rank = [this](size_t at) {
    const Entry& entry = *slots_[at].entry;
    return std::pair(entry.address_proved, entry.made);
  };
  size_t oldest = kNone;
  const auto [begin, end] = addresses_.equal_range(address);  // kMaxOfAddress at most
  for (auto it = begin; it != end; ++it) {
    if (slots_[it->second].entry->verified) continue;
    if (oldest == kNone || rank(it->second) < rank(oldest)) oldest = it->second;
  }
  return oldest;
}

void ExchangeCache::PutInLine(size_t at) {
  Line& line = LineOf(*slots_[at].entry);
  slots_[at].before = line.newest;
  slots_[at].behind = kNone;
  (line.newest == kNone ? line.oldest : slots_[line.newest].behind) = at;
  line.newest = at;
}

void ExchangeCache::TakeOutOfLine(size_t at) {
  const Slot& slot = slots_[at];
  Line& line = LineOf(*slot.entry);
  (slot.before == kNone ? line.oldest : slots_[slot.before].behind) = slot.behind;
  (slot.behind == kNone ? line.newest : slots_[slot.behind].before) = slot.before;
}

void ExchangeCache::Erase(Index& index, uint64_t key, size_t slot) {
  const auto [begin, end] = index.equal_range(key);
  for (auto it = begin; it != end; ++it) {
    if (it->second != slot) continue;
    index.erase(it);
    return;
  }
}

}  // namespace keymast::mikey::v2
