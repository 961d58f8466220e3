// SPDX-License-Identifier: Apache-2.0
// Durable AddMember through keymast-api and keymastd, as an operator's program would, against the
// same call answered by an echo and against the commits alone.
#include <cstdio>

#include "bench/api_load.h"
#include "bench/harness.h"
#include "bench/processes.h"
#include "bench/store_floor.h"

namespace keymast::bench {
namespace {

constexpr int kRuns = 15;
constexpr double kTarget = 0.6;
constexpr size_t kInFlight = 64;
constexpr size_t kSingles = 8000;
constexpr size_t kBatch = 1000;
constexpr size_t kBatchesInFlight = 8;
constexpr size_t kBatched = 40000;

// Site is a core, the echo or keymastd, with a keymast-api before it.
class Site {
 public:
  Site(const Scratch& scratch, std::vector<std::string> core)
      : core_(std::move(core), scratch / "core.log"),
        api_({Program("keymast-api"), "--config", scratch / "api.toml"}, scratch / "api.log"),
        load_(scratch / "operator.sock") {}
  ApiLoad& load() { return load_; }

 private:
  Child core_;
  Child api_;
  ApiLoad load_;
};

void Configure(const Scratch& scratch) {
  const auto line = [&scratch](const char* key, const char* name) {
    return std::string(key) + " = \"" + scratch / name + "\"\n";
  };
  scratch.Write("api.toml", line("core_socket", "core.sock") + "socket_directory = \"" +
                                scratch.path() + "\"\nhttp_listen = \"\"\n");
  scratch.Write("core.toml", line("data", "data") + line("witness", "witness") +
                                 line("master_key_file", "master.key") +
                                 line("socket", "core.sock") +
                                 "identity = \"bmsc@example.org\"\n"
                                 "mikey_listen = \"127.0.0.1:" +
                                 std::to_string(FreeUdpPort()) + "\"\n");
}

std::vector<std::string> Keymastd(const Scratch& scratch, const char* command) {
  return {Program("keymastd"), command, "--config", scratch / "core.toml"};
}

void Judge(Report& report, const std::string& name, const Paired& rates) {
  report.AddThroughput("admin", name, rates.product, rates.floor, "members/s", kTarget);
}

void Singles(Report& report, ApiLoad& product, ApiLoad& echo, StoreFloor& store, size_t& channel) {
  std::vector<double> echoes;
  std::vector<double> commits;
  const Paired rates = Interleave(
      "durable AddMember/s, 64 in flight", kRuns,
      [&] {
        product.MakeChannel(++channel);
        return product.AddMembers(channel, kSingles, kInFlight);
      },
      [&] {
        echoes.push_back(echo.AddMembers(1, kSingles, kInFlight));
        commits.push_back(store.GroupCommit(kInFlight, kSingles));
        return std::min(echoes.back(), commits.back());
      });
  std::printf("  the floor is the lesser of echo %.4g and group commit %.4g\n", Median(echoes),
              Median(commits));
  Judge(report, "durable AddMember, single", rates);
}

void Batches(Report& report, ApiLoad& product, StoreFloor& store, size_t& channel) {
  const Paired rates = Interleave(
      "durable members/s, 1,000 a call", kRuns,
      [&] {
        product.MakeChannel(++channel);
        return product.AddBatches(channel, kBatched, kBatch, kBatchesInFlight);
      },
      [&] { return store.Batches(kBatch, kBatched); });
  Judge(report, "durable AddMember, by 1,000", rates);
}

}  // namespace

void BenchAdmin(Report& report) {
  const Scratch scratch("admin");
  const Scratch echo_scratch("echo");
  Configure(scratch);
  Configure(echo_scratch);
  Demand(Child(Keymastd(scratch, "init"), scratch / "core.log").Wait() == 0,
         "keymastd init failed");
  Site product(scratch, Keymastd(scratch, "run"));
  Site echo(echo_scratch, {Program("keymast-bench-echo"), echo_scratch / "core.sock"});
  StoreFloor store(scratch / "floor");
  product.load().MakeSubscribers(kBatched);
  size_t channel = 0;
  Singles(report, product.load(), echo.load(), store, channel);
  Batches(report, product.load(), store, channel);
}

}  // namespace keymast::bench
