// SPDX-License-Identifier: Apache-2.0
// What an exchange is worth to whoever is deleted, removed or leaves while it is open: nothing.
#include "tests/unit/controller/joins.h"

namespace keymast::controller {
namespace {

using mikey::v2::kTicketFeature;

struct Ended : Joins, testing::WithParamInterface<Mode> {
  // Begun is a join by the user key of now, with its finish not sent yet.
  Bytes Begun(Receiver& receiver) {
    Bytes next = receiver.Take(receiver.Ask(receiver.Cap()));
    EXPECT_EQ(receiver.state(), State::kAnswered);
    return next;
  }
  void Add(int member) {
    NewMember again;
    again.member.subscriber = IdOf(member);
    again.member.msk_endpoint = EndpointOf(member);
    world.Do(CreateMembers{kNews, {again}});
  }
  // BringsNothing: the finish is nobody's any more.
  void BringsNothing(Receiver& receiver, const Bytes& finish) {
    EXPECT_TRUE(receiver.Ask(finish).empty());
    EXPECT_TRUE(receiver.step.changes.empty());
    EXPECT_EQ(Discarded(Error::kWrongCsb), 1U);
    EXPECT_EQ(world.core->Exchanges(), 0U);
    EXPECT_FALSE(world.channel().members.at(IdOf(1)).HoldsKeys());
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Ended,
                         testing::Values(Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac));

TEST_P(Ended, WhenTheUserKeyIsReplaced) {
  Receiver old(world, 1, GetParam(), kMskMessages | kTicketFeature);
  const Bytes finish = Begun(old);
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  world.Do(CreateSubscribers{{{IdOf(1), IdentityOf(1), UserKeyOf(61)}}});
  Add(1);
  BringsNothing(old, finish);
  EXPECT_EQ(counters().tickets_given, 0U);
}

TEST_P(Ended, ByARemoval) {
  Receiver old(world, 1, GetParam());
  if (GetParam() == Mode::kDhhmac) Receiver(world, 1, Mode::kPsk).Run();  // it holds keys
  const Bytes finish = Begun(old);
  world.Do(Expel{kNews, {IdOf(1)}});
  Add(1);
  BringsNothing(old, finish);
}

TEST_F(Ended, ALeaveEndsNobodyElse) {
  Receiver stays(world, 2, Mode::kDhhmac);
  const Bytes finish = Begun(stays);
  Receiver goes(world, 1, Mode::kPsk);
  goes.Run();
  world.Do(Leave{kNews, IdOf(1)});
  EXPECT_EQ(world.core->Exchanges(), 1U);
  stays.Take(stays.Ask(finish));
  EXPECT_EQ(stays.state(), State::kDone);
  EXPECT_EQ(world.core->Exchanges(), 1U);
}

TEST_F(Ended, ALeaveEndsNoExchangeOfAnotherChannel) {
  groups::Channel sports = NewsChannel();
  sports.id = ChannelId("sports");
  sports.key_group = KeyGroup(8);
  sports.multicast.mtk = *ParseEndpoint("239.255.42.2:2269");
  for (groups::Stream& stream : sports.streams) stream.ssrc.value += 7;
  world.Do(CreateChannel{sports});
  NewMember member;
  member.member.subscriber = IdOf(1);
  member.member.msk_endpoint = EndpointOf(1);
  world.Do(CreateMembers{sports.id, {member}});
  Receiver(world, 1, Mode::kPsk).Run();
  Receiver other(world, 1, Mode::kDhhmac);
  const Bytes finish = other.Take(other.Ask(other.Cap("mikey://example.org/sports")));
  world.Do(Leave{kNews, IdOf(1)});
  other.Take(other.Ask(finish));
  EXPECT_EQ(other.state(), State::kDone);
}

}  // namespace
}  // namespace keymast::controller
