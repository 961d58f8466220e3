// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include "server/metrics.h"
#include "server/standing.h"

namespace keymast::server {
namespace {

constexpr Duration kFarewell = std::chrono::seconds(1);

}  // namespace

Server::Server(const Ground& ground, const controller::Config& config, const About& about,
               rekey::State state, Calls::StateHash state_hash)
    : about_(about),
      clock_view_(ground.clock_view),
      clients_(
          ground.loop,
          [this](ClientId client, core::CoreRequest& request) {
            calls_.OnRequest(client, request);
            shard_.TurnBetween();
          },
          [this](ClientId client) { calls_.OnClosed(client); }),
      headends_(clients_, ground.rng),
      watches_(clients_),
      controller_(config, std::move(state), ground.rng, crypto::DefaultSuite()),
      shard_({ground.clock, ground.durable, ground.port, headends_, watches_,
              [&loop = ground.loop] { loop.Wake(); }},
             controller_),
      store_work_(shard_, ground.store_means),
      calls_(
          clients_, shard_, ground.import_key,
          {config.identity, config.profile, ground.clock.Now(), about_}, store_work_,
          [this] { return StandingOf(shard_, clock()).not_ready; },
          [this, &port = ground.port, lost = ground.record_lost,
           files = ground.join_files](core::MetricsSnapshot& snapshot) {
            FillMetrics(shard_, port.counters(), clients_, about_,
                        files == nullptr ? JoinFilesView{} : *files, clock(), lost ? lost() : 0,
                        snapshot);
          },
          std::move(state_hash)) {}

void Server::Drain() {
  clients_.Stop();
  shard_.Drain();
  clients_.Farewell(kFarewell);
}

}  // namespace keymast::server
