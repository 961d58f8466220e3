// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/exchange_cache.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kSweptAtOnce = 8;
constexpr size_t kMaxHashed = 256;

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

bool ExchangeCache::IsPast(const Entry& entry, Instant now) {
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

Entry* ExchangeCache::Add(Entry entry, Instant now) {
  Sweep(now);
  const ByteView address = entry.address.view();
  const uint64_t by_address = Hash({address});
  std::optional<size_t> victim;
  if (addresses_.count(by_address) >= kMaxOfAddress) {
    victim = OldestOf(by_address);
    if (!victim) return nullptr;
  } else if (used_ == capacity_) {
    victim = OldestOf(std::nullopt);
    if (!victim) return nullptr;
  }
  if (victim) Release(*victim);
  const size_t at = free_.back();
  free_.pop_back();
  Slot& slot = slots_[at];
  slot.by_cap = entry.is_for_all ? Hash({entry.exchange.th}) : Hash({entry.exchange.th, address});
  slot.by_finish = Hash({entry.exchange.rand_i.view(), entry.exchange.rand_r.view()});
  slot.by_address = by_address;
  slot.entry = std::make_unique<Entry>(std::move(entry));
  caps_.emplace(slot.by_cap, at);
  finishes_.emplace(slot.by_finish, at);
  addresses_.emplace(slot.by_address, at);
  ++used_;
  return slot.entry.get();
}

void ExchangeCache::Sweep(Instant now) {
  for (size_t i = 0; i < std::min(kSweptAtOnce, slots_.size()); ++i) {
    hand_ = (hand_ + 1) % slots_.size();
    const Slot& slot = slots_[hand_];
    if (slot.entry != nullptr && IsPast(*slot.entry, now)) Release(hand_);
  }
}

void ExchangeCache::Release(size_t at) {
  Slot& slot = slots_[at];
  Erase(caps_, slot.by_cap, at);
  Erase(finishes_, slot.by_finish, at);
  Erase(addresses_, slot.by_address, at);
  slot.entry.reset();
  free_.push_back(at);
  --used_;
}

// An unproved address goes before a proved one; a verified exchange never goes.
std::optional<size_t> ExchangeCache::OldestOf(std::optional<uint64_t> address) const {
  std::optional<size_t> oldest;
  for (size_t at = 0; at < slots_.size(); ++at) {
    const Slot& slot = slots_[at];
    if (slot.entry == nullptr || slot.entry->verified) continue;
    if (address && slot.by_address != *address) continue;
    const auto rank = [](const Entry& entry) {
      return std::pair(entry.address_proved, entry.made);
    };
    if (!oldest || rank(*slot.entry) < rank(*slots_[*oldest].entry)) oldest = at;
  }
  return oldest;
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
