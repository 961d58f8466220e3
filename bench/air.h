// SPDX-License-Identifier: Apache-2.0
// MTK messages of many channels as they come to a receiver, each held against the instant of the
// grid that it was placed on. The instants of arrival are the kernel's: over loopback those of
// sending, however late this process runs.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "groups/group.h"
#include "net/udp.h"
#include "rekey/grid.h"

namespace keymast::bench {

class Air {
 public:
  // Heard is what came within a time. Seconds late, 0 for what came before its instant: of messages
  // that repeat what was on air, and of rounds that announce a new MTK.
  struct Heard {
    std::vector<double> repetitions;
    std::vector<double> announcements;
    size_t missing = 0;  // rounds that never came
  };

  // All `channels` send to `group`; the key group of each is its number, from 1.
  Air(const Endpoint& group, const std::vector<groups::Channel>& channels);
  ~Air();
  Air(const Air&) = delete;
  Air& operator=(const Air&) = delete;

  // Take gives what was heard since the last Take.
  Heard Take();

 private:
  struct Station {
    rekey::Grid grid;
    Duration period;
    Instant round{};         // the last one heard
    uint32_t newest = 0;     // MTK ID
    double repetition = -1;  // seconds late: the last one, until it is known to announce nothing
  };
  void Run();
  void Receive();
  void Hear(ByteView octets, Instant at);
  static void Settle(Station& station, Heard& heard);

  net::UdpSocket socket_;
  std::vector<Station> stations_;
  std::mutex mutex_;  // guards `heard_`, and the stations' `repetition`
  Heard heard_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::bench
