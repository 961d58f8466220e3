// SPDX-License-Identifier: Apache-2.0
// Joins under load: cookies, rates, and who is served first.
#include "tests/unit/controller/joiner.h"

namespace keymast::controller {
namespace {

using mikey::DataType;
using State = mikey::v2::Offerer::State;

DataType TypeOf(const Bytes& datagram) {
  return datagram.size() < 2 ? DataType{} : static_cast<DataType>(datagram[1]);
}

struct Load : testing::Test {
  explicit Load(const KeyingConfig& keying = KeyingWith()) : world(1, {}, {}, keying) {
    world.MakeChannel();
    world.AddMembers(1, 8, false);
    world.members.clear();
  }
  // Flood leaves `count` CAPs of strangers in the queue.
  void Flood(int count) {
    for (int i = 0; i < count; ++i) {
      Receiver stranger(world, 100 + i, Mode::kPsk);
      stranger.identity = "nobody@example.org";
      world.Deliver(world.core->OnDatagram(stranger.address, stranger.Cap(), world.now));
    }
  }
  World world;
};

TEST_F(Load, StrangersWaitInABoundedQueue) {
  Flood(40);
  EXPECT_EQ(world.core->Waiting(), 16U);
  const auto& discards = world.core->counters().keying.discards;
  EXPECT_EQ(discards[static_cast<size_t>(Error::kTooManyRequests)], 24U);
  while (world.core->Waiting() > 0) world.Deliver(world.core->Serve(world.now));
}

TEST_F(Load, WhatIsUnderWayIsServedBeforeStrangers) {
  Receiver member(world, 1, Mode::kPsk);
  const Bytes finish = member.Take(member.Ask(member.Cap()));
  Flood(16);
  const Step step = world.core->OnDatagram(member.address, finish, world.now);
  EXPECT_EQ(step.datagrams.size(), 1U);
  world.Deliver(step);
  EXPECT_EQ(world.core->Waiting(), 16U);
  EXPECT_TRUE(world.channel().members.at(IdOf(1)).joined);
  // An address that has joined is no stranger from then on.
  Receiver again(world, 1, Mode::kPsk);
  const Step answered = world.core->OnDatagram(again.address, again.Cap(), world.now);
  EXPECT_EQ(answered.datagrams.size(), 1U);
  EXPECT_EQ(world.core->Waiting(), 16U);
}

TEST_F(Load, AQueueAsksForCookiesThatLeadPastIt) {
  Receiver member(world, 1, Mode::kEarlyDhhmac);
  world.Deliver(world.core->OnDatagram(member.address, member.Cap(), world.now));
  Flood(15);
  world.Deliver(world.core->Serve(world.now));
  ASSERT_EQ(world.of_version2.size(), 1U);
  const Bytes retry = world.of_version2.back().octets;
  ASSERT_EQ(TypeOf(retry), DataType::kRetry);
  const Step step = world.core->OnDatagram(member.address, member.Take(retry), world.now);
  ASSERT_EQ(step.datagrams.size(), 1U);
  EXPECT_EQ(TypeOf(step.datagrams[0].octets), DataType::kDhhmacRespV2);
  EXPECT_EQ(world.core->Waiting(), 15U);
}

struct Crowd : Load {
  static KeyingConfig Slow() {
    KeyingConfig keying = KeyingWith();
    keying.strangers = {2, seconds(1)};
    return keying;
  }
  Crowd() : Load(Slow()) {}
};

TEST_F(Crowd, ManyStrangersASecondAreAskedForACookie) {
  for (const int member : {1, 2}) {
    Receiver receiver(world, member, Mode::kPsk);
    EXPECT_EQ(TypeOf(receiver.Ask(receiver.Cap())), DataType::kPskResp);
  }
  Receiver third(world, 3, Mode::kPsk);
  const Bytes cap = third.Cap();
  const Bytes retry = third.Ask(cap);
  EXPECT_EQ(TypeOf(retry), DataType::kRetry);
  EXPECT_LE(retry.size(), cap.size());
  EXPECT_TRUE(third.step.changes.empty());
  const Bytes with_cookie = third.Take(retry);
  EXPECT_EQ(TypeOf(third.Ask(with_cookie)), DataType::kPskResp);
  // The cookie is of that address.
  Receiver thief(world, 4, Mode::kPsk);
  EXPECT_EQ(TypeOf(thief.Ask(with_cookie)), DataType::kRetry);
  world.Pass(seconds(3));
  Receiver later(world, 5, Mode::kPsk);
  EXPECT_EQ(TypeOf(later.Ask(later.Cap())), DataType::kPskResp);
}

// Who has seen addresses of members can write them into what it sends.
TEST_F(Crowd, ManyRegularsAreAskedForACookieToo) {
  for (const int member : {1, 2, 3, 4}) Receiver(world, member, Mode::kPsk).Run();
  world.Pass(minutes(1));
  Flood(3);
  std::vector<DataType> said;
  for (const int member : {1, 2, 3, 4}) {
    Receiver again(world, member, Mode::kPsk);
    const Step step = world.core->OnDatagram(again.address, again.Cap(), world.now);
    ASSERT_EQ(step.datagrams.size(), 1U) << "still before strangers";
    said.push_back(TypeOf(step.datagrams[0].octets));
    EXPECT_EQ(step.datagrams[0].channel.value.empty(), said.back() == DataType::kRetry);
  }
  EXPECT_EQ(said, (std::vector{DataType::kPskResp, DataType::kPskResp, DataType::kRetry,
                               DataType::kRetry}));
  EXPECT_EQ(world.core->Waiting(), 3U);
}

// A cookie is covered by V: whoever has many addresses gains nothing by them.
TEST_F(Crowd, AMemberWithManyHostsHasOneRate) {
  for (const int member : {7, 8}) {  // those that need no cookie
    Receiver first(world, member, Mode::kPsk);
    first.Ask(first.Cap());
  }
  size_t answered = 0;
  for (int host = 0; host < 30; ++host) {
    Receiver member(world, 1, Mode::kPsk);
    member.address = EndpointOf(1000 + host);
    const Bytes retry = member.Ask(member.Cap());
    ASSERT_EQ(TypeOf(retry), DataType::kRetry);
    answered += member.Ask(member.Take(retry)).empty() ? 0U : 1U;
  }
  EXPECT_EQ(answered, world.keying.identity.burst);
}

struct Addresses : Load {
  static KeyingConfig Few() {
    KeyingConfig keying = KeyingWith();
    keying.address = {2, seconds(1)};
    return keying;
  }
  Addresses() : Load(Few()) {}
};

// Who sends in another's name takes a round trip from it, not its place.
TEST_F(Addresses, AnAddressHasItsRate) {
  const Endpoint address = EndpointOf(1);
  for (const int member : {1, 2}) {
    Receiver receiver(world, member, Mode::kPsk);
    receiver.address = address;
    EXPECT_EQ(TypeOf(receiver.Ask(receiver.Cap())), DataType::kPskResp);
  }
  Receiver third(world, 3, Mode::kPsk);
  third.address = address;
  third.address.port = 9;
  const Bytes retry = third.Ask(third.Cap());
  ASSERT_EQ(TypeOf(retry), DataType::kRetry);
  third.Take(third.Ask(third.Take(third.Ask(third.Take(retry)))));
  EXPECT_EQ(third.state(), State::kDone);
  // Those that prove the address have their rate too; that one joined from it proves nothing.
  int answered = 0;
  for (int i = 0; i < 4; ++i) {
    Receiver more(world, 4, Mode::kPsk);
    more.address = third.address;
    const Bytes with_cookie = more.Take(more.Ask(more.Cap()));
    ASSERT_FALSE(with_cookie.empty());
    answered += more.Ask(with_cookie).empty() ? 0 : 1;
  }
  EXPECT_EQ(answered, 1);
  const auto& discards = world.core->counters().keying.discards;
  EXPECT_EQ(discards[static_cast<size_t>(Error::kRateLimited)], 3U);
}

// MIKEYv2 §2: at most three times the octets to an address that has proved nothing, and no keys
// are given out for an answer that cannot leave.
TEST_F(Load, AShortCapGetsNoKeys) {
  Receiver member(world, 1, Mode::kPsk);
  Bytes cap = member.Cap();
  EXPECT_EQ(cap.size(), mikey::v2::kMinFirstCap);
  const Bytes answer = member.Ask(cap);
  EXPECT_LE(answer.size(), 3 * cap.size());
}

// Who records a CAP cannot use up what its member may ask.
TEST_F(Load, RecordedCapsShutNobodyOut) {
  for (const Mode mode : {Mode::kPsk, Mode::kEarlyDhhmac}) {
    Receiver victim(world, 1, mode);
    const Bytes recorded = victim.Cap();
    victim.Take(victim.Ask(victim.Take(victim.Ask(recorded))));
    world.Pass(minutes(10));
    Receiver thief(world, 1, mode);
    thief.address = EndpointOf(200);
    Bytes last;
    for (int i = 0; i < 12; ++i) {
      ++thief.address.port;
      last = thief.Ask(recorded);
    }
    EXPECT_EQ(TypeOf(last), DataType::kRetry);
    Receiver again(world, 1, mode);
    again.Run();
    EXPECT_EQ(again.state(), State::kDone);
  }
}

TEST_F(Load, WhoWritesAMembersAddressShutsNobodyOut) {
  Receiver victim(world, 1, Mode::kPsk);
  victim.Run();
  world.Pass(minutes(5));
  for (int i = 0; i < 50; ++i) {
    Receiver forger(world, 1, Mode::kPsk);
    forger.identity = "nobody@example.org";
    world.Deliver(world.core->OnDatagram(EndpointOf(1), forger.Cap(), world.now));
  }
  Receiver again(world, 1, Mode::kPsk);
  again.Run();
  EXPECT_EQ(again.state(), State::kDone);
}

// What costs a MAC is not counted with what costs a signature.
TEST_F(Load, WrongProofsThatCostLittleMakeNoFinishWait) {
  Receiver forger(world, 1, Mode::kPsk);
  Bytes wrong = forger.Take(forger.Ask(forger.Cap()));
  wrong.back() ^= 1;
  for (int i = 0; i < 300; ++i) world.core->OnDatagram(forger.address, wrong, world.now);
  EXPECT_EQ(world.core->Waiting(), 0U);
}

struct Slow : Load {
  static KeyingConfig Config() {
    KeyingConfig keying = KeyingWith();
    keying.identity = {1, seconds(3)};
    return keying;
  }
  Slow() : Load(Config()) {}
};

// MIKEYv2 §7: beyond its rate a member hears nothing, and asks again.
TEST_F(Slow, AFinishBeyondTheRateIsGoodLater) {
  Receiver first(world, 1, Mode::kDhhmac);
  first.Run();
  EXPECT_EQ(first.state(), State::kDone);
  Receiver second(world, 1, Mode::kDhhmac);
  const Bytes finish = second.Take(second.Ask(second.Cap()));
  EXPECT_TRUE(second.Ask(finish).empty());
  EXPECT_EQ(second.state(), State::kAnswered);
  world.Pass(seconds(3));
  second.Take(second.Ask(finish));
  EXPECT_EQ(second.state(), State::kDone);
  EXPECT_TRUE(second.offerer.has_keys());
}

// MIKEYv2 §2: a finish proves the address that its answer went to, and no other one.
TEST_F(Load, AFinishFromElsewhereMovesNobodyThere) {
  Receiver member(world, 1, Mode::kPsk);
  const Endpoint home = world.channel().members.at(IdOf(1)).msk_endpoint;
  const Bytes finish = member.Take(member.Ask(member.Cap()));
  member.address = EndpointOf(99);
  EXPECT_LE(member.Ask(finish).size(), 3 * finish.size());
  const groups::Member& joined = world.channel().members.at(IdOf(1));
  EXPECT_TRUE(joined.joined);
  EXPECT_EQ(joined.msk_endpoint, home);
  // It is a stranger still, whose CAPs wait behind those of members.
  Receiver again(world, 2, Mode::kPsk);
  again.address = EndpointOf(99);
  world.Deliver(world.core->OnDatagram(again.address, again.Cap(), world.now));
  EXPECT_EQ(world.core->Waiting(), 1U);
}

TEST_F(Load, AQuietServerForgetsExchanges) {
  Receiver member(world, 1, Mode::kPsk);
  member.Ask(member.Cap());
  EXPECT_EQ(world.core->Exchanges(), 1U);
  world.Pass(seconds(12));
  EXPECT_EQ(world.core->Exchanges(), 0U);
}

TEST(Rates, AreBounded) {
  crypto::SeededRng rng(1);
  Rates rates({2, seconds(1)}, rng);
  const Bytes name{1, 2, 3};
  EXPECT_TRUE(rates.Take(name, kBegin));
  EXPECT_TRUE(rates.Take(name, kBegin));
  EXPECT_FALSE(rates.Take(name, kBegin));
  EXPECT_TRUE(rates.Take(Bytes{4}, kBegin));
  EXPECT_FALSE(rates.Take(name, kBegin + milliseconds(999)));
  EXPECT_TRUE(rates.Take(name, kBegin + seconds(1)));
  EXPECT_FALSE(rates.Take(name, kBegin + seconds(1)));
  EXPECT_TRUE(rates.Take(name, kBegin + minutes(1)));
}

TEST(Rates, NewNamesTakeThePlaceOfTheEarliest) {
  crypto::SeededRng rng(1);
  InstantTable table(rng);
  for (uint32_t i = 0; i < 2 * InstantTable::kPlaces; ++i) {
    std::array<uint8_t, 4> name{};
    Writer(name).U32(i);
    table.At(name) = kBegin + Duration(i);
  }
  size_t late = 0;
  for (uint32_t i = 0; i < 2 * InstantTable::kPlaces; ++i) {
    std::array<uint8_t, 4> name{};
    Writer(name).U32(i);
    const Instant* found = table.Find(name);
    if (found == nullptr) continue;
    EXPECT_EQ(*found, kBegin + Duration(i));
    late += i >= InstantTable::kPlaces / 2 ? 1 : 0;
  }
  EXPECT_GT(late, InstantTable::kPlaces * 9 / 10);
}

}  // namespace
}  // namespace keymast::controller
