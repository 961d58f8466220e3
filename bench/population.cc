// SPDX-License-Identifier: Apache-2.0
#include "bench/population.h"

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "server/open_store.h"
#include "shell/files.h"

namespace keymast::bench {
namespace {

constexpr auto kStartPatience = std::chrono::seconds(120);

void AddMember(rekey::State& state, const ChannelId& channel, size_t index, uint16_t port,
               crypto::Rng& rng, Instant now) {
  const std::string name = "subscriber-" + std::to_string(index);
  rekey::SubscriberState subscriber;
  subscriber.subscriber = {SubscriberId(name), name + "@example.org", now, 1};
  subscriber.user_key = crypto::Key32::OfSize(16);
  rng.Fill(subscriber.user_key.mutable_view());
  groups::Member member;
  member.subscriber = subscriber.subscriber.id;
  member.msk_endpoint = LoopbackAddress(index, port);
  member.joined = true;
  member.confirmed = state.channels.at(channel).ladder.msk->id;
  member.created = now;
  rekey::Apply(state, rekey::SubscriberPut{subscriber.subscriber, subscriber.user_key});
  rekey::Apply(state, rekey::MemberPut{channel, member});
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

}  // namespace

Endpoint LoopbackAddress(size_t index, uint16_t port) {
  Endpoint endpoint;
  endpoint.address = {127, static_cast<uint8_t>(1 + index / 62500),
                      static_cast<uint8_t>(1 + index / 250 % 250),
                      static_cast<uint8_t>(1 + index % 250)};
  endpoint.port = port;
  return endpoint;
}

size_t LoopbackIndex(const Endpoint& endpoint) {
  const auto part = [&endpoint](size_t i) { return static_cast<size_t>(endpoint.address[i] - 1); };
  return part(1) * 62500 + part(2) * 250 + part(3);
}

groups::Channel MakeChannel(size_t index, const groups::KeyPolicy& policy) {
  groups::Channel channel;
  channel.id = ChannelId("channel-" + std::to_string(index));
  channel.multicast.mtk.address = {239, 255, static_cast<uint8_t>(index / 250),
                                   static_cast<uint8_t>(1 + index % 250)};
  channel.multicast.mtk.port = 2269;
  channel.multicast.interface_address = "127.0.0.1";
  groups::Stream stream;
  stream.media = "video";
  stream.port = 5004;
  stream.ssrc = Ssrc(static_cast<uint32_t>(0xa0000000 + index));
  stream.payload_type = 96;
  stream.rtpmap = "H264/90000";
  channel.streams = {stream};
  channel.key_domain = KeyDomainId{{0x26, 0x2f, 0x01}};
  channel.key_group = KeyGroup(static_cast<uint16_t>(1 + index));
  channel.policy = policy;
  return channel;
}

rekey::State MakeState(size_t channels, size_t members, uint16_t port,
                       const groups::KeyPolicy& policy, crypto::Rng& rng, Instant now) {
  controller::Controller maker({"bmsc@example.org", {}}, {}, rng, crypto::DefaultSuite());
  maker.Start(now, false);
  for (size_t i = 0; i < channels; ++i) {
    controller::Step step;
    const auto made = maker.Do(controller::CreateChannel{MakeChannel(i, policy)}, now, false, step);
    if (!made) {
      std::fprintf(stderr, "channel %zu: %s\n", i, made.error().message.c_str());
      std::abort();
    }
  }
  rekey::State state = maker.state();
  for (size_t i = 0; i < members; ++i) {
    AddMember(state, MakeChannel(0, policy).id, i, port, rng, now);
  }
  return state;
}

server::ServerConfig ConfigIn(const Scratch& scratch) {
  server::ServerConfig config;
  config.identity = "bmsc@example.org";
  config.data = scratch / "data";
  config.witness = scratch / "witness";
  return config;
}

crypto::LocalMasterKey MakeMasterKeyIn(const Scratch& scratch, crypto::Rng& rng) {
  auto key = crypto::Key32::OfSize(32);
  rng.Fill(key.mutable_view());
  Demand(shell::WriteSecretFile(scratch / "master.key", key.view()).has_value(),
         "the master key cannot be written");
  return crypto::LocalMasterKey(key);
}

server::CoreClient AwaitCore(const std::string& socket, Child& keymastd) {
  const auto end = std::chrono::steady_clock::now() + kStartPatience;
  while (keymastd.Running() && std::chrono::steady_clock::now() < end) {
    if (auto client = server::CoreClient::Connect(socket)) return std::move(*client);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  Demand(false, "keymastd does not start");
  std::abort();
}

void WriteState(const server::ServerConfig& config, const crypto::MasterKey& master_key,
                const rekey::State& state) {
  Demand(Demanded(server::InitStore(config, {&master_key})).is_new,
         "the data directory is there already");
  server::OpenedStore store = Demanded(server::OpenStore(config, {&master_key}));
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

}  // namespace keymast::bench
