// SPDX-License-Identifier: Apache-2.0
// The key server and receivers over a network that loses, doubles and reorders, on virtual time:
// whatever is lost, every receiver comes to the key on air, and nobody else does.
#include "net/lossy.h"

#include <cmath>

#include "receiver/core.h"
#include "rekey/ladder.h"
#include "rekey/messages.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

constexpr int kMembers = 20;
const Endpoint kServerEndpoint = *ParseEndpoint("10.9.9.9:2269");

receiver::Core MakeReceiver(int member, const groups::Channel& channel) {
  const receiver::Credential credential{UserKeyOf(member),
                                        receiver::Octets<255>(AsBytes(IdentityOf(member)))};
  const std::array<Ssrc, 1> ssrcs = {channel.streams[0].ssrc};
  return {receiver::Keyring(crypto::DefaultSuite(), {}, {channel.key_domain, channel.key_group},
                            credential, {}),
          ssrcs};
}

// OnAir joins a World, whose own members are none, to receivers by the network.
class OnAir {
 public:
  OnAir(uint64_t seed, const net::LossyNet::Conditions& conditions)
      : world(seed), net_(seed, conditions) {
    for (int i = 0; i < kMembers; ++i) receivers.push_back(MakeReceiver(i, NewsChannel()));
    for (int i = 0; i < kMembers; ++i) Attach(i);
    net_.Attach(kServerEndpoint,
                [this](const Endpoint& from, const Endpoint&, ByteView octets, Instant now) {
                  world.Deliver(world.core->OnDatagram(from, octets, now));
                });
    world.MakeChannel();
    CreateSubscribers subscribers;
    CreateMembers create{kNews, {}};
    for (int i = 0; i < kMembers; ++i) {
      subscribers.subscribers.push_back({IdOf(i), IdentityOf(i), UserKeyOf(i)});
      NewMember member;
      member.member.subscriber = IdOf(i);
      member.member.msk_endpoint = EndpointOf(i);
      member.join = true;
      create.members.push_back(member);
    }
    world.Do(subscribers);
    world.Do(create);
  }

  void Pass(Duration duration) {
    const Instant end = world.now + duration;
    for (;;) {
      TakeFromServer();
      const Instant next = std::min({net_.NextArrival(), world.core->NextDeadline(), tick_at_});
      if (next > end) break;
      world.PassUntil(std::max(next, world.now));
      TakeFromServer();
      net_.DeliverUntil(world.now);
      if (tick_at_ > world.now) continue;
      for (receiver::Core& core : receivers) core.OnTick(world.now);
      tick_at_ += seconds(1);
    }
    world.now = end;
  }

  // Holds says whether the receiver has the active key, and the right one under its name.
  bool Holds(int member) const {
    const rekey::Slot& active = *world.ladder().active;
    const receiver::Core& core = receivers[static_cast<size_t>(member)];
    const receiver::MtkSlot* slot = core.keyring().mtks().Find(active.msk, active.mtk);
    if (slot == nullptr) return false;
    const rekey::Mtk mtk = rekey::DeriveMtk(*rekey::MskOf(world.ladder(), active.msk), active.mtk,
                                            world.channel().channel);
    return slot->key == mtk.key && slot->salt == mtk.salt;
  }

  Bytes Fingerprint() const {
    Bytes all;
    const uint64_t events = net_.EventHash();
    for (int shift = 0; shift < 64; shift += 8)
      all.push_back(static_cast<uint8_t>(events >> shift));
    for (const receiver::Core& core : receivers) {
      const auto state = core.keyring().StateHash();
      all.insert(all.end(), state.begin(), state.end());
    }
    const auto hash = crypto::Sha256(all);
    return {hash.begin(), hash.end()};
  }
  const net::LossyNet::Counters& net() const { return net_.counters(); }

  World world;
  std::vector<receiver::Core> receivers;

 private:
  void Attach(int member) {
    const auto at = static_cast<size_t>(member);
    net_.Attach(EndpointOf(member),
                [this, at](const Endpoint& from, const Endpoint& to, ByteView octets, Instant now) {
                  std::array<uint8_t, receiver::kMaxAnswer> answer{};
                  const auto event = receivers[at].OnMsk(octets, answer);
                  if (!event || event->answer_size == 0) return;
                  net_.Send(to, from, ByteView(answer).first(event->answer_size), now);
                });
    net_.Attach(NewsChannel().multicast.mtk,
                [this, at](const Endpoint&, const Endpoint&, ByteView octets, Instant now) {
                  static_cast<void>(receivers[at].OnMtk(octets, now));
                });
  }
  void TakeFromServer() {
    for (; taken_ < world.sent.size(); ++taken_) {
      const Sent& sent = world.sent[taken_];
      net_.Send(kServerEndpoint, sent.to, sent.octets, sent.at);
    }
  }

  net::LossyNet net_;
  size_t taken_ = 0;
  Instant tick_at_ = kBegin + seconds(1);
};

// A broadcast with what happens to one: an MSK change, an expulsion, a restart of the server.
void Broadcast(OnAir& air) {
  air.Pass(seconds(20));
  air.world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  air.Pass(seconds(15));
  air.world.Do(Expel{kNews, {IdOf(0), IdOf(1)}});
  air.Pass(seconds(15));
  air.world.Restart(milliseconds(700));
  air.Pass(seconds(75));
}

struct Weather {
  std::string name;
  net::LossyNet::Conditions conditions;
};

class LossyNetwork : public testing::TestWithParam<Weather> {};

INSTANTIATE_TEST_SUITE_P(
    Weathers, LossyNetwork,
    testing::Values(Weather{"Fair", {}}, Weather{"Loss10", {.loss = 0.1}},
                    Weather{"Loss30", {.loss = 0.3}}, Weather{"Duplicates5", {.duplication = 0.05}},
                    Weather{"Reordering25", {.reordering = 0.25}},
                    Weather{"All", {.loss = 0.3, .duplication = 0.05, .reordering = 0.25}}),
    [](const auto& one) { return one.param.name; });

TEST_P(LossyNetwork, EveryMemberComesToTheKeyOnAirAndNobodyElse) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    OnAir air(seed, GetParam().conditions);
    Broadcast(air);
    for (int i = 2; i < kMembers; ++i) {
      EXPECT_TRUE(air.Holds(i)) << i;
      EXPECT_EQ(air.world.core->ReachabilityOf(kNews, IdOf(i)), Reachability::kConfirmed) << i;
    }
    const MskId on_air = air.world.ladder().active->msk;
    for (const size_t expelled : {0u, 1u}) {
      EXPECT_EQ(air.receivers[expelled].keyring().msks().Find(on_air), nullptr);
      EXPECT_FALSE(air.Holds(static_cast<int>(expelled)));
    }
    EXPECT_EQ(air.net().lost != 0, GetParam().conditions.loss != 0);
    EXPECT_EQ(air.net().doubled != 0, GetParam().conditions.duplication != 0);
    EXPECT_EQ(air.net().held_back != 0, GetParam().conditions.reordering != 0);
  }
}

// A lead of four repetitions announces the next key four times before its switch; each copy that
// is lost is lost alone.
TEST_P(LossyNetwork, AKeyIsMissingAtItsSwitchOnlyWhereFourAnnouncementsWereLost) {
  constexpr int kSwitches = 200;
  OnAir air(7, GetParam().conditions);
  air.Pass(seconds(30));
  int missing = 0;
  for (int i = 0; i < kSwitches; ++i) {
    while (!air.world.ladder().prepared) air.Pass(milliseconds(500));
    air.Pass(air.world.ladder().prepared->switch_at - air.world.now);
    for (int member = 0; member < kMembers; ++member) missing += air.Holds(member) ? 0 : 1;
  }
  const double mean = kSwitches * kMembers * std::pow(GetParam().conditions.loss, 4);
  EXPECT_LE(missing, mean + 4 * std::sqrt(mean)) << "more than four standard deviations";
}

TEST_P(LossyNetwork, OneSeedReplaysTheWholeRun) {
  const auto run = [&](uint64_t seed) {
    OnAir air(seed, GetParam().conditions);
    Broadcast(air);
    return air.Fingerprint();
  };
  EXPECT_EQ(run(11), run(11));
  EXPECT_NE(run(11), run(12));
}

}  // namespace
}  // namespace keymast::controller
