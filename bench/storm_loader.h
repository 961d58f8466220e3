// SPDX-License-Identifier: Apache-2.0
// Drives all parties of a storm from one thread.
#pragma once

#include <queue>

#include "bench/storm_link.h"
#include "bench/storm_receiver.h"

namespace keymast::bench {

class StormLoader {
 public:
  // Addresses of nobody, behind those of the people.
  static constexpr size_t kForgers = 50000;

  // Borrowed: all.
  StormLoader(const StormPlan& plan, const People& people, StormSite& site, StormLink& link);

  // GiveTickets lets those join who are to come with one, over a link that loses nothing.
  void GiveTickets();
  // Storm runs until nobody has anything to do, or the limit has come.
  void Storm(StormOutcome& outcome);

  // Resident octets of keymastd.
  double most_memory() const { return most_memory_; }

 private:
  using Due = std::pair<Instant, size_t>;

  struct Phase {
    std::vector<size_t> who;
    double ramp_seconds;
    double limit_seconds;
    bool by_ticket;
    double forged;  // chance that a forged CAP goes beside a genuine one
  };
  void Run(const Phase& phase, StormOutcome& outcome);
  std::vector<Due> ArrivalsOf(const Phase& phase, Instant begin);
  void Take(const Phase& phase, size_t number, const StormReceiver::Step& step, Instant now,
            StormOutcome& outcome);
  void Forge(size_t number, ByteView cap, Instant now);
  ByteView ForgedOf(ByteView cap, Instant now);
  void Sample(Instant now);
  // Settle waits until keymastd has taken all that was sent, and its replies have come.
  void Settle(double before);
  void Judge(const Phase& phase, Instant begin, StormOutcome& outcome) const;

  const StormPlan& plan_;
  const People& people_;
  StormSite& site_;
  StormLink& link_;
  crypto::SeededRng rng_;
  StormDice dice_;
  StormReceiver::World world_;
  std::vector<StormReceiver> receivers_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> timers_;
  std::array<uint8_t, mikey::v2::kMaxOneDatagram> out_{};
  std::array<uint8_t, mikey::v2::kMaxOneDatagram> forged_{};
  size_t forgeries_ = 0;
  Instant sampled_at_{};
  double most_memory_ = 0;
};

}  // namespace keymast::bench
