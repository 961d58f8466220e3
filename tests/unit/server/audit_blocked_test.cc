// SPDX-License-Identifier: Apache-2.0
// What a second place of the audit log that takes no records does to operators, and to keys.
#include "served.h"

namespace keymast::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const char kExpelBob[] =
    R"(expel_members { parent: "channels/news" names: "channels/news/members/bob" })";
constexpr char kFull[] = "audit_sink /srv/audit: cannot be written (No space left on device)";

class AuditBlocked : public Served {
 protected:
  AuditBlocked() : Served({}, true) {
    MakeChannel("news");
    AddMember("news", "ada");
    AddMember("news", "bob");
  }
  static core::CoreRequest AsAlice(core::CoreRequest request) {
    request.set_principal("operator:alice");
    request.set_method("Members.ExpelMembers");
    return request;
  }
  core::CoreError Block() {
    store_.RefuseRecords(kFull);
    return Refused(AsAlice(Ask(kExpelBob)));
  }
  const rekey::ChannelState& news() const {
    return server_.shard().controller().state().channels.at(ChannelId("news"));
  }
  std::vector<std::string> NotReady() {
    const v1::ServerStatus status = StatusOf();
    return {status.not_ready().begin(), status.not_ready().end()};
  }
};

TEST_F(AuditBlocked, WhatItDoesNotTakeIsNotDone) {
  const core::CoreError error = Block();
  EXPECT_EQ(error.reason(), "audit_blocked");
  EXPECT_EQ(error.message(), std::string(kFull) + "; nothing was changed");
  EXPECT_EQ(error.retry_after_ms(), 1000U);
  EXPECT_TRUE(news().members.contains(SubscriberId("bob")));
  EXPECT_FALSE(news().ladder.next_msk);
  EXPECT_EQ(StatusOf().store_state(), v1::OPEN);
  EXPECT_THAT(NotReady(), Contains("audit_blocked"));
}

TEST_F(AuditBlocked, OperatorsAreRefusedAtOnceAndToldWhy) {
  Block();
  Turn();
  EXPECT_TRUE(Until([&] {
    const auto& why = server_.shard().CannotRecord();
    return why && why->message == kFull;
  }));
  store_.Gate(true);  // nothing is committed for it
  const core::CoreError error = Refused(AsAlice(Ask(kExpelBob)));
  EXPECT_EQ(error.reason(), "audit_blocked");
  EXPECT_EQ(error.message(), kFull);
  // What changes nothing is served.
  EXPECT_EQ(Must(R"(list_members { parent: "channels/news" })").list_members().members_size(), 2);
}

TEST_F(AuditBlocked, KeysGoOnToBeMadeAndSent) {
  Block();
  const rekey::Slot active = *news().ladder.active;
  const MskId msk = news().ladder.msk->id;
  port_.sent.clear();
  Pass(std::chrono::hours(2));
  EXPECT_GE(port_.Mtks("news"), 1000U);
  EXPECT_NE(*news().ladder.active, active);
  EXPECT_GT(news().ladder.msk->id, msk);
  EXPECT_EQ(Refused(AsAlice(Ask(kExpelBob))).reason(), "audit_blocked");
  EXPECT_THAT(NotReady(), testing::ElementsAre("audit_blocked"));
}

// As long as a file is given what the store has, piece by piece.
TEST_F(AuditBlocked, CommitsAreMadeBetweenTheProbes) {
  Block();
  store_.RefuseRecords("is being given what the store has", Error::kUnavailable);
  const rekey::Slot active = *news().ladder.active;
  port_.sent.clear();
  Pass(std::chrono::minutes(10));
  EXPECT_GE(port_.Mtks("news"), 100U);
  EXPECT_TRUE(Until([&] { return *news().ladder.active != active; }));
}

TEST_F(AuditBlocked, ARequestThatWasCarriedOutIsAnsweredAgain) {
  const std::string expel = std::string(kExpelBob).insert(
      sizeof "expel_members {" - 1, R"( request_id: "5f0c4a52-9c4b-4f6e-8f7e-2f8e3a1b9c01")");
  const core::CoreReply first = Must(AsAlice(Ask(expel)));
  store_.RefuseRecords(kFull);
  EXPECT_EQ(Refused(AsAlice(Ask(R"(expel_members { parent: "channels/news"
                                                  names: "channels/news/members/ada" })")))
                .reason(),
            "audit_blocked");
  const core::CoreReply again = Must(AsAlice(Ask(expel)));
  EXPECT_EQ(again.expel_members().remaining(), first.expel_members().remaining());
  EXPECT_EQ(again.expel_members().msk_id(), first.expel_members().msk_id());
}

TEST_F(AuditBlocked, ChangesAreTakenAgainOnceRecordsAre) {
  Block();
  Pass(milliseconds(2100));
  store_.RefuseRecords(std::nullopt);
  Pass(milliseconds(1100));
  EXPECT_TRUE(Until([&] { return !server_.shard().CannotRecord(); }));
  EXPECT_THAT(NotReady(), Not(Contains("audit_blocked")));
  EXPECT_EQ(Must(AsAlice(Ask(kExpelBob))).expel_members().remaining(), 1U);
  const auto records = store_.Audit(0, SIZE_MAX);
  uint64_t sequence = 0;
  for (const audit::Record& record : *records) EXPECT_EQ(record.sequence, ++sequence);
}

// It is decided with the command, in one batch: it is forgotten and decided again.
TEST_F(AuditBlocked, ATickInTheRefusedBatchIsMadeUpFor) {
  store_.Gate(true);
  const rekey::Slot active = *news().ladder.active;
  Send(client_, Ask(R"(rekey_now { channel: "channels/news" level: MTK })"));
  Turn();
  store_.WaitForCommit();
  store_.RefuseRecords(kFull);
  Send(client_, AsAlice(Ask(kExpelBob)));
  Turn();
  store_.LetThrough();
  store_.LetThrough(Error::kAuditBlocked);
  EXPECT_TRUE(Until([&] { return server_.shard().CannotRecord().has_value(); }));
  store_.Gate(false);
  Pass(seconds(30));
  EXPECT_NE(*news().ladder.active, active);
  EXPECT_TRUE(news().members.contains(SubscriberId("bob")));
}

TEST_F(AuditBlocked, AStopDoesNotWaitForIt) {
  Block();
  server_.Drain();
  EXPECT_TRUE(store_.closed());
}

}  // namespace
}  // namespace keymast::server
