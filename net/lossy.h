// SPDX-License-Identifier: Apache-2.0
// For tests: a network in memory, on virtual time, that loses, doubles, delays and reorders
// datagrams. One seed replays it: same seed and same sends, same fate of each.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace keymast::net {

class LossyNet {
 public:
  // Conditions are chances from 0 to 1 for each copy of a datagram on its way to one receiver.
  struct Conditions {
    double loss = 0;
    double duplication = 0;
    double reordering = 0;  // held back so long that later ones pass it
    Duration delay = std::chrono::milliseconds(1);
    Duration held_back = std::chrono::milliseconds(50);  // at most
  };
  // Called with what arrives. It may send; it may not attach.
  using Take =
      std::function<void(const Endpoint& from, const Endpoint& to, ByteView octets, Instant at)>;

  LossyNet(uint64_t seed, const Conditions& conditions) : random_(seed), conditions_(conditions) {}

  // Attach makes `take` hear what is sent to `at`. Many may hear one group: each copy has a fate of
  // its own.
  void Attach(const Endpoint& at, Take take);
  void Send(const Endpoint& from, const Endpoint& to, ByteView octets, Instant now);
  // NextArrival is kNever while nothing is on its way.
  Instant NextArrival() const;
  // DeliverUntil hands over what arrives up to and at `now`, in order.
  void DeliverUntil(Instant now);

  struct Counters {
    uint64_t sent = 0;  // copies
    uint64_t lost = 0;
    uint64_t doubled = 0;
    uint64_t held_back = 0;
    uint64_t delivered = 0;
  };
  const Counters& counters() const { return counters_; }
  // EventHash stands for everything that was delivered: when, to whom, which octets, in order.
  uint64_t EventHash() const { return hash_; }

 private:
  struct Flight {
    size_t receiver;
    Endpoint from;
    Bytes octets;
  };
  struct Receiver {
    Endpoint at;
    Take take;
  };
  // The order of Send among those that arrive at one instant.
  using Arrival = std::pair<Instant, uint64_t>;
  uint64_t Random();
  bool Happens(double chance);
  void Launch(size_t receiver, const Endpoint& from, ByteView octets, Instant now);
  void Hash(uint64_t value);

  uint64_t random_;
  Conditions conditions_;
  std::vector<Receiver> receivers_;
  std::multimap<Endpoint, size_t> by_endpoint_;
  std::map<Arrival, Flight> flying_;
  uint64_t launched_ = 0;
  uint64_t hash_ = 0;
  Counters counters_;
};

}  // namespace keymast::net
