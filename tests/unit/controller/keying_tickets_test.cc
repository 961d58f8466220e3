// SPDX-License-Identifier: Apache-2.0
// Tickets of joins: given, taken once, and what makes them void.
#include "tests/unit/controller/joins.h"

namespace keymast::controller {
namespace {

using mikey::v2::kTicketFeature;
using mikey::v2::Resumption;

KeyingConfig AllModes() {
  KeyingConfig config = KeyingWith();
  for (const Mode mode : {Mode::kEarlyDh, Mode::kDh}) {
    config.policy.modes.Add(static_cast<uint8_t>(mode));
  }
  config.ticket_life = hours(2);
  config.ticket_key_period = hours(1);
  return config;
}

struct Tickets : Joins {
  Tickets() : Joins(AllModes()) { Use(ServerCredentials()); }

  // Get is the ticket that a join leaves.
  Resumption Get(int member, Mode mode, const mikey::v2::Credentials* credentials = nullptr) {
    Receiver receiver(world, member, mode, kMskMessages | kTicketFeature, credentials);
    receiver.Run();
    EXPECT_EQ(receiver.state(), State::kDone);
    EXPECT_TRUE(receiver.offerer.resumption().has_value());
    return receiver.offerer.resumption().value_or(Resumption());
  }
  std::unique_ptr<Receiver> With(const Resumption& ticket, Mode mode, int member = 1) {
    auto receiver = std::make_unique<Receiver>(world, member, mode, kMskMessages | kTicketFeature);
    receiver->resume = &ticket;
    return receiver;
  }
  void Opens(const Resumption& ticket, Mode mode, int member = 1) {
    const auto receiver = With(ticket, mode, member);
    receiver->Run();
    EXPECT_EQ(receiver->state(), State::kDone);
    EXPECT_TRUE(receiver->offerer.has_keys());
  }
  void OpensNothing(const Resumption& ticket, Mode mode, int member = 1) {
    const auto receiver = With(ticket, mode, member);
    EXPECT_TRUE(receiver->Ask(receiver->Cap()).empty());
    EXPECT_TRUE(receiver->step.changes.empty());
  }
};

TEST_F(Tickets, AreGivenToWhoTakesThem) {
  Receiver without(world, 1, Mode::kPsk);
  without.Run();
  EXPECT_FALSE(without.offerer.resumption().has_value());
  EXPECT_TRUE(world.durable.tickets.keys.empty());
  const Resumption ticket = Get(1, Mode::kPsk);
  EXPECT_EQ(world.durable.tickets.keys.size(), 1U) << "before the ticket leaves";
  EXPECT_LE(ticket.ticket.size(), 512U);
  EXPECT_EQ(counters().tickets_given, 1U);
}

TEST_F(Tickets, OpenOneExchangeEach) {
  const Resumption first = Get(1, Mode::kPsk);
  const auto receiver = With(first, Mode::kPsk);
  const Bytes cap = receiver->Cap();
  const Bytes answer = receiver->Ask(cap);
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(world.durable.tickets.spent.size(), 1U) << "in the step of the answer";
  EXPECT_EQ(receiver->Ask(cap), answer) << "from the cache";
  receiver->Take(receiver->Ask(receiver->Take(answer)));
  ASSERT_EQ(receiver->state(), State::kDone);
  OpensNothing(first, Mode::kPsk);
  world.Pass(minutes(1));
  EXPECT_TRUE(receiver->Ask(cap).empty()) << "the cache has forgotten it";
  Opens(*receiver->offerer.resumption(), Mode::kPsk);
  EXPECT_EQ(counters().tickets_taken, 2U);
  EXPECT_EQ(counters().tickets_refused, 2U);
}

// The copy of a CAP that came faster from elsewhere gets the answer, and so does the true one.
TEST_F(Tickets, ACopyFromElsewhereBurnsNone) {
  for (const Mode mode : {Mode::kPsk, Mode::kEarlyDhhmac}) {
    const Resumption ticket = Get(1, mode);
    const auto receiver = With(ticket, mode);
    const Bytes cap = receiver->Cap();
    Receiver elsewhere(world, 1, mode);
    elsewhere.address = EndpointOf(99);
    const Bytes answer = elsewhere.Ask(cap);
    ASSERT_FALSE(answer.empty());
    EXPECT_EQ(receiver->Ask(cap), answer);
    receiver->Take(receiver->Ask(receiver->Take(answer)));
    EXPECT_EQ(receiver->state(), State::kDone);
    EXPECT_EQ(world.channel().members.at(IdOf(1)).msk_endpoint, EndpointOf(1));
  }
}

// MIKEYv2 §10: no R of such a member is held.
TEST_F(Tickets, OfACertificateBringNothingUnasked) {
  constexpr uint32_t kFeatures = kTicketFeature | 1U << 6;
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver first(world, 1, Mode::kDh, kFeatures, &credentials);
  first.Run();
  ASSERT_TRUE(first.offerer.resumption().has_value());
  Receiver again(world, 1, Mode::kEarlyDhhmac, kFeatures);
  const Resumption ticket = *first.offerer.resumption();
  again.resume = &ticket;
  again.Run();
  ASSERT_EQ(again.state(), State::kDone);
  const size_t before = world.of_version2.size();
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(seconds(1));
  EXPECT_EQ(world.of_version2.size(), before);
  EXPECT_TRUE(world.MsksTo(1).empty());
}

TEST_F(Tickets, OfADhKindDoNotHangOnTheSealingKeyAlone) {
  Resumption ticket = Get(1, Mode::kEarlyDhhmac);
  ticket.is_dh = false;  // a receiver that knows no better
  const auto receiver = With(ticket, Mode::kPsk);
  receiver->Run();
  EXPECT_EQ(receiver->state(), State::kFailed);
  EXPECT_EQ(receiver->offerer.peer_error(), mikey::ErrorNumber::kInvalidDt);
  EXPECT_TRUE(world.durable.tickets.spent.empty());
  Opens(ticket, Mode::kDhhmac);
}

TEST_F(Tickets, ServeTheirMemberAlone) {
  Resumption ticket = Get(1, Mode::kPsk);
  ticket.offerer = mikey::OwnedIdentity({mikey::IdType::kNai, AsBytes(IdentityOf(2))});
  const auto receiver = With(ticket, Mode::kPsk, 2);
  EXPECT_TRUE(receiver->Ask(receiver->Cap()).empty());
}

TEST_F(Tickets, OutliveARestart) {
  const Resumption first = Get(1, Mode::kPsk);
  const Resumption second = Get(2, Mode::kDhhmac);
  Opens(first, Mode::kPsk);
  world.Restart(seconds(5));
  OpensNothing(first, Mode::kPsk);
  Opens(second, Mode::kDhhmac, 2);
}

TEST_F(Tickets, AFailedCommitSpendsNone) {
  const Resumption ticket = Get(1, Mode::kPsk);
  const rekey::State before = world.durable;
  Opens(ticket, Mode::kPsk);
  world.durable = before;
  world.core->Reload(before, world.now);
  Opens(ticket, Mode::kPsk);
}

TEST_F(Tickets, NoneIsSpentThatCannotBeKept) {
  const Resumption ticket = Get(1, Mode::kPsk);
  world.core->Freeze(true, world.now);
  OpensNothing(ticket, Mode::kPsk);
  world.core->Freeze(false, world.now);
  Opens(ticket, Mode::kPsk);
}

TEST_F(Tickets, OfADeletedSubscriberAreVoid) {
  const Resumption ticket = Get(1, Mode::kPsk);
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  OpensNothing(ticket, Mode::kPsk);
  world.Pass(seconds(1));
  world.AddMembers(1, 1, false);  // the same name and the same key
  world.members.clear();
  OpensNothing(ticket, Mode::kPsk);
}

TEST_F(Tickets, OfAnotherUserKeyAreVoid) {
  const Resumption ticket = Get(1, Mode::kPsk);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(71)});
  world.members.clear();
  OpensNothing(ticket, Mode::kPsk);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(1)});
  OpensNothing(ticket, Mode::kPsk);
}

TEST_F(Tickets, BringNothingToWhoIsNotEntitledAnyMore) {
  const Resumption ticket = Get(1, Mode::kPsk);
  world.Do(Expel{kNews, {IdOf(1)}});
  const auto receiver = With(ticket, Mode::kPsk);
  receiver->Run();
  EXPECT_EQ(receiver->state(), State::kFailed);
  EXPECT_EQ(receiver->offerer.peer_error(), mikey::ErrorNumber::kInvalidId);
  EXPECT_FALSE(receiver->offerer.has_keys());
}

TEST_F(Tickets, EndWithTheEntitlement) {
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_until = world.now + minutes(30);
  world.Do(UpdateMember{kNews, member, {}});
  EXPECT_LE(Get(1, Mode::kPsk).expiry, world.now + minutes(30));
  member = world.channel().members.at(IdOf(1));
  member.entitled_until = world.now + seconds(30);
  world.Do(UpdateMember{kNews, member, {}});
  Receiver receiver(world, 1, Mode::kPsk, kMskMessages | kTicketFeature);
  receiver.Run();
  EXPECT_EQ(receiver.state(), State::kDone);
  EXPECT_FALSE(receiver.offerer.resumption().has_value()) << "not worth one";
}

TEST_F(Tickets, AreForgottenWhenTheyHaveEnded) {
  Opens(Get(1, Mode::kPsk), Mode::kPsk);
  const Resumption late = Get(1, Mode::kPsk);
  ASSERT_EQ(world.durable.tickets.spent.size(), 1U);
  world.Pass(minutes(119));
  EXPECT_EQ(world.durable.tickets.spent.size(), 1U);
  world.Pass(minutes(3));
  EXPECT_TRUE(world.durable.tickets.spent.empty());
  OpensNothing(late, Mode::kPsk);
  world.Pass(hours(1));
  EXPECT_TRUE(world.durable.tickets.keys.empty()) << "no ticket under it is left";
}

TEST_F(Tickets, SealingKeysRotateAcrossARestart) {
  const Resumption first = Get(1, Mode::kPsk);
  world.Pass(minutes(61));
  const Resumption second = Get(2, Mode::kPsk);
  EXPECT_EQ(world.durable.tickets.keys.size(), 2U);
  EXPECT_NE(first.ticket[0], second.ticket[0]) << "the number of the key";
  world.Restart(seconds(5));
  const Resumption third = Get(3, Mode::kPsk);
  EXPECT_EQ(third.ticket[0], second.ticket[0]);
  Opens(first, Mode::kPsk, 1);
  Opens(second, Mode::kPsk, 2);
}

TEST_F(Tickets, AreVoidWhenCommitsMayBeLost) {
  Get(1, Mode::kPsk);
  const auto changes = rekey::SkipLost(world.durable, 1, rekey::SkipLimit::kNone);
  for (const rekey::Change& change : changes) rekey::Apply(world.durable, change);
  EXPECT_TRUE(world.durable.tickets.keys.empty());
}

TEST_F(Tickets, OfACertificateEndWithIt) {
  crypto::CertificateRecipe recipe = CertificateOf(1);
  recipe.until = 1800;
  const auto credentials = CredentialsOf(recipe);
  Resumption ticket = Get(1, Mode::kEarlyDh, &credentials);
  EXPECT_LE(ticket.expiry, kBegin + seconds(1800));
  const auto receiver = With(ticket, Mode::kDhhmac);
  receiver->Run();
  ASSERT_TRUE(receiver->offerer.resumption().has_value());
  EXPECT_LE(receiver->offerer.resumption()->expiry, kBegin + seconds(1800)) << "nor the next one";
}

TEST_F(Tickets, OfACertificateBringNothingWhenItIsRevokedMeanwhile) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  for (const Mode mode : {Mode::kDhhmac, Mode::kEarlyDhhmac}) {
    const Resumption ticket = Get(1, Mode::kDh, &credentials);
    const auto receiver = With(ticket, mode);
    const Bytes finish = receiver->Take(receiver->Ask(receiver->Cap()));
    ASSERT_FALSE(finish.empty());
    Use(ServerCredentials({101}));
    EXPECT_TRUE(receiver->Ask(finish).empty());
    EXPECT_FALSE(receiver->offerer.resumption().has_value());
    Use(ServerCredentials());
  }
}

TEST_F(Tickets, OfACertificateAreVoidWhenTrustIsTakenAway) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  const Resumption revoked = Get(1, Mode::kDh, &credentials);
  const Resumption other = Get(2, Mode::kDhhmac);
  Use(ServerCredentials({}, 20 * 86400));  // a newer list that says the same
  Opens(revoked, Mode::kDhhmac);
  const Resumption next = Get(1, Mode::kDh, &credentials);
  Use(ServerCredentials({101}));
  OpensNothing(next, Mode::kDhhmac);
  Opens(other, Mode::kDhhmac, 2);
}

TEST_F(Tickets, AClockThatWentFarBackCostsOneKey) {
  const Resumption ahead = Get(1, Mode::kPsk);
  world.Restart(-hours(24 * 30));
  Use(ServerCredentials());
  OpensNothing(ahead, Mode::kPsk);
  for (int i = 0; i < 5; ++i) {
    Opens(Get(2, Mode::kPsk), Mode::kPsk, 2);
    world.Pass(seconds(10));
  }
  EXPECT_EQ(world.durable.tickets.keys.size(), 1U);
  world.Pass(minutes(61));
  Opens(Get(2, Mode::kPsk), Mode::kPsk, 2);
  EXPECT_EQ(world.durable.tickets.keys.size(), 2U);
}

TEST_F(Tickets, AClockThatWentBackALittleGoesOnWithItsKey) {
  const Resumption ticket = Get(1, Mode::kPsk);
  world.Restart(-minutes(5));
  Use(ServerCredentials());
  Opens(ticket, Mode::kPsk);
  Get(2, Mode::kPsk);
  EXPECT_EQ(world.durable.tickets.keys.size(), 1U);
}

TEST_F(Tickets, AreSpentForEverWhateverTheClockSays) {
  const Resumption ticket = Get(1, Mode::kPsk);
  Opens(ticket, Mode::kPsk);
  world.Pass(hours(2) + minutes(3));
  ASSERT_TRUE(world.durable.tickets.spent.empty());
  ASSERT_FALSE(world.durable.tickets.keys.empty()) << "its key is still there";
  world.Restart(-minutes(5));
  Use(ServerCredentials());
  OpensNothing(ticket, Mode::kPsk);
  Opens(Get(1, Mode::kPsk), Mode::kPsk);
}

TEST_F(Tickets, AMemberHasItsShare) {
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    Resumption ticket = Get(1, Mode::kPsk);
    const auto receiver = With(ticket, Mode::kPsk);
    taken += receiver->Ask(receiver->Cap()).empty() ? 0 : 1;
    world.Pass(seconds(2));
  }
  EXPECT_LT(taken, 70);
  EXPECT_GE(taken, 64);
  Opens(Get(2, Mode::kPsk), Mode::kPsk, 2);
  world.Pass(minutes(5));
  Opens(Get(1, Mode::kPsk), Mode::kPsk);
}

TEST_F(Tickets, OfACertificateServeNobodyWhenAListIsPast) {
  Use(ServerCredentials({}, 600));
  const auto credentials = CredentialsOf(CertificateOf(1));
  const Resumption ticket = Get(1, Mode::kDh, &credentials);
  const Resumption other = Get(2, Mode::kDhhmac);
  world.Pass(minutes(11));
  OpensNothing(ticket, Mode::kDhhmac);
  Opens(other, Mode::kDhhmac, 2);
  Use(ServerCredentials({}, 20 * 86400));
  Opens(ticket, Mode::kDhhmac);
}

}  // namespace
}  // namespace keymast::controller
