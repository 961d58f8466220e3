// SPDX-License-Identifier: Apache-2.0
// A join storm: a real keymastd, and a loader in which every receiver is an Offerer of its own with
// an address of its own, over UDP on loopback that loses, doubles, reorders and forges datagrams.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace keymast::bench {

// StormPlan says who comes how. One seed gives the same people, arrivals and fates of datagrams.
struct StormPlan {
  uint64_t seed = 1;
  size_t receivers = 100000;    // entitled to the channel: by PSK but for
  double by_ticket = 0.2;       // who resume, and
  double by_certificate = 0.1;  // who join in mode DH
  double strangers = 0.04;      // beside them, and not to be let in
  double ramp_seconds = 28;     // in which all of them arrive
  double limit_seconds = 60;    // until the last has its keys
  double loss = 0.2;            // of each datagram, each way
  double duplication = 0.05;
  double reordering = 0.05;
  double forged = 0.1;  // of all CAPs
  bool pinned = false;  // keymastd on one processor, the loader on another
};

// StormOutcome is what loader and keymastd saw.
struct StormOutcome {
  // Of the loader.
  size_t joined = 0;                // entitled receivers that have the group's keys
  std::array<size_t, 7> by_mode{};  // of these
  size_t resumed = 0;               // of these, by ticket
  size_t wrong_keys = 0;            // that were given others than the group's
  size_t intruders = 0;             // strangers that were given keys
  size_t strangers = 0;             // that tried
  size_t finished = 0;              // joined, and heard so by KEYS
  size_t exchanges = 0;             // opened
  size_t forged = 0;                // CAPs
  size_t caps = 0;                  // genuine ones
  double seconds = 0;               // from the first CAP to the last keys
  double p50 = 0;                   // seconds from a receiver's first CAP to its keys
  double p99 = 0;
  double slowest = 0;
  double loader_cpu = 0;
  size_t sent = 0;      // datagrams that the kernel took
  size_t received = 0;  // that came, before the dice
  size_t retries = 0;   // RETRYs that came, before the dice
  size_t dropped = 0;   // by the kernel, for want of the loader
  // Of keymastd: how far its metrics moved, as `name{label}`; and octets of memory that it had more
  // at most than at its start.
  std::map<std::string, double> metrics;
  double memory = 0;
  double server_cpu = 0;

  // What is not as it must be; empty: all is.
  std::string Faults(const StormPlan& plan) const;
};

StormOutcome RunStorm(const StormPlan& plan);

}  // namespace keymast::bench
