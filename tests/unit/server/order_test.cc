// SPDX-License-Identifier: Apache-2.0
// Decide, apply, append, sync, release: nothing that follows from a change leaves before its
// commit, whatever kind of thing it is, and what follows from none does not wait.
#include "served.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;

const char kGetNews[] = R"(get_channel { name: "channels/news" })";

class OrderTest : public Served {
 protected:
  OrderTest() {
    MakeChannel("news");
    AddMember("news", "ada");
    AddMember("news", "bob");
    AddHeadend("north", "news");
  }
  // ConnectHeadend ends when the headend has been told its channel.
  void ConnectHeadend(CoreClient& client) {
    const Headend headend("north", headend_keys_.at("north"));
    Send(client, headend.First(100));
    Send(client, headend.Proof(100, Next(client)));
    EXPECT_TRUE(Next(client).headend_directive().has_definition());
    EXPECT_TRUE(Next(client).headend_directive().has_key());
  }
  void Hold() { store_.Gate(true); }
  void ExpectInOrder(bool multicast) const {
    Instant last{};
    for (const controller::Datagram& sent : port_.sent) {
      if (sent.to.IsMulticast() != multicast) continue;
      EXPECT_GE(sent.due, last);
      last = sent.due;
    }
  }
};

TEST_F(OrderTest, EverythingThatFollowsFromAChangeWaitsForItsCommit) {
  CoreClient headend = Connect();
  ConnectHeadend(headend);
  CoreClient watcher = Connect();
  Send(watcher, Ask("watch {}"));
  Turn();
  port_.sent.clear();
  Hold();
  Send(client_,
       Ask(R"(expel_members { parent: "channels/news" names: "channels/news/members/bob" })"));
  EXPECT_TRUE(Quiet(client_));  // the answer
  store_.WaitForCommit();
  EXPECT_TRUE(Quiet(headend));  // boxes
  EXPECT_TRUE(Quiet(watcher));  // events
  EXPECT_TRUE(port_.sent.empty());

  Settle();
  EXPECT_EQ(Next(client_).expel_members().remaining(), 1U);
  EXPECT_TRUE(Next(headend).headend_directive().has_key());
  EXPECT_EQ(Next(watcher).event().kind(), v1::Event::EXPELLED);
  EXPECT_GE(port_.Msks("news"), 1U);
  EXPECT_GE(port_.Mtks("news"), 1U);
}

TEST_F(OrderTest, WhatFailedToBecomeDurableNeverLeaves) {
  CoreClient watcher = Connect();
  Send(watcher, Ask("watch {}"));
  Turn();
  port_.sent.clear();
  Hold();
  Send(client_,
       Ask(R"(expel_members { parent: "channels/news" names: "channels/news/members/bob" })"));
  Turn();
  Settle(Error::kConflict);
  EXPECT_EQ(Next(client_).error().reason(), "conflict");
  EXPECT_TRUE(Quiet(watcher));
  const auto& news = server_.shard().controller().state().channels.at(ChannelId("news"));
  EXPECT_TRUE(news.members.contains(SubscriberId("bob")));
  EXPECT_FALSE(news.ladder.next_msk);
}

TEST_F(OrderTest, OneSyncServesAllThatWait) {
  Hold();
  Send(client_, NewSubscriber("s0"));
  Turn();
  store_.WaitForCommit();
  const size_t before = store_.batches().size();
  for (int i = 1; i <= 5; ++i) Send(client_, NewSubscriber("s" + std::to_string(i)));
  Settle();
  EXPECT_TRUE(Next(client_).has_subscriber());
  EXPECT_TRUE(Quiet(client_));
  Settle();
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(Next(client_).subscriber().name(), "subscribers/s" + std::to_string(i));
  }
  const std::vector<size_t> batches = store_.batches();
  EXPECT_THAT(std::vector<size_t>(batches.begin() + static_cast<ptrdiff_t>(before), batches.end()),
              ElementsAre(1, 5));
}

TEST_F(OrderTest, RepetitionsOfOtherChannelsPassWhileACommitWaits) {
  MakeChannel("sports");
  Pass(seconds(1));
  Hold();
  Send(client_, Ask(R"(rekey_now { channel: "channels/news" level: MTK })"));
  Turn();
  store_.WaitForCommit();
  port_.sent.clear();
  Pass(seconds(1));
  EXPECT_GE(port_.Mtks("sports"), 2U);
  EXPECT_EQ(port_.Mtks("news"), 0U);
  Settle();
  EXPECT_GE(port_.Mtks("news"), 1U);
}

TEST_F(OrderTest, ARepetitionDoesNotOvertakeOneThatWaits) {
  Pass(seconds(1));
  Hold();
  Send(client_, Ask(R"(rekey_now { channel: "channels/news" level: MTK })"));
  Turn();
  store_.WaitForCommit();
  Send(client_, NewSubscriber("cyd"));  // another batch, which nothing of the channel rests on
  port_.sent.clear();
  Pass(seconds(1));
  EXPECT_EQ(port_.Mtks("news"), 0U);
  Settle();
  const size_t before = port_.Mtks("news");
  Pass(seconds(1));
  Settle();
  EXPECT_GE(port_.Mtks("news"), before + 2);
  ExpectInOrder(true);
}

// A disk that hangs in a commit keeps back what rests on that one alone.
TEST_F(OrderTest, ARepetitionWaitsForNoCommitOfAnotherChannel) {
  MakeChannel("sports");
  Pass(seconds(1));
  Hold();
  Send(client_, Ask(R"(rekey_now { channel: "channels/news" level: MTK })"));
  Turn();
  store_.WaitForCommit();
  Send(client_, Ask(R"(rekey_now { channel: "channels/sports" level: MTK })"));
  Turn();
  port_.sent.clear();
  Pass(milliseconds(600));  // both are repeated, and wait
  EXPECT_EQ(port_.Mtks("news"), 0U);
  Settle();
  EXPECT_GE(port_.Mtks("news"), 1U);
  store_.WaitForCommit();  // of what sports has
  const size_t before = port_.Mtks("news");
  Pass(seconds(1));
  EXPECT_GE(port_.Mtks("news"), before + 2);
  EXPECT_EQ(port_.Mtks("sports"), 0U);
  store_.Gate(false);
  EXPECT_TRUE(Until([&] { return port_.Mtks("sports") > 0; }));
}

TEST_F(OrderTest, AMemberIsSentItsMsksInOneOrder) {
  MakeChannel("sports");
  AddMember("sports", "ada");
  Hold();
  Send(client_, Ask(R"(rekey_now { channel: "channels/news" level: MTK })"));
  Turn();
  store_.WaitForCommit();
  port_.sent.clear();
  Pass(seconds(12));  // repetitions of MSK messages in both channels: nobody confirms
  EXPECT_EQ(port_.Msks("sports"), 0U) << "COUNTERs of a user are of all channels";
  store_.Gate(false);
  EXPECT_TRUE(Until([&] { return port_.Msks("sports") > 0 && port_.Msks("news") > 0; }));
  Pass(seconds(12));
  ExpectInOrder(false);
}

TEST_F(OrderTest, AReadWaitsForWhatItShows) {
  EXPECT_EQ(Must(kGetNews).channel().display_name(), "");
  Hold();
  Send(client_,
       Ask(R"(update_channel { channel { name: "channels/news" display_name: "News" } })"));
  Turn();
  store_.WaitForCommit();
  CoreClient reader = Connect();
  Send(reader, Ask(kGetNews));
  Send(reader, Ask(R"(get_member { name: "channels/news/members/nobody" })"));
  Send(reader, Ask("get_server_status {}"));
  EXPECT_TRUE(Quiet(reader));
  Settle();
  EXPECT_EQ(Next(reader).channel().display_name(), "News");
  EXPECT_EQ(Next(reader).error().reason(), "not_found");
  EXPECT_TRUE(Next(reader).has_server_status());
}

TEST_F(OrderTest, AReadBehindAFailedChangeIsToBeAskedAgain) {
  Hold();
  Send(client_,
       Ask(R"(update_channel { channel { name: "channels/news" display_name: "News" } })"));
  Turn();
  CoreClient reader = Connect();
  Send(reader, Ask(kGetNews));
  Turn();
  Settle(Error::kNoSpace);
  EXPECT_EQ(Next(client_).error().reason(), "no_space");
  // The reader changed nothing: neither is space its concern nor what was not changed.
  const core::CoreError error = Next(reader).error();
  EXPECT_EQ(error.reason(), "unavailable");
  EXPECT_GT(error.retry_after_ms(), 0U);
  EXPECT_EQ(Call(reader, Ask(kGetNews)).channel().display_name(), "");
}

TEST_F(OrderTest, MetricsAreAnsweredWhileTheDiskHangs) {
  Hold();
  Send(client_, NewSubscriber("cyd"));
  Turn();
  store_.WaitForCommit();
  CoreClient scraper = Connect();
  Send(scraper, Ask("metrics {}"));
  EXPECT_TRUE(Next(scraper).has_metrics());
}

TEST_F(OrderTest, AHeadendIsChallengedWhenItsEnrolmentIsDurable) {
  Hold();
  const crypto::KeyPair key = crypto::MakeKeyPair(rng_);
  core::CoreRequest request = Ask(R"(create_headend { headend_id: "south" })");
  request.mutable_create_headend()->mutable_headend()->set_public_key(
      std::string(AsText(key.public_key)));
  Send(client_, std::move(request));
  Turn();
  store_.WaitForCommit();
  CoreClient stream = Connect();
  Send(stream, Headend("south", key).First(5));
  EXPECT_TRUE(Quiet(stream));
  Settle();
  EXPECT_TRUE(Next(stream).headend_directive().has_challenge());
}

TEST_F(OrderTest, TheMemoryOfHeldAnswersIsBounded) {
  Must(NewSubscribers(1000));
  Hold();
  Send(client_, NewSubscriber("cyd"));
  Turn();
  store_.WaitForCommit();
  CoreClient reader = Connect();
  const core::CoreRequest list = Ask("list_subscribers { page_size: 1000 }");
  std::optional<core::CoreError> refused;
  for (int i = 0; i < 1000 && !refused; ++i) {
    Send(reader, list);
    Turn();
    if (const auto reply = reader.Receive(Duration(0))) refused = reply->error();
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->reason(), "too_many_requests");
  EXPECT_GT(refused->retry_after_ms(), 0U);
  Settle();
  EXPECT_TRUE(Next(client_).has_subscriber());
  EXPECT_TRUE(Call(client_, list).has_list_subscribers());
}

}  // namespace
}  // namespace keymast::server
