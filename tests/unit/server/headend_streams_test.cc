// SPDX-License-Identifier: Apache-2.0
// TrafficKeys streams: who a headend is, what it is told, and when that ends.
#include "served.h"

namespace keymast::server {
namespace {

class HeadendStreamsTest : public Served {
 protected:
  HeadendStreamsTest() {
    MakeChannel("news");
    MakeChannel("sports");
    AddHeadend("north", "news");
  }
  Headend North() const { return {"north", headend_keys_.at("north")}; }
  static core::CoreRequest Report(uint64_t call, const std::string& text = {}) {
    core::CoreRequest request = Ask("headend_report { " + text + " }");
    request.set_call(call);
    return request;
  }
  // Prove ends when the headend has its channel and its key.
  v1::TrafficKeyBox Prove(CoreClient& client, uint64_t call, bool has_state = true) {
    Send(client, North().First(call));
    core::CoreRequest proof = North().Proof(call, Next(client));
    if (has_state) {
      v1::KeptIndex& kept = *proof.mutable_headend_report()->add_kept();
      kept.set_channel("channels/news");
      const v1::Channel channel = Must(R"(get_channel { name: "channels/news" })").channel();
      *kept.mutable_create_time() = channel.create_time();
      kept.set_ssrc(7);
      kept.set_end(1000);
      kept.set_msk_id(UINT32_MAX);  // has seen every MTK
      kept.set_mtk_id(UINT16_MAX);
    }
    Send(client, proof);
    const core::CoreReply channel = Next(client);
    EXPECT_EQ(channel.headend_directive().definition().channel().name(), "channels/news");
    EXPECT_EQ(channel.call(), call);
    const core::CoreReply key = Next(client);
    EXPECT_TRUE(key.headend_directive().has_key()) << key.ShortDebugString();
    return key.headend_directive().key();
  }
  size_t Connected() { return server_.shard().parts().headends.connected(); }
  std::string Held(const v1::TrafficKeyBox& box) {
    return "held { channel: \"channels/news\" msk_id: " + std::to_string(box.msk_id()) +
           " mtk_id: " + std::to_string(box.mtk_id()) + " }";
  }
};

TEST_F(HeadendStreamsTest, AHeadendThatProvesItselfGetsItsChannelsAndKeys) {
  const v1::TrafficKeyBox box = Prove(client_, 5);
  EXPECT_EQ(box.channel(), "channels/news");
  EXPECT_TRUE(North().Opens(box));
  EXPECT_TRUE(Quiet(client_));
  EXPECT_EQ(Connected(), 1U);
  EXPECT_TRUE(Must(R"(get_headend { name: "headends/north" })").headend().connected());
}

TEST_F(HeadendStreamsTest, AHeadendThatIsNotEnrolledIsRefused) {
  for (const char* name : {"headends/south", "north", ""}) {
    Send(client_, Report(5, std::string("headend: \"") + name + "\""));
    const core::CoreReply reply = Next(client_);
    EXPECT_EQ(reply.error().reason(), "not_found");
    EXPECT_TRUE(reply.last());
  }
}

TEST_F(HeadendStreamsTest, AWrongProofEndsTheStream) {
  const std::string zeros(32, '\0');
  for (const std::string& proof : {std::string(), std::string("short"), zeros}) {
    Send(client_, North().First(5));
    EXPECT_TRUE(Next(client_).headend_directive().has_challenge());
    core::CoreRequest answer = Report(5);
    answer.mutable_headend_report()->set_proof(proof);
    Send(client_, answer);
    const core::CoreReply reply = Next(client_);
    EXPECT_EQ(reply.error().reason(), "unauthenticated");
    EXPECT_TRUE(reply.last());
  }
  EXPECT_EQ(Connected(), 0U);
  EXPECT_EQ(server_.shard().parts().headends.refused(), 3U);
}

TEST_F(HeadendStreamsTest, AStreamWithoutAProofIsEndedAndAProvedOneStays) {
  Send(client_, North().First(5));
  EXPECT_TRUE(Next(client_).headend_directive().has_challenge());
  clock_.now += HeadendStreams::kProvesWithin - milliseconds(1);
  EXPECT_TRUE(Quiet(client_));
  CoreClient proved = Connect();
  Prove(proved, 6);
  clock_.now += milliseconds(1);
  const core::CoreReply reply = Next(client_);
  EXPECT_EQ(reply.call(), 5U);
  EXPECT_EQ(reply.error().reason(), "unauthenticated");
  EXPECT_TRUE(reply.last());
  clock_.now += HeadendStreams::kProvesWithin;
  Turn();
  EXPECT_EQ(Connected(), 1U);
  EXPECT_EQ(server_.shard().parts().headends.refused(), 1U);
  EXPECT_EQ(server_.shard().parts().headends.NextDeadline(), kNever);
}

TEST_F(HeadendStreamsTest, AProofAnswersOnlyItsOwnChallenge) {
  Send(client_, North().First(5));
  const core::CoreReply first = Next(client_);
  CoreClient other = Connect();
  Send(other, North().First(5));
  Next(other);
  Send(other, North().Proof(5, first));
  EXPECT_EQ(Next(other).error().reason(), "unauthenticated");
}

TEST_F(HeadendStreamsTest, ASecondConnectionTakesOver) {
  CoreClient first = Connect();
  Prove(first, 5);
  CoreClient second = Connect();
  Prove(second, 6);
  const core::CoreReply reply = Next(first);
  EXPECT_EQ(reply.error().reason(), "in_use");
  EXPECT_TRUE(reply.last());
  EXPECT_EQ(Connected(), 1U);
  // That the first one goes does not end the second one.
  first = Connect();
  Turn();
  EXPECT_EQ(Connected(), 1U);
  EXPECT_TRUE(Must(R"(get_headend { name: "headends/north" })").headend().connected());
  Must(R"(rekey_now { channel: "channels/news" level: MTK })");
  EXPECT_TRUE(Next(second).headend_directive().has_key());
}

TEST_F(HeadendStreamsTest, ATakeOverNeedsAProof) {
  CoreClient first = Connect();
  Prove(first, 5);
  CoreClient second = Connect();
  Send(second, North().First(6));
  EXPECT_TRUE(Next(second).headend_directive().has_challenge());
  Must(R"(rekey_now { channel: "channels/news" level: MTK })");
  EXPECT_TRUE(Next(first).headend_directive().has_key());
  EXPECT_TRUE(Quiet(second));
}

TEST_F(HeadendStreamsTest, AnUpdatedChannelIsNotToldAnewUnlessItMatters) {
  Prove(client_, 5);
  CoreClient operator_ = Connect();
  Call(operator_, Ask(R"(update_channel { channel { name: "channels/news" display_name: "N" } })"));
  EXPECT_TRUE(Quiet(client_));
}

// A headend counts by the period how long it may go on alone, and cuts by the datagram's limit.
TEST_F(HeadendStreamsTest, AnUpdatedPolicyIsToldAtOnce) {
  Prove(client_, 5);
  CoreClient operator_ = Connect();
  const core::CoreReply updated =
      Call(operator_, Ask(R"(update_channel { channel { name: "channels/news"
                               policy { mtk_period { seconds: 40 } max_datagram: 1300 } } })"));
  ASSERT_TRUE(updated.has_channel()) << updated.ShortDebugString();
  const core::CoreReply reply = Next(client_);
  const v1::Channel& channel = reply.headend_directive().definition().channel();
  EXPECT_EQ(channel.name(), "channels/news");
  EXPECT_EQ(channel.policy().mtk_period().seconds(), 40);
  EXPECT_EQ(channel.policy().max_datagram(), 1300U);
  EXPECT_TRUE(Quiet(client_));
}

TEST_F(HeadendStreamsTest, ADeletedChannelIsDropped) {
  Prove(client_, 5);
  CoreClient operator_ = Connect();
  Call(operator_, Ask(R"(delete_channel { name: "channels/news" })"));
  EXPECT_EQ(Next(client_).headend_directive().dropped_channel(), "channels/news");
}

// The directive was held and never sent: the next deletion must say it.
TEST_F(HeadendStreamsTest, AChannelWhoseDeletionFailedIsDroppedByTheNext) {
  Prove(client_, 5);
  CoreClient operator_ = Connect();
  const core::CoreRequest remove = Ask(R"(delete_channel { name: "channels/news" })");
  store_.Gate(true);
  Send(operator_, remove);
  Settle(Error::kConflict);
  EXPECT_TRUE(Next(operator_).has_error());
  EXPECT_TRUE(Quiet(client_));
  store_.Gate(false);
  EXPECT_TRUE(Call(operator_, remove).has_delete_channel());
  EXPECT_EQ(Next(client_).headend_directive().dropped_channel(), "channels/news");
}

TEST_F(HeadendStreamsTest, ADeletedHeadendIsCutOff) {
  Prove(client_, 5);
  CoreClient operator_ = Connect();
  Call(operator_, Ask(R"(delete_headend { name: "headends/north" })"));
  const core::CoreReply reply = Next(client_);
  EXPECT_EQ(reply.error().reason(), "not_found");
  EXPECT_TRUE(reply.last());
  EXPECT_EQ(Connected(), 0U);
}

TEST_F(HeadendStreamsTest, EndsWithItsCallAndWithItsConnection) {
  CoreClient first = Connect();
  Prove(first, 5);
  core::CoreRequest cancel = Ask("cancel {}");
  cancel.set_call(5);
  Send(first, cancel);
  Turn();
  EXPECT_EQ(Connected(), 0U);
  CoreClient second = Connect();
  Prove(second, 5);
  second = Connect();
  Turn();
  EXPECT_EQ(Connected(), 0U);
  EXPECT_FALSE(Must(R"(get_headend { name: "headends/north" })").headend().connected());
}

TEST_F(HeadendStreamsTest, IsGivenOnlyWhatItLacks) {
  const v1::TrafficKeyBox box = Prove(client_, 5);
  client_ = Connect();
  Send(client_, North().First(7));
  core::CoreRequest proof = North().Proof(7, Next(client_));
  *proof.mutable_headend_report()->mutable_held() = Report(7, Held(box)).headend_report().held();
  Send(client_, proof);
  EXPECT_TRUE(Next(client_).headend_directive().has_definition());
  EXPECT_TRUE(Quiet(client_));
}

TEST_F(HeadendStreamsTest, PositionsAreKeptAndNeverGoBack) {
  const v1::TrafficKeyBox box = Prove(client_, 5);
  const auto position = [&](uint64_t index) {
    return Report(5, "positions { channel: \"channels/news\" ssrc: 7 msk_id: " +
                         std::to_string(box.msk_id()) + " mtk_id: " + std::to_string(box.mtk_id()) +
                         " index: " + std::to_string(index) + " }");
  };
  const auto kept = [&] {
    const auto state = store_.Load();
    const auto& positions = state->channels.at(ChannelId("news")).positions;
    const auto found = positions.find(Ssrc(7));
    return found == positions.end() ? 0 : found->second.index.value;
  };
  Send(client_, position(70'000));
  EXPECT_TRUE(Until([&] {
    Turn();
    return kept() == 70'000;
  }));
  Send(client_, position(5));
  Send(client_, position(uint64_t{1} << 48));  // beyond RFC 3711
  EXPECT_TRUE(Quiet(client_));
  EXPECT_EQ(kept(), 70'000U);
  client_ = Connect();
  Send(client_, North().First(7));
  Send(client_, North().Proof(7, Next(client_)));
  const core::CoreReply reply = Next(client_);
  const v1::ChannelDefinition& definition = reply.headend_directive().definition();
  ASSERT_EQ(definition.positions_size(), 1);
  EXPECT_EQ(definition.positions(0).ssrc(), 7U);
  EXPECT_EQ(definition.positions(0).index(), 70'000U);
}

TEST_F(HeadendStreamsTest, OneThatLostItsStateIsGivenAnotherMtk) {
  const v1::TrafficKeyBox first = Prove(client_, 5);
  client_ = Connect();
  EXPECT_EQ(Prove(client_, 5).mtk_id(), first.mtk_id());
  client_ = Connect();
  const v1::TrafficKeyBox second = Prove(client_, 5, false);
  EXPECT_GT(second.mtk_id(), first.mtk_id());
  EXPECT_TRUE(North().Opens(second));
  client_ = Connect();
  EXPECT_EQ(Prove(client_, 5).mtk_id(), second.mtk_id()) << "and never the first one again";
}

TEST_F(HeadendStreamsTest, ReportsAreNotTakenWhileNothingCanBeKept) {
  Prove(client_, 5, false);
  store_.LetThrough(Error::kIo);
  CoreClient operator_ = Connect();
  EXPECT_EQ(Call(operator_, NewSubscriber("ada")).error().reason(), "store_closed");
  Send(client_, Report(5,
                       "positions { channel: \"channels/news\" ssrc: 7 msk_id: 65537 "
                       "mtk_id: 1 index: 70000 }"));
  EXPECT_TRUE(Quiet(client_));
  const auto& news = server_.shard().controller().state().channels.at(ChannelId("news"));
  EXPECT_TRUE(news.positions.empty());
}

}  // namespace
}  // namespace keymast::server
