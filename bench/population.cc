// SPDX-License-Identifier: Apache-2.0
#include "bench/population.h"

#include <cstdio>
#include <cstdlib>

namespace keymast::bench {
namespace {

Endpoint LoopbackAddress(size_t index, uint16_t port) {
  Endpoint endpoint;
  endpoint.address = {127, static_cast<uint8_t>(1 + index / 62500),
                      static_cast<uint8_t>(1 + index / 250 % 250),
                      static_cast<uint8_t>(1 + index % 250)};
  endpoint.port = port;
  return endpoint;
}

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

}  // namespace

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

}  // namespace keymast::bench
