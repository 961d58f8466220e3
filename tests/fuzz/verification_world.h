// SPDX-License-Identifier: Apache-2.0
// A server that waits for two answers, which controller_verification plays to and its seeds are of.
#pragma once

#include "base/check.h"
#include "controller/controller.h"

namespace keymast::controller {

inline const Instant kNow = Instant(std::chrono::seconds(1'800'000'000));

inline crypto::Key32 UserKeyOf(std::string_view subscriber) {
  return crypto::Key32(Bytes(16, static_cast<uint8_t>(subscriber[1])));
}

inline groups::Channel NewsChannel() {
  groups::Channel channel;
  channel.id = ChannelId("news");
  channel.multicast.mtk = *ParseEndpoint("239.255.42.1:2269");
  groups::Stream stream;
  stream.media = "video";
  stream.port = 5004;
  stream.ssrc = Ssrc(0x11111111);
  stream.rtpmap = "H264/90000";
  channel.streams = {stream};
  channel.key_group = KeyGroup(7);
  return channel;
}

// Waiting is a server of one seed, so that its MACs are the same in every run.
struct Waiting {
  Waiting() : rng(1), server({"bmsc@example.org", {}}, {}, rng, crypto::DefaultSuite()) {
    server.Start(kNow, false);
    const groups::Channel channel = NewsChannel();
    KEYMAST_CHECK(server.Do(CreateChannel{channel}, kNow, false, step).has_value());
    for (const char* name : {"s1", "s2"}) {
      const SubscriberId id{name};
      NewMember member;
      member.member.subscriber = id;
      member.member.msk_endpoint = *ParseEndpoint("127.0.0.1:2271");
      member.join = true;
      const CreateSubscribers subscribers{
          {{id, std::string(name) + "@example.org", UserKeyOf(name)}}};
      KEYMAST_CHECK(server.Do(subscribers, kNow, false, step).has_value());
      KEYMAST_CHECK(server.Do(CreateMembers{channel.id, {member}}, kNow, false, step).has_value());
    }
  }
  uint64_t Discards() const {
    uint64_t sum = 0;
    for (const uint64_t count : server.counters().discards) sum += count;
    return sum;
  }
  crypto::SeededRng rng;
  Controller server;
  Step step;  // with the MSK messages
};

}  // namespace keymast::controller
