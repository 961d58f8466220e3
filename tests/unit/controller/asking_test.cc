// SPDX-License-Identifier: Apache-2.0
// What is remembered of who asks: repeated requests, the audit log, quotas.
#include "crypto/key_maker.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

constexpr std::string_view kAlice = "operator:alice";

Asker By(uint8_t request, uint8_t content = 1) {
  Asker by;
  by.principal = kAlice;
  by.method = "Some.Method";
  by.request.emplace().octets.fill(request);
  by.digest.octets.fill(content);
  return by;
}

struct Asking : testing::Test {
  Asking() : world(1, {}, {}, {}, {KeyOf(), "keymastd test"}) {
    world.MakeChannel();
    world.AddMembers(1, 3);
    world.Pass(seconds(1));
  }
  static std::shared_ptr<const crypto::PrivateKey> KeyOf() {
    return std::make_shared<const crypto::PrivateKey>(
        crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, 9))));
  }
  std::vector<audit::Record> Records() const {
    std::vector<audit::Record> records;
    for (const rekey::Change& change : world.changes) {
      if (const auto* audited = std::get_if<rekey::Audited>(&change)) {
        records.push_back(audited->record);
      }
    }
    return records;
  }
  audit::Record Last() const {
    auto records = Records();
    while (records.back().method == audit::kCheckpoint) records.pop_back();
    return records.back();
  }
  World world;
};

TEST_F(Asking, ARepeatedRequestChangesNothingAndIsAnsweredAgain) {
  const Expel expel{kNews, {IdOf(1)}};
  const Reply first = world.Do(expel, By(1));
  const size_t changes = world.changes.size();
  const size_t sent = world.sent.size();
  const Reply again = world.Do(expel, By(1));
  EXPECT_FALSE(first.is_repeated);
  EXPECT_TRUE(again.is_repeated);
  EXPECT_EQ(world.changes.size(), changes);
  EXPECT_EQ(world.sent.size(), sent);
  EXPECT_EQ(again.remaining, first.remaining);
  ASSERT_TRUE(again.rekey && first.rekey);
  EXPECT_EQ(again.rekey->msk, first.rekey->msk);
  EXPECT_EQ(again.rekey->switch_at, first.rekey->switch_at);
}

// The channel's history is of the last rekeys alone, which fast MTKs fill within minutes.
TEST_F(Asking, ARequestKnowsItsRekeyWhenTheHistoryHasForgottenIt) {
  const Expel expel{kNews, {IdOf(1)}};
  const Reply first = world.Do(expel, By(1));
  ASSERT_TRUE(first.rekey);
  world.Pass(hours(2));
  ASSERT_GT(world.channel().history.front().sequence, first.rekey->sequence);
  EXPECT_EQ(world.Do(expel, By(1)).rekey, first.rekey);
  world.Restart(seconds(3));
  EXPECT_EQ(world.Do(expel, By(1)).rekey, first.rekey);
}

TEST_F(Asking, TheSameIdWithOtherContentIsRefused) {
  world.Do(Expel{kNews, {IdOf(1)}}, By(1));
  const Failure failure = world.Refused(Expel{kNews, {IdOf(2)}}, By(1, 2));
  EXPECT_EQ(failure.error, Error::kRequestIdReused);
  ASSERT_EQ(failure.violations.size(), 1U);
  EXPECT_EQ(failure.violations[0].field, "request_id");
}

TEST_F(Asking, WhatWasRefusedOrOnlyCheckedIsNotKept) {
  world.Refused(Expel{kNews, {IdOf(9)}}, By(1));
  Step step;
  ASSERT_TRUE(world.core->Do(Expel{kNews, {IdOf(1)}}, world.now, true, step, By(1)));
  EXPECT_TRUE(step.changes.empty());
  EXPECT_FALSE(world.Do(Expel{kNews, {IdOf(1)}}, By(1)).is_repeated);
}

TEST_F(Asking, ARequestIsKnownAfterARestart) {
  world.Do(Expel{kNews, {IdOf(1)}}, By(1));
  world.Restart(seconds(3));
  EXPECT_TRUE(world.Do(Expel{kNews, {IdOf(1)}}, By(1)).is_repeated);
}

TEST_F(Asking, ADayLaterItIsForgotten) {
  world.Do(Join{kNews, IdOf(1)}, By(1));
  world.Pass(rekey::kRequestLife - seconds(1));
  EXPECT_TRUE(world.Do(Join{kNews, IdOf(1)}, By(1)).is_repeated);
  world.Pass(seconds(1));
  EXPECT_FALSE(world.Do(Join{kNews, IdOf(1)}, By(1)).is_repeated);
  world.Do(Join{kNews, IdOf(1)}, By(2));
  EXPECT_EQ(world.durable.requests.size(), 2U) << "each that comes takes old ones away";
}

// By number, while all of them are younger than a day.
TEST(Requests, OfMoreThanAMillionTheOldestIsForgotten) {
  rekey::State state;
  rekey::KeptRequest kept;
  kept.at = kBegin - std::chrono::hours(1);
  for (uint64_t sequence = 1; sequence <= rekey::kMostRequests; ++sequence) {
    kept.sequence = sequence;
    for (size_t i = 0; i < 8; ++i) kept.id.octets[i] = static_cast<uint8_t>(sequence >> 8 * i);
    kept.id.octets[15] = 1;  // unlike those of By
    state.requests.Keep(kept);
  }
  World world(1, std::move(state), {}, {}, {Asking::KeyOf(), "keymastd test"});
  const auto& requests = world.core->state().requests;
  const auto oldest = requests.by_age().begin()->second;
  world.MakeChannel();
  world.AddMembers(1, 2);
  ASSERT_EQ(requests.size(), rekey::kMostRequests);
  for (uint8_t i = 1; i <= 2; ++i) world.Do(Join{kNews, IdOf(i)}, By(i));
  EXPECT_EQ(requests.size(), rekey::kMostRequests);
  EXPECT_EQ(requests.Find(oldest.id, world.now), nullptr);
  EXPECT_NE(requests.Find(*By(1).request, world.now), nullptr);
  EXPECT_EQ(requests.by_age().begin()->first, oldest.sequence + 2);
}

TEST_F(Asking, EachCommandLeavesOneRecordInItsOwnStep) {
  const size_t before = Records().size();
  Step step;
  ASSERT_TRUE(world.core->Do(Expel{kNews, {IdOf(1), IdOf(2)}}, world.now, false, step, By(7)));
  const bool has_record = std::any_of(
      step.changes.begin(), step.changes.end(),
      [](const auto& change) { return std::holds_alternative<rekey::Audited>(change); });
  EXPECT_TRUE(has_record);
  world.Deliver(std::move(step));
  ASSERT_GT(Records().size(), before);
  const audit::Record record = Last();
  EXPECT_EQ(record.principal, kAlice);
  EXPECT_EQ(record.method, "Some.Method");
  EXPECT_EQ(record.request, By(7).request);
  EXPECT_EQ(record.resource, "channels/news");
  EXPECT_EQ(record.items, (std::vector<std::string>{"s1", "s2"}));
  EXPECT_EQ(record.key_ids, (std::vector<std::string>{"00070002"}));
  EXPECT_EQ(record.time, world.now);
}

TEST_F(Asking, NoCommandThatChangesSomethingLeavesNone) {
  const groups::Channel other = OtherChannel();
  groups::Headend headend = NewHeadend(*world.rng);
  NewMember nine;
  nine.member.subscriber = IdOf(9);
  nine.member.msk_endpoint = EndpointOf(9);
  groups::Schedule daily;
  daily.id = ScheduleId("daily");
  daily.period = hours(24);
  rekey::Operation spread;
  spread.id = OperationId("spread");
  spread.kind = rekey::OperationKind::kRekeyChannels;
  spread.targets = {kNews.value};
  const std::vector<Command> commands = {
      CreateChannel{other},
      UpdateChannel{kNews, "x", {}, {}},
      DeleteChannel{other.id, {}, true},
      CreateSubscribers{{{IdOf(9), IdentityOf(9), UserKeyOf(9)}}},
      UpdateSubscriber{IdOf(9), UserKeyOf(71)},
      CreateMembers{kNews, {nine}},
      UpdateMember{kNews, nine.member, {}},
      Join{kNews, IdOf(9)},
      Leave{kNews, IdOf(9)},
      DeleteMember{kNews, IdOf(9)},
      Expel{kNews, {IdOf(1)}},
      DeleteSubscribers{{IdOf(9)}, true},
      CreateHeadend{headend},
      UpdateHeadend{headend.id, {kNews}},
      DeleteHeadend{headend.id},
      RekeyNow{kNews, rekey::KeyLevel::kMsk},
      PutSchedule{kNews, daily},
      PutSchedule{kNews, daily, false},
      DeleteSchedule{kNews, daily.id},
      BeginOperation{spread},
      CancelOperation{spread.id},
      DeleteOperation{spread.id},
      DeleteBackup{"b"},
  };
  std::set<size_t> kinds;
  for (size_t i = 0; i < commands.size(); ++i) {
    const size_t before = Records().size();
    world.Do(commands[i], By(static_cast<uint8_t>(i)));
    EXPECT_GT(Records().size(), before) << i;
    EXPECT_EQ(Last().request, By(static_cast<uint8_t>(i)).request) << i;
    EXPECT_FALSE(Last().resource.empty()) << i;
    kinds.insert(commands[i].index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Command>);
}

TEST_F(Asking, RevisionsBeforeAndAfter) {
  world.Do(UpdateChannel{kNews, "New", {}, {}}, By(1));
  EXPECT_EQ(Last().revision_before, 1U);
  EXPECT_EQ(Last().revision_after, 2U);
  world.Do(DeleteSubscribers{{IdOf(3)}, true}, By(2));
  EXPECT_EQ(Last().resource, "subscribers/s3");
  EXPECT_NE(Last().revision_before, 0U);
  EXPECT_EQ(Last().revision_after, 0U);
}

struct AuditRecords : Asking {
  using Names = std::vector<std::string>;
  // MakeChannels makes c0, c1 and c2, of key groups 20 to 22.
  void MakeChannels() {
    groups::Channel channel = NewsChannel();
    for (uint16_t i = 0; i < 3; ++i) {
      channel.id = ChannelId("c" + std::to_string(i));
      channel.key_group = KeyGroup(static_cast<uint16_t>(20 + i));
      world.Do(CreateChannel{channel});
    }
  }
  static rekey::Operation RekeyOf(const std::string& id, Names channels, Duration spread) {
    rekey::Operation operation;
    operation.id = OperationId(id);
    operation.kind = rekey::OperationKind::kRekeyChannels;
    operation.principal = kAlice;
    operation.subject = "msk";
    operation.targets = std::move(channels);
    operation.spread = spread;
    return operation;
  }
  bool IsDone(const char* id) const {
    return world.durable.operations.at(OperationId(id)).progress.IsDone();
  }
};

TEST_F(AuditRecords, OfASpreadRekeyEachChannelHasOneWithItsKey) {
  MakeChannels();
  world.Do(BeginOperation{RekeyOf("all", {"c0", "c1", "c2"}, seconds(6))}, By(1));
  EXPECT_EQ(Last().items, (Names{"level=msk", "c0", "c1", "c2"}));
  EXPECT_EQ(Last().key_ids, Names{"00140002"});
  const auto expect_step = [this](const char* channel, const char* key) {
    EXPECT_EQ(Last().principal, kAlice);
    EXPECT_EQ(Last().method, "Rekeys.RekeyChannels");
    EXPECT_EQ(Last().request, std::nullopt);
    EXPECT_EQ(Last().resource, "operations/all");
    EXPECT_EQ(Last().items, Names{channel});
    EXPECT_EQ(Last().key_ids, Names{key});
  };
  world.Pass(milliseconds(2500));
  expect_step("c1", "00150002");
  world.Restart(milliseconds(500));
  world.Pass(milliseconds(1500));
  expect_step("c2", "00160002");
  EXPECT_TRUE(IsDone("all"));
}

TEST_F(AuditRecords, AnOperationHasNoKeysOfAnother) {
  MakeChannels();
  world.Do(BeginOperation{RekeyOf("one", {"c0", "c1"}, seconds(2))}, By(1));
  world.Pass(milliseconds(900));
  world.now += milliseconds(100);  // where the step of `one` is due
  world.Do(BeginOperation{RekeyOf("two", {"c2"}, {})}, By(2));
  EXPECT_EQ(Last().resource, "operations/two");
  EXPECT_EQ(Last().key_ids, Names{"00160002"});
  world.Pass(milliseconds(1));
  EXPECT_EQ(Last().resource, "operations/one");
  EXPECT_EQ(Last().key_ids, Names{"00150002"});
}

TEST_F(AuditRecords, AChannelThatIsGoneMeanwhileHasNone) {
  MakeChannels();
  world.Do(BeginOperation{RekeyOf("all", {"c0", "c1"}, seconds(2))}, By(1));
  world.Do(DeleteChannel{ChannelId("c1")}, By(2));
  const size_t before = Records().size();
  world.Pass(seconds(2));
  EXPECT_TRUE(IsDone("all"));
  EXPECT_EQ(Records().size(), before);
}

TEST_F(AuditRecords, StepsWaitWhileNoneCanBeMade) {
  MakeChannels();
  world.Do(BeginOperation{RekeyOf("all", {"c0", "c1", "c2"}, seconds(3))}, By(1));
  world.core->HoldRecords(true);
  const size_t before = Records().size();
  world.Pass(seconds(5));
  EXPECT_EQ(Records().size(), before);
  EXPECT_EQ(world.durable.operations.at(OperationId("all")).progress.done, 1U);
  world.core->HoldRecords(false);
  world.Pass(milliseconds(10));
  EXPECT_TRUE(IsDone("all"));
  EXPECT_EQ(Records().size(), before + 2);
}

TEST_F(AuditRecords, OperationsNameTheirSubject) {
  const auto items_of = [this](rekey::OperationKind kind, const char* subject, Names targets) {
    rekey::Operation operation = RekeyOf(subject, std::move(targets), {});
    operation.kind = kind;
    operation.subject = subject;
    world.Do(BeginOperation{operation}, By(static_cast<uint8_t>(Records().size())));
    return Last().items;
  };
  using rekey::OperationKind;
  EXPECT_EQ(items_of(OperationKind::kBackup, "bk1", {}), Names{"backups/bk1"});
  EXPECT_EQ(items_of(OperationKind::kMasterKey, "new", {"old"}), (Names{"old", "new"}));
  EXPECT_EQ(items_of(OperationKind::kRekeyChannels, "mtk", {"news"}), (Names{"level=mtk", "news"}));
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk}, By(9));
  EXPECT_EQ(Last().items, Names{"level=msk"});
}

TEST_F(AuditRecords, AForcedDeletionNamesTheMembershipsThatItEnds) {
  MakeChannels();
  NewMember member;
  for (int i = 1; i <= 2; ++i) {
    member.member.subscriber = IdOf(i);
    member.member.msk_endpoint = EndpointOf(i);
    world.Do(CreateMembers{ChannelId("c0"), {member}}, By(static_cast<uint8_t>(i)));
  }
  world.Do(DeleteSubscribers{{IdOf(1)}, true}, By(3));
  EXPECT_EQ(Last().resource, "subscribers/s1");
  EXPECT_EQ(Last().items, (Names{"channels/c0/members/s1", "channels/news/members/s1"}));
  groups::Headend headend = NewHeadend(*world.rng);
  headend.channels = {ChannelId("c0")};
  world.Do(CreateHeadend{headend}, By(4));
  world.Do(DeleteChannel{ChannelId("c0"), {}, true}, By(5));
  EXPECT_EQ(Last().resource, "channels/c0");
  EXPECT_EQ(Last().items, (Names{"channels/c0/members/s2", "headends/h"}));
  world.Do(DeleteSubscribers{{IdOf(2), IdOf(3)}, true}, By(6));
  EXPECT_EQ(Last().items,
            (Names{"s2", "s3", "channels/news/members/s2", "channels/news/members/s3"}));
}

TEST_F(AuditRecords, OfVeryManyMembersOfAChannelTheNumberIsNamed) {
  world.AddMembers(4, 1010, false);
  world.Do(DeleteChannel{kNews, {}, true}, By(1));
  const Names items = Last().items;
  ASSERT_EQ(items.size(), 1001U);
  EXPECT_TRUE(std::is_sorted(items.begin(), items.end() - 1));
  EXPECT_TRUE(items.front().starts_with("channels/news/members/s")) << items.front();
  EXPECT_EQ(items.back(), "more=10");
}

TEST_F(AuditRecords, OfVeryManyMembershipsOfSubscribersTheNumberIsNamed) {
  world.AddMembers(4, 1010, false);
  DeleteSubscribers all{{}, true};
  for (int i = 1; i <= 1010; ++i) all.ids.push_back(IdOf(i));
  world.Do(all, By(1));
  const Names items = Last().items;
  ASSERT_EQ(items.size(), 1010U + 1001U);
  EXPECT_EQ(items[1010], "channels/news/members/s1");
  EXPECT_EQ(items.back(), "more=10");
}

TEST_F(Asking, WhatNobodyAskedForAndWhatFailedLeavesNone) {
  world.Do(Join{kNews, IdOf(1)}, By(1));
  const size_t before = Records().size();
  world.Pass(minutes(9));
  world.Refused(Expel{kNews, {IdOf(9)}}, By(2));
  EXPECT_EQ(Records().size(), before);
}

TEST_F(Asking, TheChainHoldsAcrossARestartWithCheckpointsInIt) {
  for (int i = 0; i < 200; ++i) world.Do(Join{kNews, IdOf(1)}, By(static_cast<uint8_t>(i)));
  world.Restart(seconds(1));
  world.Do(Join{kNews, IdOf(1)}, By(201));
  const auto public_key = *crypto::PublicKey::FromEd25519(KeyOf()->ed25519().last(32));
  audit::Hash hash{};
  uint64_t sequence = 0;
  size_t checkpoints = 0;
  size_t starts = 0;
  for (const audit::Record& record : Records()) {
    EXPECT_EQ(record.sequence, ++sequence);
    EXPECT_EQ(audit::ChainHash(hash, record), record.hash);
    hash = record.hash;
    starts += size_t{record.method == audit::kStart};
    if (record.method != audit::kCheckpoint) continue;
    ++checkpoints;
    EXPECT_TRUE(audit::CheckSignature(public_key, record));
  }
  EXPECT_EQ(starts, 2U);
  EXPECT_GE(checkpoints, 3U);
  EXPECT_EQ(world.durable.audit.sequence, sequence);
  EXPECT_EQ(world.durable.audit.hash, hash);
}

TEST_F(Asking, AStartIsOnRecordAsSoonAsItCanBe) {
  const auto has_start = [](const Step& step) {
    return std::any_of(step.changes.begin(), step.changes.end(), [](const auto& change) {
      const auto* audited = std::get_if<rekey::Audited>(&change);
      return audited != nullptr && audited->record.method == audit::kRollback;
    });
  };
  Controller core({std::string(kServer), {}, {}, world.core->config().audit}, world.durable,
                  *world.rng, crypto::DefaultSuite());
  core.HoldRecords(true);
  EXPECT_FALSE(has_start(core.Start(world.now, true)));
  EXPECT_FALSE(has_start(core.Tick(world.now)));
  EXPECT_TRUE(core.Checkpoint(world.now).changes.empty());
  core.HoldRecords(false);
  EXPECT_LE(core.NextDeadline(), world.now);
  EXPECT_TRUE(has_start(core.Tick(world.now)));
  EXPECT_FALSE(has_start(core.Tick(world.now))) << "once";
  core.Reload(world.durable, world.now);  // its commit failed
  EXPECT_TRUE(has_start(core.Tick(world.now)));
}

TEST_F(Asking, AStopSignsTheEnd) {
  world.Do(Join{kNews, IdOf(1)}, By(1));
  world.Do(Join{kNews, IdOf(1)}, By(2));
  world.Deliver(world.core->Checkpoint(world.now));
  EXPECT_EQ(Records().back().method, audit::kCheckpoint);
  const size_t count = Records().size();
  world.Deliver(world.core->Checkpoint(world.now));
  EXPECT_EQ(Records().size(), count) << "once";
}

TEST_F(Asking, WhatIsRecordedIsSignedTenMinutesAfterTheLastCheckpoint) {
  world.Do(Join{kNews, IdOf(1)}, By(1));
  world.Deliver(world.core->Checkpoint(world.now));
  world.Do(Join{kNews, IdOf(1)}, By(2));
  const size_t count = Records().size();
  world.Pass(minutes(9));
  EXPECT_EQ(Records().size(), count);
  world.Pass(minutes(2));
  ASSERT_EQ(Records().size(), count + 1);
  EXPECT_EQ(Records().back().method, audit::kCheckpoint);
  world.Pass(minutes(30));
  EXPECT_EQ(Records().size(), count + 1) << "nothing new to sign";
}

TEST_F(Asking, QuotasCountWhatIsInTheScope) {
  Asker by = By(1);
  by.request.reset();
  by.scope.is_whole = false;
  by.scope.allows = {"studio-*"};
  by.quota = {1, 2};
  groups::Channel channel = NewsChannel();
  channel.id = ChannelId("studio-a");
  channel.key_group = KeyGroup(8);
  world.Do(CreateChannel{channel}, by);
  channel.id = ChannelId("studio-b");
  channel.key_group = KeyGroup(9);
  const Failure failure = world.Refused(CreateChannel{channel}, by);
  EXPECT_EQ(failure.error, Error::kQuotaExceeded);
  EXPECT_EQ(failure.limit.name, "principal:operator:alice");
  EXPECT_EQ(failure.limit.allows, "channels: 1");

  CreateMembers members{ChannelId("studio-a"), {}};
  for (int i = 1; i <= 3; ++i) {
    NewMember member;
    member.member.subscriber = IdOf(i);
    member.member.msk_endpoint = EndpointOf(i);
    members.members.push_back(member);
  }
  EXPECT_EQ(world.Refused(members, by).error, Error::kQuotaExceeded);
  members.members.pop_back();
  world.Do(members, by);
}

TEST_F(Asking, WhoMayNotSeeAChannelIsNotToldItsName) {
  Asker by = By(1);
  by.request.reset();
  groups::Channel channel = NewsChannel();
  channel.id = ChannelId("studio-a");
  EXPECT_EQ(world.Refused(CreateChannel{channel}, by).violations.at(0).description,
            "is used by channels/news");
  by.scope.is_whole = false;
  by.scope.allows = {"studio-*"};
  EXPECT_EQ(world.Refused(CreateChannel{channel}, by).violations.at(0).description,
            "is used by another channel");
}

TEST(Scope, HasIdsAndBeginnings) {
  EXPECT_TRUE(Scope{}.Has(ChannelId("any")));
  const Scope scope{false, {"one", "studio-*"}};
  EXPECT_TRUE(scope.Has(ChannelId("one")));
  EXPECT_TRUE(scope.Has(ChannelId("studio-a")));
  EXPECT_FALSE(scope.Has(ChannelId("one-more")));
  EXPECT_FALSE(scope.Has(ChannelId("studi")));
  EXPECT_FALSE((Scope{false, {}}.Has(ChannelId("one"))));
}

}  // namespace
}  // namespace keymast::controller
