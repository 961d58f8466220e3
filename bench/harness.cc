// SPDX-License-Identifier: Apache-2.0
#include "bench/harness.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

namespace keymast::bench {
namespace {

constexpr double kBrokenFloor = 1.1;

double SecondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

void Report::Add(Figure figure) {
  std::printf("%-8s %-28s %14.4g %-12s %-5s %12.4g  ratio %6.3f  target %6.3f  %s\n",
              figure.bench.c_str(), figure.name.c_str(), figure.value, figure.unit.c_str(),
              figure.kind == "peer" ? "peer" : "floor", figure.floor, figure.ratio, figure.target,
              figure.pass ? "pass" : "FAIL");
  std::fflush(stdout);
  figures_.push_back(std::move(figure));
}

void Report::AddThroughput(std::string bench, std::string name, double value, double floor,
                           std::string unit, double target) {
  const double ratio = value / floor;
  Add({std::move(bench), std::move(name), "floor", value, std::move(unit), floor, ratio, target,
       ratio >= target && ratio <= kBrokenFloor});
}

void Report::AddPeer(std::string bench, std::string name, double value, double peer,
                     std::string unit, double target) {
  const double ratio = value / peer;
  Add({std::move(bench), std::move(name), "peer", value, std::move(unit), peer, ratio, target,
       ratio >= target});
}

void Report::AddBound(std::string bench, std::string name, double value, double floor,
                      std::string unit, double target) {
  const double ratio = value / floor;
  Add({std::move(bench), std::move(name), "bound", value, std::move(unit), floor, ratio, target,
       ratio <= target});
}

void Report::AddLimit(std::string bench, std::string name, double value, std::string unit,
                      double limit) {
  Add({std::move(bench), std::move(name), "bound", value, std::move(unit), limit, value / limit, 1,
       value <= limit});
}

bool Report::Passed() const {
  return std::all_of(figures_.begin(), figures_.end(), [](const Figure& f) { return f.pass; });
}

bool Report::WriteJson(const std::string& path) const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Figure& f : figures_) {
    rows.push_back({{"bench", f.bench},
                    {"name", f.name},
                    {"kind", f.kind},
                    {"value", f.value},
                    {"unit", f.unit},
                    {"floor", f.floor},
                    {"ratio", f.ratio},
                    {"target", f.target},
                    {"pass", f.pass}});
  }
  std::ofstream file(path);
  file << rows.dump(2) << '\n';
  return file.good();
}

double WallSeconds() { return SecondsOf(CLOCK_MONOTONIC); }
double ThreadCpuSeconds() { return SecondsOf(CLOCK_THREAD_CPUTIME_ID); }

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank),
                   values.end());
  return values[rank];
}

double Median(std::vector<double> values) { return Percentile(std::move(values), 0.5); }

std::vector<std::vector<double>> InTurn(int runs,
                                        const std::vector<std::function<double()>>& works) {
  for (const auto& work : works) work();
  std::vector<std::vector<double>> figures(works.size());
  for (int run = 0; run < runs; ++run) {
    for (size_t i = 0; i < works.size(); ++i) figures[i].push_back(works[i]());
  }
  return figures;
}

Paired Compare(const std::string& what, const std::vector<double>& products,
               const std::vector<double>& floors, const char* against) {
  std::vector<double> ratios;
  for (size_t i = 0; i < products.size(); ++i) ratios.push_back(products[i] / floors[i]);
  const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
  const Paired paired{Median(products), Median(floors), *lowest, *highest};
  std::printf("  %s: %zu runs, product %.4g, %s %.4g, ratio %.3f .. %.3f\n", what.c_str(),
              ratios.size(), paired.product, against, paired.floor, paired.lowest_ratio,
              paired.highest_ratio);
  return paired;
}

Paired Interleave(const std::string& what, int runs, const std::function<double()>& product,
                  const std::function<double()>& floor, const char* against) {
  const auto figures = InTurn(runs, {product, floor});
  return Compare(what, figures[0], figures[1], against);
}

double RateOf(double seconds, const std::function<void(size_t)>& work) {
  size_t count = 256;
  for (;;) {
    const double start = ThreadCpuSeconds();
    work(count);
    const double taken = ThreadCpuSeconds() - start;
    if (taken >= seconds) return static_cast<double>(count) / taken;
    count = taken < seconds / 16 ? count * 8 : count * 2;
  }
}

}  // namespace keymast::bench
