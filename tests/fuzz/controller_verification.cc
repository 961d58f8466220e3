// SPDX-License-Identifier: Apache-2.0
// Any octets at the MIKEY port of a server that waits for two answers: they are discarded and
// counted, or they are one of the answers.
#include "base/check.h"
#include "controller/controller.h"

namespace {

using namespace keymast;
using namespace keymast::controller;

const Instant kNow = Instant(std::chrono::seconds(1'800'000'000));

groups::Channel NewsChannel() {
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
    Step step;
    server.Start(kNow, false);
    const groups::Channel channel = NewsChannel();
    KEYMAST_CHECK(server.Do(CreateChannel{channel}, kNow, false, step).has_value());
    for (const char* name : {"s1", "s2"}) {
      const SubscriberId id{name};
      NewMember member;
      member.member.subscriber = id;
      member.member.msk_endpoint = *ParseEndpoint("127.0.0.1:2271");
      member.join = true;
      const crypto::Key32 key(Bytes(16, static_cast<uint8_t>(name[1])));
      const CreateSubscribers subscribers{{{id, std::string(name) + "@example.org", key}}};
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
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Waiting waiting;
  static Instant now = kNow;
  now += std::chrono::seconds(1);  // the limit of failures must not hide what lies behind it
  const uint64_t discards = waiting.Discards();
  const uint64_t accepted = waiting.server.counters().msk_verifications;
  const Step step = waiting.server.OnDatagram({}, {data, size}, now);
  KEYMAST_CHECK(step.datagrams.empty());
  const bool believed = waiting.server.counters().msk_verifications > accepted;
  KEYMAST_CHECK(believed == !step.changes.empty());
  KEYMAST_CHECK(waiting.Discards() == discards + (believed ? 0 : 1));
  return 0;
}
