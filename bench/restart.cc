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

server::ServerConfig ConfigIn(const Scratch& scratch) {
  server::ServerConfig config;
  config.identity = "bmsc@example.org";
  config.data = scratch / "data";
  config.witness = scratch / "witness";
  return config;
}

// Writer commits as many changes at once as fit.
class Writer {
 public:
  explicit Writer(server::Durable& durable) : durable_(durable) {}
  ~Writer() { Flush(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Add(rekey::Change change) {
    std::vector<rekey::Change> one;
    one.push_back(std::move(change));
    if (!room_->Take(one)) {
      Flush();
      room_->Take(one);
    }
    batch_.push_back(std::move(one.front()));
  }

 private:
  void Flush() {
    if (batch_.empty()) return;
    Demand(durable_.Commit(batch_).has_value(), "the population cannot be committed");
    batch_.clear();
    room_ = durable_.NewRoom();
  }

  server::Durable& durable_;
  std::unique_ptr<server::CommitRoom> room_ = durable_.NewRoom();
  std::vector<rekey::Change> batch_;
};

void Populate(const server::ServerConfig& config, const crypto::Key32& master_key) {
  Demand(Demanded(server::InitStore(config, master_key)), "the data directory is there already");
  crypto::SeededRng rng(4);
  const rekey::State state =
      MakeState(1, kMembers, 2271, {}, rng, FromUnixNanos(1'700'000'000'000'000'000));
  server::OpenedStore store = Demanded(server::OpenStore(config, master_key));
  {
    Writer writer(*store.durable);
    for (const auto& [id, channel] : state.channels) {
      writer.Add(rekey::ChannelPut{channel.channel});
      writer.Add(rekey::LadderPut{id, channel.ladder});
    }
    for (const auto& [id, subscriber] : state.subscribers) {
      writer.Add(rekey::SubscriberPut{subscriber.subscriber, subscriber.user_key});
    }
    for (const auto& [id, channel] : state.channels) {
      for (const auto& [name, member] : channel.members) writer.Add(rekey::MemberPut{id, member});
    }
  }
  Demand(store.durable->CloseClean().has_value(), "the data directory cannot be closed");
}

double OpenSeconds(const server::ServerConfig& config, const crypto::Key32& master_key) {
  const double begin = WallSeconds();
  server::OpenedStore store = Demanded(server::OpenStore(config, master_key));
  const double taken = WallSeconds() - begin;
  Demand(store.state.subscribers.size() == kMembers &&
             store.state.channels.begin()->second.members.size() == kMembers,
         "the store came back with other members");
  Demand(store.durable->CloseClean().has_value(), "the data directory cannot be closed");
  return taken;
}

// ServeSeconds is OpenSeconds until every channel is resumed and the first key could leave.
double ServeSeconds(const server::ServerConfig& config, const crypto::Key32& master_key) {
  const shell::SystemClock clock;
  crypto::SystemRng rng;
  const double begin = WallSeconds();
  server::OpenedStore store = Demanded(server::OpenStore(config, master_key));
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
  auto master_key = crypto::Key32::OfSize(32);
  crypto::SystemRng().Fill(master_key.mutable_view());
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
