// SPDX-License-Identifier: Apache-2.0
// A clean start of keymastd with 100,000 subscribers, all members of one channel: from the
// directory to the state in memory, against opening RocksDB, scanning and unsealing as much.
#include <chrono>
#include <vector>

#include "bench/harness.h"
#include "bench/page_floor.h"
#include "bench/population.h"
#include "bench/processes.h"
#include "controller/controller.h"
#include "server/open_store.h"
#include "shell/process.h"

namespace keymast::bench {
namespace {

constexpr size_t kMembers = 100000;
constexpr int kRuns = 7;
constexpr double kMostTimes = 2;
// A million members may take 3 s.
constexpr double kMostSeconds = 3.0 * kMembers / 1'000'000;

void Populate(const server::ServerConfig& config, const crypto::MasterKey& master_key) {
  crypto::SeededRng rng(4);
  WriteState(config, master_key,
             MakeState(1, kMembers, 2271, {}, rng, FromUnixNanos(1'700'000'000'000'000'000)));
}

double OpenSeconds(const server::ServerConfig& config, const crypto::MasterKey& master_key) {
  const double begin = WallSeconds();
  server::OpenedStore store = Demanded(server::OpenStore(config, {&master_key}));
  const double taken = WallSeconds() - begin;
  Demand(store.state.subscribers.size() == kMembers &&
             store.state.channels.begin()->second.members.size() == kMembers,
         "the store came back with other members");
  Demand(store.durable->CloseClean().has_value(), "the data directory cannot be closed");
  return taken;
}

// ServeSeconds is OpenSeconds until every channel is resumed and the first key could leave.
double ServeSeconds(const server::ServerConfig& config, const crypto::MasterKey& master_key) {
  const shell::SystemClock clock;
  crypto::SystemRng rng;
  const double begin = WallSeconds();
  server::OpenedStore store = Demanded(server::OpenStore(config, {&master_key}));
  controller::Controller core({config.identity, {}}, std::move(store.state), rng,
                              crypto::DefaultSuite());
  core.Start(clock.Now(), false);
  const double taken = WallSeconds() - begin;
  Demand(core.JoinedCount(core.state().channels.begin()->first) == kMembers,
         "the channel came back with other members");
  Demand(store.durable->CloseClean().has_value(), "the data directory cannot be closed");
  return taken;
}

}  // namespace

void BenchRestart(Report& report) {
  const Scratch scratch("restart");
  const server::ServerConfig config = ConfigIn(scratch);
  auto octets = crypto::Key32::OfSize(32);
  crypto::SystemRng().Fill(octets.mutable_view());
  const crypto::LocalMasterKey master_key(octets);
  Populate(config, master_key);
  const PageFloor floor(config.data, scratch / "floor");
  const Paired seconds = Interleave(
      "seconds to open", kRuns, [&] { return OpenSeconds(config, master_key); },
      [&] { return floor.OpenScanUnseal(); });
  report.AddBound("restart", "100,000 members", seconds.product, seconds.floor, "s", kMostTimes);
  std::vector<double> served;
  for (int run = 0; run < kRuns; ++run) served.push_back(ServeSeconds(config, master_key));
  report.AddLimit("restart", "100,000 members, until keys leave", Median(served), "s",
                  kMostSeconds);
}

}  // namespace keymast::bench
