// SPDX-License-Identifier: Apache-2.0
// Joins by MIKEYv2: who gets keys, what is kept of it, and when.
#include <numeric>

#include "rekey/group_keys.h"
#include "tests/unit/controller/joiner.h"

namespace keymast::controller {
namespace {

using mikey::KeyDataType;
using State = mikey::v2::Offerer::State;

struct Joining : testing::TestWithParam<Mode> {
  explicit Joining(const KeyingConfig& keying = KeyingWith()) : world(1, {}, {}, keying) {
    groups::KeyPolicy policy;
    policy.mtk_period = seconds(10);
    world.MakeChannel(policy);
    world.AddMembers(1, 3, false);
    world.members.clear();  // receivers of the test do what they do
  }
  const groups::Member& MemberOf(int member) const {
    return world.channel().members.at(IdOf(member));
  }
  uint64_t Discarded(Error reason) const {
    return world.core->counters().keying.discards[static_cast<size_t>(reason)];
  }
  // What is durable has the mark of the MSK.
  bool IsMarked(int member) const {
    const auto& members = world.durable.channels.at(kNews).members;
    return members.at(IdOf(member)).given.number.value != 0;
  }
  World world;
};

INSTANTIATE_TEST_SUITE_P(Modes, Joining,
                         testing::Values(Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac));

TEST_P(Joining, GivesTheKeysOfNow) {
  while (!world.ladder().prepared) world.Pass(milliseconds(100));  // the next MTK is announced
  Receiver receiver(world, 1, GetParam());
  receiver.Run();
  ASSERT_EQ(receiver.state(), State::kDone);
  const mikey::v2::Contents& contents = receiver.offerer.contents();
  const rekey::Ladder& ladder = world.ladder();
  ASSERT_EQ(contents.keys.size(), 3U);
  EXPECT_EQ(contents.keys[0].type, KeyDataType::kTgk);
  EXPECT_TRUE(Equal(contents.keys[0].key, ladder.msk->key.view()));
  EXPECT_EQ(Reader(contents.keys[0].kv.from).U16(), ladder.active->mtk.value);
  EXPECT_EQ(Reader(contents.keys[0].kv.to).U16(), ladder.msk->high.value);
  for (const size_t i : {1U, 2U}) {
    const rekey::Slot& slot = i == 1 ? *ladder.active : *ladder.prepared;
    const rekey::Mtk mtk = rekey::DeriveMtk(*ladder.msk, slot.mtk, world.channel().channel);
    EXPECT_EQ(contents.keys[i].type, KeyDataType::kMtk);
    EXPECT_TRUE(Equal(contents.keys[i].key, mtk.key.view()));
    EXPECT_TRUE(Equal(contents.keys[i].salt, mtk.salt.view()));
    Reader spi(contents.keys[i].kv.spi);
    EXPECT_EQ(spi.U32(), slot.msk.value());
    EXPECT_EQ(spi.U16(), slot.mtk.value);
  }
  EXPECT_TRUE(Equal(contents.rands[0], ladder.msk->rand));
  EXPECT_EQ(contents.csb_id, ladder.msk->csb_id);
  EXPECT_EQ(contents.msks[0].msk, ladder.msk->id.value());
  EXPECT_EQ(contents.msks[0].counter, ladder.msk->counter.next - 1);
  ASSERT_TRUE(contents.member.has_value());
  EXPECT_EQ(contents.member->leaf, mikey::v2::MemberState::kNoLeaf);
  const auto& sessions = receiver.offerer.streams().sessions;
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[1].cs_id, 2);
  EXPECT_EQ(sessions[1].ssrc, Ssrc(0x22222222));
  EXPECT_TRUE(sessions[1].has_seq);
  EXPECT_TRUE(Equal(sessions[1].spi.view(), contents.keys[1].kv.spi));
}

// Mode 4 gives keys with KEYS, the others with the answer: in both the mark is in the same step.
TEST_P(Joining, TheMarkIsDurableBeforeKeysLeave) {
  Receiver receiver(world, 1, GetParam());
  const Bytes answer = receiver.Ask(receiver.Cap());
  const bool by_answer = GetParam() != Mode::kDhhmac;
  EXPECT_EQ(IsMarked(1), by_answer);
  EXPECT_EQ(receiver.step.changes.size(), by_answer ? 1U : 0U);
  EXPECT_FALSE(MemberOf(1).joined) << "nobody knows yet whether it has them";
  const Bytes keys = receiver.Ask(receiver.Take(answer));
  EXPECT_TRUE(IsMarked(1));
  EXPECT_TRUE(MemberOf(1).joined);
  EXPECT_EQ(world.core->JoinedCount(kNews), 1U);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), by_answer ? 1U : 0U);
  EXPECT_EQ(world.CountOf(Event::Kind::kJoined), 1U);
  for (const Datagram& datagram : world.of_version2) {
    EXPECT_EQ(datagram.channel, kNews) << "so it waits for what waits of its channel";
  }
  receiver.Take(keys);
  EXPECT_EQ(receiver.state(), State::kDone);
}

TEST_P(Joining, RepetitionsHaveTheSameOctetsAndChangeNothing) {
  Receiver receiver(world, 1, GetParam());
  const Bytes cap = receiver.Cap();
  const Bytes answer = receiver.Ask(cap);
  world.Pass(seconds(2));
  EXPECT_EQ(receiver.Ask(cap), answer);
  EXPECT_TRUE(receiver.step.changes.empty());
  const Bytes finish = receiver.Take(answer);
  const Bytes keys = receiver.Ask(finish);
  world.Pass(seconds(2));
  EXPECT_EQ(receiver.Ask(finish), keys);
  EXPECT_TRUE(receiver.step.changes.empty());
  EXPECT_EQ(world.core->counters().keying.repetitions, 2U);
  EXPECT_EQ(world.CountOf(Event::Kind::kJoined), 1U);
}

TEST_P(Joining, WhoIsNotEntitledHearsThatAlone) {
  world.Do(Expel{kNews, {IdOf(2)}});
  Receiver receiver(world, 2, GetParam());
  const Bytes answer = receiver.Ask(receiver.Cap());
  const Bytes refusal = GetParam() == Mode::kDhhmac ? receiver.Ask(receiver.Take(answer)) : answer;
  receiver.Take(refusal);
  EXPECT_EQ(receiver.state(), State::kFailed);
  EXPECT_EQ(receiver.offerer.peer_error(), mikey::ErrorNumber::kInvalidId);
  EXPECT_TRUE(receiver.step.changes.empty());
  EXPECT_EQ(world.of_version2.back().channel, kNews)
      << "a removal that is not kept yet ends no join";
  EXPECT_EQ(world.core->JoinedCount(kNews), 0U);
}

TEST_P(Joining, AGroupThatIsNotThereLooksLikeOneThatIsNotOnes) {
  Receiver receiver(world, 1, GetParam());
  const Bytes answer = receiver.Ask(receiver.Cap("mikey://example.org/nothing"));
  receiver.Take(GetParam() == Mode::kDhhmac ? receiver.Ask(receiver.Take(answer)) : answer);
  EXPECT_EQ(receiver.offerer.peer_error(), mikey::ErrorNumber::kInvalidId);
  Receiver elsewhere(world, 2, GetParam());
  EXPECT_TRUE(elsewhere.Ask(elsewhere.Cap("mikey://example.com/news")).empty());
}

TEST_P(Joining, AKeyIdOfAnotherGroupIsRefused) {
  Receiver receiver(world, 1, GetParam());
  receiver.group.domain = world.channel().channel.key_domain;
  receiver.group.msk.group = KeyGroup(8);
  const Bytes answer = receiver.Ask(receiver.Cap());
  receiver.Take(GetParam() == Mode::kDhhmac ? receiver.Ask(receiver.Take(answer)) : answer);
  EXPECT_EQ(receiver.offerer.peer_error(), mikey::ErrorNumber::kInvalidId);
  Receiver right(world, 2, GetParam());
  right.group.domain = world.channel().channel.key_domain;
  right.group.msk.group = KeyGroup(7);
  right.Run();
  EXPECT_EQ(right.state(), State::kDone);
}

TEST_P(Joining, StrangersAndWrongKeysHearNothing) {
  Receiver unknown(world, 1, GetParam());
  unknown.identity = "nobody@example.org";
  EXPECT_TRUE(unknown.Ask(unknown.Cap()).empty());
  Receiver wrong(world, 1, GetParam());
  wrong.key = UserKeyOf(2);
  EXPECT_TRUE(wrong.Ask(wrong.Cap()).empty());
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 2U) << "one looks like the other";
  Receiver reflected(world, 1, GetParam());
  reflected.identity = kServer;
  EXPECT_TRUE(reflected.Ask(reflected.Cap()).empty());
  EXPECT_TRUE(world.channel().members.at(IdOf(1)).given == MskId{});
}

// No key is not an empty one that anybody could prove.
TEST_P(Joining, WithoutUserKeyNobodyJoinsByOne) {
  world.Do(CreateSubscribers{{{IdOf(9), IdentityOf(9), {}}}});
  NewMember member;
  member.member.subscriber = IdOf(9);
  member.member.msk_endpoint = EndpointOf(9);
  world.Do(CreateMembers{kNews, {member}});
  for (const crypto::Key32& key : {crypto::Key32(Bytes(16)), UserKeyOf(9)}) {
    Receiver receiver(world, 9, GetParam());
    receiver.key = key;
    EXPECT_TRUE(receiver.Ask(receiver.Cap()).empty());
  }
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 2U) << "as a stranger's";
}

TEST_P(Joining, WhoWasGivenKeysIsShutOutAtTheEndOfItsWindow) {
  groups::Member member = MemberOf(1);
  member.entitled_until = world.now + minutes(1);
  world.Do(UpdateMember{kNews, member, {}});
  Receiver receiver(world, 1, GetParam());
  const Bytes answer = receiver.Ask(receiver.Cap());
  if (GetParam() == Mode::kDhhmac) receiver.Ask(receiver.Take(answer));
  const MskId before = world.ladder().msk->id;
  const uint32_t generation = MemberOf(1).generation;
  world.Pass(seconds(59));
  EXPECT_EQ(world.ladder().msk->id, before);
  world.Pass(seconds(2));
  EXPECT_GT(world.ladder().msk->id, before);
  EXPECT_FALSE(IsMarked(1));
  EXPECT_GT(MemberOf(1).generation, generation);
  Receiver again(world, 1, GetParam());
  again.Run();
  EXPECT_EQ(again.state(), State::kFailed);
}

TEST_P(Joining, TheMarkOutlivesARestart) {
  groups::Member member = MemberOf(1);
  member.entitled_until = world.now + minutes(1);
  world.Do(UpdateMember{kNews, member, {}});
  Receiver receiver(world, 1, GetParam());
  const Bytes answer = receiver.Ask(receiver.Cap());
  if (GetParam() == Mode::kDhhmac) receiver.Ask(receiver.Take(answer));
  const MskId before = world.ladder().msk->id;
  world.Restart(seconds(5));
  world.Pass(minutes(1));
  EXPECT_GT(world.ladder().msk->id, before);
}

// A member goes on by MSK messages, if it said that it takes them.
TEST_P(Joining, MskMessagesGoToWhoTakesThem) {
  Receiver with(world, 1, GetParam());
  with.Run();
  Receiver without(world, 2, GetParam(), 0);
  without.Run();
  const size_t before = world.MsksTo(1).size();
  EXPECT_EQ(before, GetParam() == Mode::kDhhmac ? 1U : 0U) << "unless it proved that it has them";
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(seconds(1));
  EXPECT_GT(world.MsksTo(1).size(), before);
  EXPECT_TRUE(world.MsksTo(2).empty());
  world.Restart(seconds(1));
  world.Pass(seconds(1));
  EXPECT_TRUE(world.MsksTo(2).empty());
}

TEST_P(Joining, MskMessagesFollowTheAddress) {
  Receiver receiver(world, 1, GetParam());
  receiver.address = EndpointOf(77);
  receiver.Run();
  EXPECT_EQ(MemberOf(1).msk_endpoint, EndpointOf(77));
  world.Restart(seconds(1));
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(seconds(1));
  EXPECT_TRUE(world.MsksTo(1).empty());
  EXPECT_FALSE(world.MsksTo(77).empty());
}

TEST_P(Joining, NothingIsGivenThatCannotBeKept) {
  world.core->Freeze(true, world.now);
  Receiver receiver(world, 1, GetParam());
  const Bytes cap = receiver.Cap();
  const Bytes answer = receiver.Ask(cap);
  if (GetParam() == Mode::kDhhmac) {
    EXPECT_TRUE(receiver.Ask(receiver.Take(answer)).empty());
  } else {
    EXPECT_TRUE(answer.empty());
  }
  EXPECT_GE(Discarded(Error::kStoreClosed), 1U);
  world.core->Freeze(false, world.now);
  receiver.Take(receiver.Ask(receiver.Take(receiver.Ask(cap))));
  EXPECT_EQ(receiver.state(), State::kDone);
}

// The answer rests on a mark that a failed commit took back.
TEST_P(Joining, AReloadForgetsAnswers) {
  Receiver receiver(world, 1, GetParam());
  const rekey::State before = world.durable;
  const Bytes cap = receiver.Cap();
  const Bytes answer = receiver.Ask(cap);
  world.durable = before;
  world.core->Reload(before, world.now);
  const Bytes again = receiver.Ask(cap);
  EXPECT_NE(again, answer);
  EXPECT_FALSE(again.empty());
  EXPECT_EQ(IsMarked(1), GetParam() != Mode::kDhhmac);
}

TEST_P(Joining, ASeedReplaysARun) {
  std::vector<Bytes> sent;
  for (int run = 0; run < 2; ++run) {
    World other(5, {}, {}, KeyingWith());
    other.MakeChannel();
    other.AddMembers(1, 1, false);
    Receiver receiver(other, 1, GetParam());
    receiver.Run();
    for (const Datagram& datagram : other.of_version2) sent.push_back(datagram.octets);
  }
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[0], sent[2]);
  EXPECT_EQ(sent[1], sent[3]);
}

// The mark may be newer, by another exchange that was answered meanwhile: the finish says nothing
// of what that one brought.
TEST_F(Joining, AFinishConfirmsWhatItsOwnAnswerBrought) {
  Receiver slow(world, 1, Mode::kPsk);
  const Bytes finish = slow.Take(slow.Ask(slow.Cap()));
  const MskId brought = world.ladder().msk->id;
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  ASSERT_TRUE(world.ladder().next_msk.has_value());
  Receiver other(world, 1, Mode::kPsk);
  other.address = EndpointOf(99);
  other.Ask(other.Cap());
  ASSERT_EQ(MemberOf(1).given, world.ladder().next_msk->id);
  slow.Take(slow.Ask(finish));
  EXPECT_EQ(slow.state(), mikey::v2::Offerer::State::kDone);
  EXPECT_EQ(MemberOf(1).confirmed, brought);
  world.Pass(milliseconds(100));
  ASSERT_EQ(world.MsksTo(1).size(), 1U);
  EXPECT_EQ(world.MsksTo(1)[0].msk, world.ladder().next_msk->id);
}

// An answer of mode 4 names a profile before O's proof: of a group that is not there one, as of one
// that is, in whatever order and with whatever others it is offered.
TEST_F(Joining, AGroupThatIsNotThereKeepsToOneProfile) {
  const auto chosen = [this](std::string_view uri, std::vector<uint16_t> offered) {
    Receiver receiver(world, 1, Mode::kDhhmac);
    receiver.policy.profiles.clear();
    for (const uint16_t profile : offered) receiver.policy.profiles.Add(profile);
    world.Pass(seconds(1));
    EXPECT_FALSE(receiver.Take(receiver.Ask(receiver.Cap(uri))).empty());
    return receiver.offerer.exchange().choice.profiles[0];
  };
  std::set<uint16_t> all;
  for (int i = 0; i < 12; ++i) {
    const std::string uri = "mikey://example.org/nothing" + std::to_string(i);
    const uint16_t one = chosen(uri, {1, 2, 7, 8});
    all.insert(one);
    EXPECT_EQ(chosen(uri, {8, 7, 2, 1}), one);
    EXPECT_EQ(chosen(uri, {static_cast<uint16_t>(one == 1 ? 2 : 1), one}), one);
    EXPECT_EQ(chosen(uri, {0x7777, one}), one);
  }
  EXPECT_GT(all.size(), 1U);
  const auto news = static_cast<uint16_t>(world.channel().channel.profile);
  EXPECT_EQ(chosen(kNewsUri, {8, 7, 2, 1}), news);
}

TEST_F(Joining, WithoutModesNothingIsSpoken) {
  World silent;
  silent.MakeChannel();
  Receiver receiver(silent, 1, Mode::kPsk);
  EXPECT_TRUE(receiver.Ask(receiver.Cap()).empty());
  const auto& discards = silent.core->counters().discards;
  EXPECT_EQ(std::accumulate(discards.begin(), discards.end(), uint64_t{0}), 1U);
  EXPECT_EQ(silent.core->Exchanges(), 0U);
}

TEST_F(Joining, ErrorsAreOneASecondToAnAddress) {
  world.Do(Expel{kNews, {IdOf(2)}});
  Receiver receiver(world, 2, Mode::kPsk);
  EXPECT_FALSE(receiver.Ask(receiver.Cap()).empty());
  Receiver again(world, 2, Mode::kPsk);
  EXPECT_TRUE(again.Ask(again.Cap()).empty());
  world.Pass(seconds(1));
  Receiver later(world, 2, Mode::kPsk);
  EXPECT_FALSE(later.Ask(later.Cap()).empty());
}

// Some without cookie, which may be recorded ones, and as many again with one.
TEST_F(Joining, AMemberHasItsRate) {
  const uint32_t burst = KeyingConfig{}.identity.burst;
  for (uint32_t i = 0; i < 2 * burst; ++i) {
    Receiver receiver(world, 1, Mode::kPsk);
    if (i >= burst) receiver.address.port += 1;  // of one address there are so many exchanges
    receiver.Run();
    ASSERT_EQ(receiver.state(), State::kDone);
  }
  Receiver one_more(world, 1, Mode::kPsk);
  one_more.address.port += 2;
  one_more.Run();
  EXPECT_EQ(one_more.state(), State::kOffered) << "it hears nothing, and asks again";
  EXPECT_EQ(Discarded(Error::kRateLimited), 1U);
  Receiver other(world, 2, Mode::kPsk);
  other.Run();
  EXPECT_EQ(other.state(), State::kDone);
}

}  // namespace
}  // namespace keymast::controller
