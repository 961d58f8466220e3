// SPDX-License-Identifier: Apache-2.0
// REPORTs at the controller: what they change, what is durable before what is sent, and KEYS that
// nobody asked for.
#include "tests/unit/controller/reporter.h"

namespace keymast::controller {
namespace {

TEST_F(Reporting, MissingKeysComeInOneDatagram) {
  Reporter anna(world, 1, 0);
  anna.Join();
  NewMsk();
  ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  ASSERT_EQ(anna.step.datagrams.size(), 1U);
  EXPECT_EQ(anna.step.datagrams[0].channel, kNews) << "it waits for what waits of its channel";
  EXPECT_LE(anna.step.datagrams[0].octets.size(), mikey::v2::kMaxOneDatagram);
  const rekey::Msk& msk = *world.ladder().msk;
  const mikey::v2::Contents& contents = anna.taken.contents();
  EXPECT_TRUE(Equal(contents.keys[0].key, msk.key.view()));
  EXPECT_EQ(contents.msks[0].msk, msk.id.value());
  EXPECT_EQ(contents.member->report_t, anna.t);
  EXPECT_EQ(anna.taken.streams().sessions.size(), 2U);
  EXPECT_EQ(counters().taken[2], 1U);
  EXPECT_EQ(counters().answers, 1U);
}

TEST_F(Reporting, TAndMarkAreDurableBeforeKeysLeave) {
  Reporter anna(world, 1, 0);
  anna.Join();
  NewMsk();
  ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  EXPECT_FALSE(anna.step.changes.empty());
  EXPECT_EQ(Durable(1).report_t, anna.t);
  EXPECT_EQ(Durable(1).given, world.ladder().msk->id);
  const Bytes again = anna.Write(ReportKind::kMissing);
  EXPECT_FALSE(anna.Ask(again).empty());
  world.Restart(seconds(1));
  EXPECT_TRUE(anna.Ask(again).empty()) << "also after a crash";
  EXPECT_EQ(Discarded(Error::kReplayed), 1U);
}

TEST_F(Reporting, ReplaysAndForgeriesChangeNothing) {
  Reporter anna(world, 1);
  anna.Join();
  const Bytes good = anna.Write(ReportKind::kLeave);
  for (size_t i = 0; i < good.size(); i += 7) {
    Bytes forged = good;
    forged[i] = static_cast<uint8_t>(forged[i] ^ 0x10);
    world.Pass(milliseconds(50));  // below the address's rate
    EXPECT_TRUE(anna.Ask(forged).empty());
    EXPECT_TRUE(anna.step.changes.empty());
  }
  EXPECT_TRUE(MemberOf(1).joined);
  EXPECT_GT(Discarded(Error::kAuthenticationFailed), 10U);
  const Bytes before = anna.Write(ReportKind::kMissing);
  ASSERT_TRUE(anna.Open(anna.Ask(before)));
  EXPECT_TRUE(anna.Ask(good).empty()) << "its T is past";
  EXPECT_TRUE(anna.Ask(before).empty());
  EXPECT_TRUE(MemberOf(1).joined);
  EXPECT_EQ(Discarded(Error::kReplayed), 2U);
}

TEST_F(Reporting, StrangersAndOtherGroupsHearNothing) {
  Reporter anna(world, 1);
  anna.Join();
  anna.identity = "nobody@example.org";
  EXPECT_TRUE(anna.Ask(anna.Write(ReportKind::kMissing)).empty());
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 1U) << "as a wrong key";
  anna.identity = IdentityOf(2);  // who has another key
  EXPECT_TRUE(anna.Ask(anna.Write(ReportKind::kMissing)).empty());
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 2U);
  anna.identity = IdentityOf(1);
  anna.uri = "mikey://example.org/nothing";
  EXPECT_TRUE(anna.Ask(anna.Write(ReportKind::kMissing)).empty());
  anna.uri = kNewsUri;
  anna.name.key_group = KeyGroup(9);
  EXPECT_TRUE(anna.Ask(anna.Write(ReportKind::kMissing)).empty());
  EXPECT_EQ(Discarded(Error::kUnknownChannel), 2U);
}

TEST_F(Reporting, WhoHasNotJoinedOrIsOutGetsNothing) {
  Reporter anna(world, 1);
  anna.Join();
  world.Do(Leave{kNews, IdOf(1)});
  EXPECT_TRUE(anna.Ask(anna.Write(ReportKind::kMissing)).empty());
  EXPECT_EQ(Discarded(Error::kUnknownIdentity), 1U);
  Reporter bob(world, 2);
  bob.Join();
  world.Do(Expel{kNews, {IdOf(2)}});
  EXPECT_TRUE(bob.Ask(bob.Write(ReportKind::kMissing)).empty());
  EXPECT_EQ(Discarded(Error::kUnknownIdentity), 2U);
}

// MIKEYv2 §7: a restart has ended the exchange between its answer and its finish.
TEST_F(Reporting, WhoseFinishWasLostIsTakenInByItsReport) {
  Reporter anna(world, 1, kReports);
  anna.JoinUnfinished();
  world.Restart(seconds(1));
  ASSERT_TRUE(anna.Ask(anna.finish).empty()) << "it belongs to nothing";
  EXPECT_TRUE(Durable(1).HoldsKeys());
  EXPECT_FALSE(Durable(1).joined);
  EXPECT_EQ(world.core->JoinedCount(kNews), 0U);
  ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  EXPECT_TRUE(Durable(1).joined) << "in the step of the answer";
  EXPECT_EQ(world.core->JoinedCount(kNews), 1U);
  EXPECT_EQ(world.CountOf(Event::Kind::kJoined), 1U);
  EXPECT_TRUE(Durable(1).TakesKeys()) << "only its finish told of MSK messages";
  ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  EXPECT_EQ(world.core->JoinedCount(kNews), 1U) << "once";
  EXPECT_EQ(world.CountOf(Event::Kind::kJoined), 1U);
  ASSERT_TRUE(anna.Report(ReportKind::kLeave));
  EXPECT_EQ(world.core->JoinedCount(kNews), 0U);
  EXPECT_EQ(world.CountOf(Event::Kind::kLeft), 1U);
}

TEST_F(Reporting, WhoLeavesWithoutItsFinishWasNeverIn) {
  Reporter anna(world, 1, kReports);
  anna.JoinUnfinished();
  world.Restart(seconds(1));
  ASSERT_TRUE(anna.Report(ReportKind::kLeave));
  EXPECT_FALSE(Durable(1).HoldsKeys());
  EXPECT_EQ(world.CountOf(Event::Kind::kJoined), 0U);
  EXPECT_EQ(world.core->JoinedCount(kNews), 0U);
}

TEST_F(Reporting, ALeaveIsAnsweredAndEndsTheMembership) {
  Reporter anna(world, 1);
  anna.Join();
  const MskId before = world.ladder().msk->id;
  ASSERT_TRUE(anna.Report(ReportKind::kLeave));
  EXPECT_TRUE(anna.taken.contents().keys.empty());
  EXPECT_TRUE(anna.taken.streams().sessions.empty());
  EXPECT_FALSE(Durable(1).HoldsKeys()) << "in the step of the answer";
  EXPECT_EQ(Durable(1).report_t, anna.t);
  EXPECT_EQ(world.core->JoinedCount(kNews), 0U);
  EXPECT_EQ(world.CountOf(Event::Kind::kLeft), 1U);
  world.Pass(seconds(1));
  EXPECT_GT(world.ladder().msk->id, before) << "it is shut out";
  // What the leaver sent before does not bring it back, and it gets no keys.
  EXPECT_FALSE(anna.Report(ReportKind::kMissing));
  EXPECT_FALSE(anna.Report(ReportKind::kLeave)) << "who has left is no member";
  world.Restart(seconds(1));
  EXPECT_FALSE(Durable(1).HoldsKeys());
}

TEST_F(Reporting, AMemberOfTheSameNameBeginsBehindWhatWasReportedBefore) {
  Reporter anna(world, 1);
  anna.Join();
  for (int i = 0; i < 3; ++i) {
    world.Pass(seconds(2));
    ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  }
  const Bytes recorded = anna.Write(ReportKind::kLeave);
  world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(seconds(2));
  NewMember again;
  again.member.subscriber = IdOf(1);
  again.member.msk_endpoint = EndpointOf(1);
  world.Do(CreateMembers{kNews, {again}});
  Reporter back(world, 1);
  back.Join();
  EXPECT_TRUE(back.Ask(recorded).empty());
  EXPECT_TRUE(MemberOf(1).joined);
  EXPECT_TRUE(back.Report(ReportKind::kMissing));
}

TEST_F(Reporting, AnAcknowledgementIsAnsweredWhenThereIsSomethingNewer) {
  Reporter anna(world, 1, 0);
  anna.Join();
  EXPECT_FALSE(anna.Report(ReportKind::kAcknowledge));
  NewMsk();
  ASSERT_TRUE(anna.Report(ReportKind::kAcknowledge));
  EXPECT_EQ(anna.NewestTaken(), world.ladder().msk->id);
  anna.held = anna.NewestTaken();
  EXPECT_FALSE(anna.Report(ReportKind::kAcknowledge));
  EXPECT_EQ(counters().taken[1], 3U);
  EXPECT_EQ(counters().answers, 1U);
}

TEST_F(Reporting, NothingIsTakenThatCannotBeKept) {
  Reporter anna(world, 1);
  anna.Join();
  world.core->Freeze(true, world.now);
  const Bytes leave = anna.Write(ReportKind::kLeave);
  EXPECT_TRUE(anna.Ask(leave).empty());
  EXPECT_EQ(Discarded(Error::kStoreClosed), 1U);
  EXPECT_TRUE(MemberOf(1).joined);
  world.core->Freeze(false, world.now);
  EXPECT_TRUE(anna.Open(anna.Ask(leave))) << "its T was not used up";
}

TEST_F(Reporting, AMemberHasItsRate) {
  Reporter anna(world, 1);
  anna.Join();
  const uint32_t burst = KeyingConfig{}.identity.burst;
  for (uint32_t i = 0; i < burst; ++i) ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  EXPECT_FALSE(anna.Report(ReportKind::kMissing));
  EXPECT_EQ(Discarded(Error::kRateLimited), 1U);
  world.Pass(seconds(2));
  EXPECT_TRUE(anna.Report(ReportKind::kMissing));
}

// What anybody may write costs no member its place: no proof, no count.
TEST_F(Reporting, JunkOfItsAddressAndOfStrangersShutsNobodyOut) {
  Reporter anna(world, 1);
  anna.Join();
  world.Pass(minutes(61));
  const Bytes junk{2, 254};
  for (int i = 0; i < 600; ++i) {
    world.core->OnDatagram(anna.address, junk, world.now);
    world.core->OnDatagram(EndpointOf(1000 + i), junk, world.now);
  }
  const Bytes forged = [&] {
    Bytes one = anna.Write(ReportKind::kLeave);
    one.back() ^= 1;
    return one;
  }();
  for (int i = 0; i < 100; ++i) world.core->OnDatagram(anna.address, forged, world.now);
  EXPECT_TRUE(anna.Report(ReportKind::kMissing));
}

TEST_F(Reporting, OfLostCommitsCountInNoIncarnation) {
  Reporter anna(world, 1);
  anna.Join();
  const rekey::State before = world.durable;
  const Bytes leave = anna.Write(ReportKind::kLeave);
  world.Pass(minutes(1));
  world.durable = before;
  world.Restart(seconds(1), true);
  EXPECT_TRUE(anna.Ask(leave).empty());
  EXPECT_EQ(Discarded(Error::kReplayed), 1U);
  EXPECT_TRUE(MemberOf(1).joined);
  anna.Join();
  EXPECT_TRUE(anna.Report(ReportKind::kMissing)) << "a join tells where T goes on";
  world.Restart(seconds(1));
  EXPECT_TRUE(anna.Ask(leave).empty());
}

// One member that comes and goes takes few Key Numbers, and leaves the operator some.
TEST_F(Reporting, ComingAndGoingUsesNoNumbersUp) {
  for (int i = 0; i < 300; ++i) {
    Reporter anna(world, 1);
    anna.Join();
    ASSERT_TRUE(anna.Report(ReportKind::kLeave));
    EXPECT_FALSE(MemberOf(1).HoldsKeys());
    world.Pass(seconds(2));
  }
  EXPECT_LE(world.ladder().last_key_number.value, 1 + 16 + 11);
  EXPECT_GE(world.ladder().last_key_number.value, 1 + 16 + 9);
  // Who leaves is shut out at last.
  const MskId last = world.ladder().msk->id;
  Reporter anna(world, 1);
  anna.Join();
  ASSERT_TRUE(anna.Report(ReportKind::kLeave));
  world.Pass(seconds(62));
  EXPECT_GT(world.ladder().msk->id, last);
  Reporter bob(world, 2);
  bob.Join();
  const MskId now = world.ladder().msk->id;
  world.Do(Expel{kNews, {IdOf(2)}});
  world.Pass(seconds(1));
  EXPECT_GT(world.ladder().msk->id, now) << "an operator's exclusion waits for nothing";
}

TEST_F(Reporting, TheLastNumbersAreTheOperators) {
  Reporter anna(world, 1);
  anna.Join();
  rekey::Ladder ladder = world.ladder();
  ladder.last_key_number = KeyNumber(65535 - 200);
  rekey::Apply(world.durable, rekey::LadderPut{kNews, ladder});
  world.Restart(seconds(1));
  EXPECT_FALSE(anna.Report(ReportKind::kLeave));
  EXPECT_EQ(Discarded(Error::kIdsExhausted), 1U);
  EXPECT_TRUE(MemberOf(1).HoldsKeys());
  world.Do(Expel{kNews, {IdOf(1)}});
}

// Where no key can follow a mark is not taken away, and nothing is sent any more.
TEST_F(Reporting, AnEntitlementThatEndsKeepsItsMarkWhereNoKeyCanFollow) {
  groups::Member member = MemberOf(1);
  member.entitled_until = world.now + minutes(1);
  world.Do(UpdateMember{kNews, member, {}});
  Reporter anna(world, 1);
  anna.Join();
  rekey::Ladder ladder = world.ladder();
  ladder.last_key_number = KeyNumber(65535);
  rekey::Apply(world.durable, rekey::LadderPut{kNews, ladder});
  world.Restart(seconds(1));
  world.Pass(minutes(2));
  EXPECT_TRUE(MemberOf(1).HoldsKeys());
  EXPECT_FALSE(anna.Report(ReportKind::kMissing));
  EXPECT_EQ(Discarded(Error::kNotEntitled), 1U);
}

struct FewStrangers : Reporting {
  static KeyingConfig Config() {
    KeyingConfig config = KeyingWith();
    config.strangers = {4, seconds(1)};
    return config;
  }
  FewStrangers() : Reporting(Config()) {}
};

TEST_F(FewStrangers, MembersAreHeardBesideAFlood) {
  Reporter anna(world, 1);
  anna.Join();
  Reporter forger(world, 2);
  forger.Join();
  const Bytes forged = forger.Write(ReportKind::kMissing);
  for (int i = 0; i < 100; ++i) {
    Bytes one = forged;
    one.back() = static_cast<uint8_t>(one.back() ^ (i + 1));
    world.core->OnDatagram(EndpointOf(1000 + i), one, world.now);
  }
  EXPECT_GE(Discarded(Error::kTooManyRequests), 80U);
  EXPECT_TRUE(anna.Report(ReportKind::kMissing));
}

// MIKEYv2 §10: where a REPORT comes from is no address of a member before that has proved it.
TEST_F(FewStrangers, AReportAloneServesNoAddressBeforeOthers) {
  Reporter anna(world, 1);
  anna.Join();
  anna.address = EndpointOf(77);
  const Bytes keys = anna.Ask(anna.Write(ReportKind::kMissing));
  ASSERT_TRUE(anna.Open(keys));
  for (int i = 0; i < 6; ++i) {
    Receiver stranger(world, 2, Mode::kPsk);
    stranger.address = EndpointOf(1000 + i);
    stranger.Ask(stranger.Cap());
  }
  const auto is_asked_for_a_cookie = [&] {
    Receiver joiner(world, 3, Mode::kPsk);
    joiner.address = anna.address;
    const Bytes said = joiner.Ask(joiner.Cap());
    return said.at(1) == static_cast<uint8_t>(mikey::DataType::kRetry);
  };
  EXPECT_TRUE(is_asked_for_a_cookie());
  anna.Acknowledge(keys);
  EXPECT_FALSE(is_asked_for_a_cookie());
}

struct FewOfAPlace : Reporting {
  static KeyingConfig Config() {
    KeyingConfig config = FewStrangers::Config();
    config.address = {2, seconds(1)};
    return config;
  }
  FewOfAPlace() : Reporting(Config()) {}
  // Junk is what a member's place can send under no proof.
  void Junk(Reporter& from) {
    Bytes forged = from.Write(ReportKind::kMissing);
    forged.back() ^= 1;
    for (int i = 0; i < 100; ++i) world.core->OnDatagram(from.address, forged, world.now);
  }
};

TEST_F(FewOfAPlace, JunkOfAMemberCostsNoOther) {
  Reporter forger(world, 2);
  forger.Join();
  Reporter anna(world, 1);
  anna.Join();
  world.Pass(minutes(1));
  Junk(forger);
  EXPECT_TRUE(anna.Report(ReportKind::kMissing));
}

TEST_F(FewOfAPlace, WhoHasLeftIsAStranger) {
  Reporter forger(world, 2);
  forger.Join();
  ASSERT_TRUE(forger.Report(ReportKind::kLeave));
  world.Pass(minutes(1));
  Junk(forger);
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 2U);
  EXPECT_EQ(Discarded(Error::kRateLimited), 98U);
}

// Who reports, and does not take MSK messages, is sent KEYS: the same octets until it has
// acknowledged them.
TEST_F(Reporting, KeysArePushedToWhoTakesNoMskMessages) {
  Reporter anna(world, 1);
  anna.Join();
  Reporter bob(world, 2, 0);
  bob.Join();
  const size_t before = world.of_version2.size();
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(milliseconds(3600));
  const std::vector<Bytes> keys = KeysTo(1, before);
  ASSERT_EQ(keys.size(), 4U) << "after 0, 0.5, 1 and 2 s";
  EXPECT_EQ(std::set<Bytes>(keys.begin(), keys.end()).size(), 1U);
  EXPECT_TRUE(KeysTo(2, before).empty());
  EXPECT_TRUE(world.MsksTo(1).empty());
  ASSERT_TRUE(anna.OpenUnasked(keys[0]));
  EXPECT_EQ(anna.NewestTaken(), world.ladder().next_msk->id);
  EXPECT_EQ(anna.OpenUnasked(keys[0]).error(), Error::kReplayed);
  EXPECT_EQ(counters().pushes, 1U);
  EXPECT_EQ(counters().repetitions, 3U);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kPending);

  anna.held = anna.NewestTaken();
  EXPECT_FALSE(anna.Report(ReportKind::kAcknowledge));
  const size_t acknowledged = world.of_version2.size();
  world.Pass(seconds(30));
  EXPECT_TRUE(KeysTo(1, acknowledged).empty());
  EXPECT_EQ(Durable(1).confirmed, anna.held);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kConfirmed);
}

// Nothing is sent to bob by itself: that nothing of his is outstanding says nothing.
TEST_F(Reporting, WhoIsSentNothingConfirmsOnlyWhatItSaysItHas) {
  Reporter bob(world, 2, 0);
  bob.Join();
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(2)), Reachability::kConfirmed);
  NewMsk();
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(2)), Reachability::kIdle);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 0U);
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  ASSERT_TRUE(bob.Report(ReportKind::kMissing));
  EXPECT_EQ(Durable(2).confirmed, bob.held) << "asking is not having";
  bob.held = bob.NewestTaken();
  EXPECT_FALSE(bob.Report(ReportKind::kAcknowledge));
  EXPECT_EQ(Durable(2).confirmed, bob.held);
}

// A member that joined without its user key, and then shows that it has it, is sent KEYS under it.
TEST_F(Reporting, WhoReportsUnderItsUserKeyIsSentKeys) {
  Reporter bob(world, 2, 0);
  bob.Join();
  NewMsk();
  ASSERT_TRUE(bob.Report(ReportKind::kMissing));
  const size_t before = world.of_version2.size();
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(milliseconds(100));
  ASSERT_EQ(KeysTo(2, before).size(), 1U);
  EXPECT_TRUE(bob.OpenUnasked(KeysTo(2, before)[0]));
}

// R of a ticket is not kept: nothing can be sent under it that was not asked for.
TEST_F(Reporting, WhoReportsByATicketIsSentNothingMore) {
  Reporter anna(world, 1, kReports | mikey::v2::kTicketFeature);
  anna.Join();
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(milliseconds(100));
  const mikey::v2::Resumption resumption = anna.offerer.resumption().value();
  anna.ticket.assign(resumption.ticket.begin(), resumption.ticket.end());
  anna.r = mikey::v2::ReportKey(crypto::DefaultSuite(), resumption.secret.view());
  ASSERT_TRUE(anna.Report(ReportKind::kMissing));
  const size_t before = world.of_version2.size();
  world.Pass(seconds(30));
  EXPECT_TRUE(KeysTo(1, before).empty());
  EXPECT_TRUE(world.MsksTo(1).empty());
}

// MIKEYv2 §10: entitlement is asked at each KEYS, also while its end cannot be kept.
TEST_F(Reporting, NothingIsPushedBeyondAnEntitlementWhileNothingCanBeKept) {
  groups::Member member = MemberOf(1);
  member.entitled_until = world.now + seconds(20);
  world.Do(UpdateMember{kNews, member, {}});
  Reporter anna(world, 1);
  anna.Join();
  Reporter messages(world, 2, kMskMessages);
  member = MemberOf(2);
  member.entitled_until = world.now + seconds(20);
  world.Do(UpdateMember{kNews, member, {}});
  messages.Join();
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(milliseconds(100));
  EXPECT_FALSE(world.MsksTo(2).empty());
  world.core->Freeze(true, world.now);
  world.Pass(seconds(20));
  const size_t before = world.of_version2.size();
  const size_t messages_before = world.MsksTo(2).size();
  world.Pass(seconds(60));
  EXPECT_TRUE(KeysTo(1, before).empty());
  EXPECT_EQ(world.MsksTo(2).size(), messages_before);
}

TEST_F(Reporting, PushedKeysHaveATAboveWhatTheJoinTold) {
  Reporter anna(world, 1);
  anna.Join();
  for (int round = 0; round < 3; ++round) {
    const size_t before = world.of_version2.size();
    world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
    world.Pass(milliseconds(100));
    ASSERT_FALSE(KeysTo(1, before).empty());
    EXPECT_TRUE(anna.OpenUnasked(KeysTo(1, before)[0])) << round;
    while (world.ladder().next_msk) world.Pass(seconds(1));
    if (round == 1) {
      world.Restart(seconds(1));
      anna.Join();  // is told a T that nothing beyond was sent with
    }
  }
}

TEST_F(Reporting, PushesGoOnAfterARestartAndEndWithTheMembership) {
  Reporter anna(world, 1);
  anna.Join();
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(milliseconds(100));
  size_t before = world.of_version2.size();
  world.Restart(seconds(1));
  world.Pass(milliseconds(100));
  ASSERT_EQ(KeysTo(1, before).size(), 1U);
  EXPECT_TRUE(anna.OpenUnasked(KeysTo(1, before)[0]));
  world.Do(Leave{kNews, IdOf(1)});
  before = world.of_version2.size();
  world.Pass(seconds(30));
  EXPECT_TRUE(KeysTo(1, before).empty());
}

}  // namespace
}  // namespace keymast::controller
