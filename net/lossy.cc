// SPDX-License-Identifier: Apache-2.0
#include "net/lossy.h"

namespace keymast::net {

void LossyNet::Attach(const Endpoint& at, Take take) {
  by_endpoint_.emplace(at, receivers_.size());
  receivers_.push_back({at, std::move(take)});
}

// SplitMix64 (Steele, Lea, Flood 2014): the same everywhere, unlike the standard's distributions.
uint64_t LossyNet::Random() {
  random_ += 0x9e3779b97f4a7c15;
  uint64_t z = random_;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

bool LossyNet::Happens(double chance) {
  constexpr double kSteps = 1 << 30;
  return static_cast<double>(Random() >> 34) < chance * kSteps;
}

void LossyNet::Send(const Endpoint& from, const Endpoint& to, ByteView octets, Instant now) {
  const auto [begin, end] = by_endpoint_.equal_range(to);
  for (auto entry = begin; entry != end; ++entry) {
    ++counters_.sent;
    if (Happens(conditions_.loss)) {
      ++counters_.lost;
      continue;
    }
    Launch(entry->second, from, octets, now);
    if (!Happens(conditions_.duplication)) continue;
    ++counters_.doubled;
    Launch(entry->second, from, octets, now);
  }
}

void LossyNet::Launch(size_t receiver, const Endpoint& from, ByteView octets, Instant now) {
  Duration delay = conditions_.delay;
  if (Happens(conditions_.reordering)) {
    ++counters_.held_back;
    delay += Duration(Random() % static_cast<uint64_t>(conditions_.held_back.count() + 1));
  }
  flying_.emplace(Arrival(now + delay, launched_++),
                  Flight{receiver, from, {octets.begin(), octets.end()}});
}

Instant LossyNet::NextArrival() const {
  return flying_.empty() ? kNever : flying_.begin()->first.first;
}

// FNV-1a, a word at a time.
void LossyNet::Hash(uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; }

void LossyNet::DeliverUntil(Instant now) {
  while (NextArrival() <= now) {
    const auto next = flying_.extract(flying_.begin());
    const Flight& flight = next.mapped();
    const Instant at = next.key().first;
    ++counters_.delivered;
    Hash(static_cast<uint64_t>(ToUnixNanos(at)));
    Hash(flight.receiver);
    for (const uint8_t octet : flight.octets) Hash(octet);
    const Receiver& receiver = receivers_[flight.receiver];
    receiver.take(flight.from, receiver.at, flight.octets, at);
  }
}

}  // namespace keymast::net
