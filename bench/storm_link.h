// SPDX-License-Identifier: Apache-2.0
// The loader's way to keymastd: one socket from which every party sends under an address of its own
// (IP_PKTINFO), with dice for each datagram both ways.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace keymast::bench {

// StormDice of one seed: what falls hangs on the seed and on who threw how often before.
class StormDice {
 public:
  StormDice(uint64_t seed, size_t parties) : seed_(seed), thrown_(parties) {}
  // A number from 0 to below 1.
  double Throw(size_t party);

 private:
  uint64_t seed_;
  std::vector<uint32_t> thrown_;
};

class StormLink {
 public:
  struct Conditions {
    double loss = 0;
    double duplication = 0;
    double reordering = 0;
    Duration held_back = std::chrono::milliseconds(50);  // at most
  };
  struct Counters {
    uint64_t sent = 0;      // that the kernel took
    uint64_t received = 0;  // that came
    uint64_t retries = 0;   // of these
  };
  // Called with what got through; `party` is whose address it came to.
  using Take = std::function<void(size_t party, ByteView octets, Instant now)>;

  // Parties are numbered below `parties`, at most kLoopbackAddresses; all have the port.
  StormLink(uint16_t port, uint16_t server_port, uint64_t seed, size_t parties);
  ~StormLink();
  StormLink(const StormLink&) = delete;
  StormLink& operator=(const StormLink&) = delete;

  void set_conditions(const Conditions& conditions) { conditions_ = conditions; }
  void Send(size_t party, ByteView octets, Instant now);
  // Turn hands over what was held back until now, takes what came, and sends what waits; true when
  // there is more.
  bool Turn(Instant now, const Take& take);

  const Counters& counters() const { return counters_; }
  uint64_t Dropped() const;  // by the kernel

 private:
  static constexpr size_t kBatch = 64;
  struct Buffers;
  struct Held {
    bool is_outgoing;
    size_t party;
    Bytes octets;
  };
  // Fate calls `pass` for each copy that goes now, and keeps those that go later.
  template <class Pass>
  void Fate(StormDice& dice, bool is_outgoing, size_t party, ByteView octets, Instant now,
            Pass pass);
  void Queue(size_t party, ByteView octets);
  void Flush();
  size_t TakeSome(Instant now, const Take& take);

  int fd_;
  uint16_t port_;
  uint16_t server_port_;
  Conditions conditions_;
  StormDice there_;
  StormDice back_;
  std::multimap<Instant, Held> held_;
  std::unique_ptr<Buffers> buffers_;
  size_t waiting_ = 0;
  Counters counters_;
};

}  // namespace keymast::bench
