// SPDX-License-Identifier: Apache-2.0
// keymast-bench [codec|msk|fanout|mtk|admin|headend|restart|mikeyv2|storm|attack]... [--json FILE]
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/harness.h"

namespace {

struct Named {
  const char* name;
  void (*run)(keymast::bench::Report&);
};

constexpr Named kBenches[] = {
    {"codec", keymast::bench::BenchCodec},     {"msk", keymast::bench::BenchMsk},
    {"fanout", keymast::bench::BenchFanout},   {"mtk", keymast::bench::BenchMtk},
    {"admin", keymast::bench::BenchAdmin},     {"headend", keymast::bench::BenchHeadend},
    {"restart", keymast::bench::BenchRestart}, {"mikeyv2", keymast::bench::BenchMikeyV2},
    {"storm", keymast::bench::BenchStorm},     {"attack", keymast::bench::BenchAttack},
};

bool Wanted(const std::vector<std::string>& names, const char* name) {
  if (names.empty()) return true;
  for (const std::string& wanted : names) {
    if (wanted == name) return true;
  }
  return false;
}

bool IsBench(const std::string& name) {
  for (const Named& bench : kBenches) {
    if (name == bench.name) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else if (IsBench(argv[i])) {
      names.emplace_back(argv[i]);
    } else {
      std::fprintf(stderr,
                   "usage: %s [codec|msk|fanout|mtk|admin|headend|restart|mikeyv2|storm|attack]... "
                   "[--json FILE]\n",
                   argv[0]);
      return 2;
    }
  }
  keymast::bench::Report report;
  for (const Named& bench : kBenches) {
    if (Wanted(names, bench.name)) bench.run(report);
  }
  if (!json.empty() && !report.WriteJson(json)) {
    std::fprintf(stderr, "cannot write %s\n", json.c_str());
    return 1;
  }
  return report.Passed() ? 0 : 1;
}
