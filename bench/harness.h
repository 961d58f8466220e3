// SPDX-License-Identifier: Apache-2.0
// Benchmarks that judge themselves: each figure stands beside the physical floor measured in the
// same run, interleaved, and what counts is the ratio.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace keymast::bench {

// Figure is one judged number.
//   floor: throughput against the floor; a ratio above 1.1 means that the floor is broken, and
//   fails
//   peer: throughput against another implementation, in `floor`
//   bound: smaller is better; `floor` is what the machine does on its own, `target` a
//   multiple of it
struct Figure {
  std::string bench;
  std::string name;
  std::string kind;
  double value = 0;
  std::string unit;
  double floor = 0;
  double ratio = 0;
  double target = 0;
  bool pass = false;
};

class Report {
 public:
  // Higher is better: passes when target <= value / floor <= 1.1.
  void AddThroughput(std::string bench, std::string name, double value, double floor,
                     std::string unit, double target);
  // Higher is better, against another implementation: passes when target <= value / peer.
  void AddPeer(std::string bench, std::string name, double value, double peer, std::string unit,
               double target);
  // Lower is better: passes when value / floor <= target.
  void AddBound(std::string bench, std::string name, double value, double floor, std::string unit,
                double target);
  // Lower is better, against an absolute limit; there is no floor.
  void AddLimit(std::string bench, std::string name, double value, std::string unit, double limit);

  // True when every figure passed.
  bool Passed() const;
  // False when the file cannot be written.
  bool WriteJson(const std::string& path) const;

 private:
  void Add(Figure figure);
  std::vector<Figure> figures_;
};

// Seconds of CLOCK_MONOTONIC, and of this thread's processor time.
double WallSeconds();
double ThreadCpuSeconds();

double Median(std::vector<double> values);
double Percentile(std::vector<double> values, double share);

// Paired holds the medians of interleaved runs, and the spread of their ratio.
struct Paired {
  double product = 0;
  double floor = 0;
  double lowest_ratio = 0;
  double highest_ratio = 0;
};

// InTurn calls all of `works` in turn `runs` times after one uncounted turn; each returns a figure
// (a rate or a time). It returns the figures of each.
std::vector<std::vector<double>> InTurn(int runs,
                                        const std::vector<std::function<double()>>& works);

// Compare takes the figures of runs that were made in turn, and prints medians and spread;
// `against` is what it calls the floor.
Paired Compare(const std::string& what, const std::vector<double>& products,
               const std::vector<double>& floors, const char* against = "floor");

// Interleave calls product and floor in turn and compares them.
Paired Interleave(const std::string& what, int runs, const std::function<double()>& product,
                  const std::function<double()>& floor, const char* against = "floor");

// RateOf runs `work(count)` with a count that takes at least `seconds`, and returns counts a second
// of this thread's processor time.
double RateOf(double seconds, const std::function<void(size_t)>& work);

// The benchmarks; each adds its figures.
void BenchCodec(Report& report);
void BenchMsk(Report& report);
void BenchFanout(Report& report);
void BenchMtk(Report& report);
void BenchAdmin(Report& report);
void BenchHeadend(Report& report);
void BenchRestart(Report& report);
void BenchMikeyV2(Report& report);
void BenchStorm(Report& report);
void BenchAttack(Report& report);

}  // namespace keymast::bench
