// SPDX-License-Identifier: Apache-2.0
// Commands: what is refused and how it is told, and that a refusal or a trial changes nothing.
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

struct Commands : testing::Test {
  Commands() {
    world.MakeChannel();
    world.AddMembers(1, 2);
    world.Pass(seconds(1));
  }
  void ExpectRefused(const Command& command, Error error, const std::string& resource) {
    const Failure failure = world.Refused(command);
    EXPECT_EQ(failure.error, error) << failure.message;
    EXPECT_EQ(failure.resource, resource);
    EXPECT_FALSE(failure.message.empty());
  }
  static groups::Member MemberOf(int number) {
    groups::Member member;
    member.subscriber = IdOf(number);
    member.msk_endpoint = EndpointOf(number);
    return member;
  }
  World world;
};

TEST_F(Commands, ChannelsAreChecked) {
  groups::Channel channel = NewsChannel();
  ExpectRefused(CreateChannel{channel}, Error::kAlreadyExists, "channels/news");
  channel.id = ChannelId("sport");
  const Failure group = world.Refused(CreateChannel{channel});
  EXPECT_EQ(group.error, Error::kInvalidArgument);
  ASSERT_EQ(group.violations.size(), 1U);
  EXPECT_EQ(group.violations[0].field, "channel.key_group");
  channel.key_group = KeyGroup(8);
  channel.policy.mtk_lead = milliseconds(1);
  const Failure policy = world.Refused(CreateChannel{channel});
  EXPECT_EQ(policy.violations.at(0).field, "channel.policy.mtk_lead");
  channel.policy = {};
  world.Do(CreateChannel{channel});
}

TEST_F(Commands, UpdatesKeepToTheEtag) {
  UpdateChannel update{kNews, "New name", {}, groups::Version{7, {}}};
  ExpectRefused(update, Error::kEtagMismatch, "channels/news");
  update.expected = groups::VersionOf(world.channel().channel);
  update.policy.mtk_repetition = milliseconds(250);
  world.Do(update);
  EXPECT_EQ(world.channel().channel.display_name, "New name");
  EXPECT_EQ(world.channel().channel.revision, 2U);
  const size_t before = world.sent.size();
  world.Pass(seconds(1));
  EXPECT_EQ(world.sent.size(), before + 4) << "the new repetition is in force";
  update.id = ChannelId("nothing");
  ExpectRefused(update, Error::kNotFound, "channels/nothing");
}

TEST_F(Commands, UpdatesCountTheMembers) {
  world.AddMembers(10, 400);
  UpdateChannel update{kNews, "News", {}, {}};
  update.policy.msk_pacing_rate = 5;
  const Failure failure = world.Refused(update);
  EXPECT_EQ(failure.violations.at(0).field, "channel.policy.msk_lead");
}

TEST_F(Commands, AChannelWithMembersIsDeletedByForceOnly) {
  ExpectRefused(DeleteChannel{kNews, {}, false}, Error::kFailedPrecondition, "channels/news");
  ExpectRefused(DeleteChannel{kNews, groups::Version{9, {}}, true}, Error::kEtagMismatch,
                "channels/news");
  world.Do(DeleteChannel{kNews, {}, true});
  EXPECT_TRUE(world.core->state().channels.empty());
  EXPECT_EQ(world.core->NextDeadline(), kNever);
  world.Do(DeleteSubscribers{{IdOf(1)}, false});
}

TEST_F(Commands, AKeyGroupThatComesBackGoesOnWithItsNumbers) {
  world.Do(DeleteChannel{kNews, {}, true});
  world.Do(CreateChannel{NewsChannel()});
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
}

TEST_F(Commands, SubscribersAreChecked) {
  const crypto::Key32 key = UserKeyOf(9);
  ExpectRefused(CreateSubscribers{{{IdOf(1), "x@y", key}}}, Error::kAlreadyExists,
                "subscribers/s1");
  ExpectRefused(CreateSubscribers{{{IdOf(9), IdentityOf(1), key}}}, Error::kAlreadyExists,
                "subscribers/s9");
  ExpectRefused(CreateSubscribers{{{IdOf(8), "same", key}, {IdOf(9), "same", key}}},
                Error::kAlreadyExists, "subscribers/s9");
  const Failure failure = world.Refused(CreateSubscribers{
      {{IdOf(8), "fine", key}, {SubscriberId("No"), "", crypto::Key32(Bytes(15))}}});
  ASSERT_EQ(failure.violations.size(), 3U);
  EXPECT_EQ(failure.violations[0].field, "requests[1].subscriber_id");
  EXPECT_EQ(failure.violations[1].field, "requests[1].subscriber.identity");
  EXPECT_EQ(failure.violations[2].field, "requests[1].subscriber.sealed_credential");
}

TEST_F(Commands, AUserKeyIsOneSubscribersAlone) {
  const auto subscriber = [](int id, int key) {
    return NewSubscriber{IdOf(id), IdentityOf(id), UserKeyOf(key)};
  };
  ExpectRefused(CreateSubscribers{{subscriber(9, 1)}}, Error::kAlreadyExists, "subscribers/s9");
  ExpectRefused(CreateSubscribers{{subscriber(8, 8), subscriber(9, 8)}}, Error::kAlreadyExists,
                "subscribers/s9");
  world.Restart(seconds(1));
  ExpectRefused(CreateSubscribers{{subscriber(9, 1)}}, Error::kAlreadyExists, "subscribers/s9");
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  world.Do(CreateSubscribers{{subscriber(9, 1)}});
}

// Who joins by certificate needs none: no key is no key that two could share.
TEST_F(Commands, ASubscriberWithoutUserKeyIsNotMadeToJoin) {
  const auto without = [](int id) { return NewSubscriber{IdOf(id), IdentityOf(id), {}}; };
  world.Do(CreateSubscribers{{without(8), without(9)}});
  world.Restart(seconds(1));
  world.Do(CreateSubscribers{{without(7)}});
  // Whom an operator makes join is sent MSK messages.
  ExpectRefused(CreateMembers{kNews, {{MemberOf(8), true}}}, Error::kFailedPrecondition,
                "channels/news/members/s8");
  world.Do(CreateMembers{kNews, {{MemberOf(8), false}}});
  ExpectRefused(Join{kNews, IdOf(8)}, Error::kFailedPrecondition, "channels/news/members/s8");
  world.Do(DeleteSubscribers{{IdOf(8), IdOf(9)}, true});
  world.Do(CreateSubscribers{{without(8)}});
}

TEST_F(Commands, ASubscriberThatIsAMemberIsDeletedByForceOnlyAndShutOut) {
  ExpectRefused(DeleteSubscribers{{IdOf(1)}, false}, Error::kFailedPrecondition, "subscribers/s1");
  ExpectRefused(DeleteSubscribers{{IdOf(9)}, true}, Error::kNotFound, "subscribers/s9");
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  EXPECT_FALSE(world.channel().members.contains(IdOf(1)));
  world.Pass(seconds(1));
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
  EXPECT_FALSE(world.members.at(1).HasMsk(MskNo(2)));
}

TEST_F(Commands, MembersAreChecked) {
  ExpectRefused(CreateMembers{ChannelId("x"), {{MemberOf(1), false}}}, Error::kNotFound,
                "channels/x");
  ExpectRefused(CreateMembers{kNews, {{MemberOf(9), false}}}, Error::kNotFound, "subscribers/s9");
  ExpectRefused(CreateMembers{kNews, {{MemberOf(1), false}}}, Error::kAlreadyExists,
                "channels/news/members/s1");
  world.Do(CreateSubscribers{{{IdOf(3), IdentityOf(3), UserKeyOf(3)}}});
  groups::Member late = MemberOf(3);
  late.entitled_from = world.now + seconds(1);
  ExpectRefused(CreateMembers{kNews, {{late, true}}}, Error::kNotEntitled,
                "channels/news/members/s3");
  late.entitled_until = late.entitled_from;
  late.msk_endpoint = {};
  const Failure failure = world.Refused(CreateMembers{kNews, {{late, false}}});
  ASSERT_EQ(failure.violations.size(), 2U);
  EXPECT_EQ(failure.violations[0].field, "requests[0].member.msk_endpoint");
  EXPECT_EQ(failure.violations[1].field, "requests[0].member.entitlement_end");
}

TEST_F(Commands, BatchesAreAtomic) {
  world.Do(CreateSubscribers{{{IdOf(3), IdentityOf(3), UserKeyOf(3)}}});
  ExpectRefused(CreateMembers{kNews, {{MemberOf(3), true}, {MemberOf(1), true}}},
                Error::kAlreadyExists, "channels/news/members/s1");
  EXPECT_FALSE(world.channel().members.contains(IdOf(3)));
  ExpectRefused(Expel{kNews, {IdOf(1), IdOf(3)}}, Error::kNotFound, "channels/news/members/s3");
  EXPECT_TRUE(world.channel().members.contains(IdOf(1)));
}

TEST_F(Commands, JoinAndLeaveAreChecked) {
  ExpectRefused(Join{kNews, IdOf(9)}, Error::kNotFound, "channels/news/members/s9");
  ExpectRefused(Leave{kNews, IdOf(9)}, Error::kNotFound, "channels/news/members/s9");
  world.Do(Leave{kNews, IdOf(1)});
  ExpectRefused(Leave{kNews, IdOf(1)}, Error::kFailedPrecondition, "channels/news/members/s1");
  ExpectRefused(Expel{kNews, {}}, Error::kInvalidArgument, "channels/news");
}

TEST_F(Commands, JoiningAgainPushesAgain) {
  const size_t before = world.MsksTo(1).size();
  world.Do(Join{kNews, IdOf(1)});
  EXPECT_EQ(world.MsksTo(1).size(), before + 1);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kConfirmed);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), world.core->JoinedCount(kNews));
}

TEST_F(Commands, JoiningAgainPushesAlsoAfterARestart) {
  world.members.at(1).reachable = false;
  world.Do(Join{kNews, IdOf(1)});
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kPending);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), world.core->JoinedCount(kNews) - 1);
  world.members.at(1).reachable = true;
  const size_t before = world.MsksTo(1).size();
  world.Restart(seconds(1));
  EXPECT_EQ(world.MsksTo(1).size(), before + 1);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kConfirmed);
}

TEST_F(Commands, AMovedMemberIsSentToWhereItIs) {
  world.members.at(2).reachable = false;
  world.Do(Join{kNews, IdOf(2)});
  groups::Member member = world.channel().members.at(IdOf(2));
  member.msk_endpoint = EndpointOf(77);
  ExpectRefused(UpdateMember{kNews, member, groups::Version{99, member.created}},
                Error::kEtagMismatch, "channels/news/members/s2");
  const size_t before = world.sent.size();
  world.Do(UpdateMember{kNews, member, groups::VersionOf(member)});
  ASSERT_GT(world.sent.size(), before);
  EXPECT_EQ(world.sent[before].to, EndpointOf(77));
}

TEST_F(Commands, ExhaustedKeyNumbersRefuse) {
  rekey::State state = world.durable;
  state.channels.at(kNews).ladder.last_key_number = KeyNumber(65535);
  World last(5, state);
  for (const Command& command :
       std::vector<Command>{Expel{kNews, {IdOf(1)}}, RekeyNow{kNews, rekey::KeyLevel::kMsk},
                            Leave{kNews, IdOf(1)}, DeleteSubscribers{{IdOf(1)}, true}}) {
    EXPECT_EQ(last.Refused(command).error, Error::kIdsExhausted);
  }
  // Traffic keys go on under the last MSK, past its planned end.
  last.Pass(hours(2));
  EXPECT_EQ(last.ladder().msk->id, MskNo(1));
  EXPECT_GT(last.ladder().active->mtk, MtkId(700));
}

TEST_F(Commands, OperatorsMayChangeTheMtk) {
  world.Pass(milliseconds(2500));
  const rekey::Slot before = *world.ladder().active;
  const bool announced = world.ladder().prepared.has_value();
  const Reply reply = world.Do(RekeyNow{kNews, rekey::KeyLevel::kMtk});
  ASSERT_TRUE(reply.rekey.has_value());
  EXPECT_EQ(reply.rekey->reason,
            announced ? rekey::RekeyReason::kSchedule : rekey::RekeyReason::kOperator);
  // Asked twice it is the same change.
  EXPECT_EQ(world.Do(RekeyNow{kNews, rekey::KeyLevel::kMtk}).rekey->sequence,
            reply.rekey->sequence);
  world.PassUntil(reply.rekey->switch_at);
  EXPECT_GT(world.ladder().active->mtk, before.mtk);
}

TEST_F(Commands, OperatorsMayChangeTheMsk) {
  const Reply reply = world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  ASSERT_TRUE(reply.rekey.has_value());
  EXPECT_EQ(reply.rekey->recipients, 2U);
  EXPECT_EQ(world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk}).rekey->sequence,
            reply.rekey->sequence);
  world.PassUntil(reply.rekey->switch_at + seconds(10));
  EXPECT_EQ(world.ladder().msk->id, reply.rekey->msk);
  ExpectRefused(RekeyNow{ChannelId("x"), rekey::KeyLevel::kMsk}, Error::kNotFound, "channels/x");
}

// As a plan was made for a channel.
TEST_F(Commands, RekeysKeepToTheEtagOfTheChannel) {
  const groups::Version other{7, {}};
  const groups::Version now = groups::VersionOf(world.channel().channel);
  for (const rekey::KeyLevel level : {rekey::KeyLevel::kMtk, rekey::KeyLevel::kMsk}) {
    ExpectRefused(RekeyNow{kNews, level, other}, Error::kEtagMismatch, "channels/news");
    world.Do(RekeyNow{kNews, level, now});
  }
  ExpectRefused(Expel{kNews, {IdOf(1)}, other}, Error::kEtagMismatch, "channels/news");
  world.Do(Expel{kNews, {IdOf(1)}, now});
}

TEST_F(Commands, ATrialChangesNothing) {
  const groups::Channel other = OtherChannel();
  groups::Headend headend = NewHeadend(*world.rng);
  headend.channels = {kNews};
  groups::Member member = world.channel().members.at(IdOf(1));
  const Instant deadline = world.core->NextDeadline();
  for (const Command& command : std::vector<Command>{
           CreateChannel{other}, UpdateChannel{kNews, "x", {}, {}}, DeleteChannel{kNews, {}, true},
           CreateSubscribers{{{IdOf(9), IdentityOf(9), UserKeyOf(9)}}},
           UpdateSubscriber{IdOf(1), UserKeyOf(9)}, DeleteSubscribers{{IdOf(1)}, true},
           UpdateMember{kNews, member, {}}, Join{kNews, IdOf(1)}, Leave{kNews, IdOf(1)},
           Expel{kNews, {IdOf(1)}}, CreateHeadend{headend}, RekeyNow{kNews, rekey::KeyLevel::kMtk},
           RekeyNow{kNews, rekey::KeyLevel::kMsk}}) {
    Step step;
    EXPECT_TRUE(world.core->Do(command, world.now, true, step).has_value());
    EXPECT_TRUE(step.changes.empty() && step.datagrams.empty() && step.events.empty());
  }
  EXPECT_EQ(world.core->NextDeadline(), deadline);
  EXPECT_EQ(world.core->state().channels.size(), 1U);
  EXPECT_EQ(world.channel().members.size(), 2U);
  EXPECT_EQ(world.core->JoinedCount(kNews), 2U);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 2U);
}

TEST_F(Commands, MtkIdsThatRunOutChangeTheMskInTime) {
  World world_of_few;
  world_of_few.MakeChannel(FewMtkIds());
  world_of_few.AddMembers(1, 2);
  world_of_few.SpendMtkIds();
  world_of_few.Pass(seconds(30));
  EXPECT_GE(world_of_few.core->counters().rekeys.at(
                {rekey::KeyLevel::kMsk, rekey::RekeyReason::kExhaustion}) +
                world_of_few.ladder().msk->id.number.value,
            2U);
  const rekey::Slot active = *world_of_few.ladder().active;
  EXPECT_EQ(active.msk, MskNo(2));
  for (const int member : {1, 2}) {
    EXPECT_TRUE(world_of_few.members.at(member).HasMtk(active.msk, active.mtk));
  }
  for (const rekey::Slot& used : world_of_few.used) EXPECT_LE(used.mtk, MtkId(20));
}

// However often it is changed just when a round is due.
TEST(Repetitions, AnUpdateOfAChannelPassesNoRepetitionOver) {
  World world;
  world.MakeChannel();
  world.Pass(seconds(10));
  const auto repetitions = [&] {
    return std::count_if(world.sent.begin(), world.sent.end(),
                         [](const Sent& one) { return one.to.IsMulticast(); });
  };
  const auto before = repetitions();
  const Instant until = world.now + seconds(10);
  while (world.core->NextDeadline() < until) {
    world.now = std::max(world.now, world.core->NextDeadline());
    world.Do(UpdateChannel{kNews, "x", world.channel().channel.policy, {}});
    world.Deliver(world.core->Tick(world.now));
  }
  EXPECT_GE(repetitions() - before, 20);
}

}  // namespace
}  // namespace keymast::controller
