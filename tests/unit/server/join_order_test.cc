// SPDX-License-Identifier: Apache-2.0
// Answers to joins by MIKEYv2 wait for the keys-given mark (MIKEYv2 §7).
#include "mikey/v2/offerer.h"
#include "served.h"

namespace keymast::server {
namespace {

using mikey::v2::Mode;

mikey::v2::Policy PolicyOf(Mode mode) {
  mikey::v2::Policy policy = mikey::v2::Policy::Default();
  policy.modes.clear();
  policy.modes.Add(static_cast<uint8_t>(mode));
  return policy;
}

controller::KeyingConfig Keying() {
  controller::KeyingConfig keying;
  keying.policy = PolicyOf(Mode::kPsk);
  keying.authority = "example.org";
  keying.exchanges = 64;
  return keying;
}

class JoinOrderTest : public Served {
 protected:
  JoinOrderTest() : Served(Keying()) {
    MakeChannel("news");
    Must(NewSubscriber("eve"));
    Must(R"(create_member { parent: "channels/news" member_id: "eve"
            member { msk_endpoint: "127.0.0.1:2271" } })");
  }
  Bytes Cap() {
    const std::array<uint8_t, 16> user_key{1, 2, 3, 'e', 'v', 'e'};
    mikey::v2::Wish wish;
    wish.self = {mikey::IdType::kNai, AsBytes(std::string_view("eve@example.org"))};
    wish.peer = {mikey::IdType::kUri, AsBytes(std::string_view("mikey://example.org/news"))};
    wish.psk = user_key;
    wish.join.emplace();
    Bytes out(mikey::v2::kMaxOneDatagram);
    out.resize(offerer_.Open(wish, clock_.now, rng_, out).value_or(0));
    return out;
  }
  void Arrive(const Bytes& datagram) {
    port_.arrived.push_back(datagram);
    server_.shard().ReceiveDatagrams();
    Turn();
  }
  std::vector<Bytes> Answers() const {
    std::vector<Bytes> answers;
    for (const controller::Datagram& one : port_.sent) {
      if (one.octets[0] == mikey::kVersion2) answers.push_back(one.octets);
    }
    return answers;
  }
  bool IsMarked() {
    const auto state = store_.Load();
    return state->channels.at(ChannelId("news")).members.at(SubscriberId("eve")).given != MskId{};
  }

  mikey::v2::Policy policy_ = PolicyOf(Mode::kPsk);
  mikey::v2::Offerer offerer_{crypto::DefaultSuite(), policy_};
};

TEST_F(JoinOrderTest, AnAnswerWaitsForItsMarkAndSoDoesItsRepetition) {
  const Bytes cap = Cap();
  store_.Gate(true);
  Arrive(cap);
  store_.WaitForCommit();
  Arrive(cap);
  EXPECT_TRUE(Answers().empty());
  EXPECT_FALSE(IsMarked());
  Settle();
  const std::vector<Bytes> answers = Answers();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_TRUE(IsMarked());
  store_.Gate(false);
  Bytes finish(mikey::v2::kMaxOneDatagram);
  finish.resize(offerer_.Receive(answers[0], clock_.now, rng_, finish).send);
  Arrive(finish);
  EXPECT_TRUE(Until([&] { return Answers().size() == 3; }));
  EXPECT_TRUE(Must(R"(get_member { name: "channels/news/members/eve" })").member().joined());
}

TEST_F(JoinOrderTest, AnAnswerWhoseMarkFailedNeverLeaves) {
  const Bytes cap = Cap();
  store_.Gate(true);
  Arrive(cap);
  Settle(Error::kConflict);
  EXPECT_TRUE(Answers().empty());
  EXPECT_FALSE(IsMarked());
  store_.Gate(false);
  Arrive(cap);
  EXPECT_TRUE(Until([&] { return Answers().size() == 1; }));
  EXPECT_TRUE(IsMarked());
}

// What an ERROR tells may be taken back.
TEST_F(JoinOrderTest, AnErrorWaitsForTheRemovalThatItRestsOn) {
  const Bytes cap = Cap();
  store_.Gate(true);
  Send(client_,
       Ask(R"(expel_members { parent: "channels/news" names: "channels/news/members/eve" })"));
  Turn();
  store_.WaitForCommit();
  Arrive(cap);
  EXPECT_TRUE(Answers().empty());
  Settle(Error::kConflict);
  EXPECT_TRUE(Answers().empty());
  store_.Gate(false);
  Arrive(cap);
  ASSERT_TRUE(Until([&] { return Answers().size() == 1; }));
  EXPECT_EQ(Answers()[0][1], static_cast<uint8_t>(mikey::DataType::kPskResp));
}

TEST_F(JoinOrderTest, WithoutSpaceNothingIsAnswered) {
  const Bytes cap = Cap();
  store_.FailAll(Error::kNoSpace);
  Arrive(cap);
  EXPECT_TRUE(Until([&] { return server_.shard().Frozen(); }));
  Arrive(cap);
  EXPECT_TRUE(Answers().empty());
  store_.FailAll(std::nullopt);
  Pass(seconds(2));
  EXPECT_TRUE(Until([&] { return !server_.shard().Frozen(); }));
  Arrive(cap);
  EXPECT_TRUE(Until([&] { return Answers().size() == 1; }));
}

TEST_F(JoinOrderTest, DatagramsThatCostMuchWaitForTheNextTurn) {
  port_.arrived.assign(1000, Bytes{2, 241});
  server_.shard().ReceiveDatagrams();
  EXPECT_TRUE(port_.arrived.empty());
  port_.arrived.assign(1000, Bytes{2, 241});
  clock_.per_look = std::chrono::microseconds(200);
  server_.shard().ReceiveDatagrams();
  clock_.per_look = {};
  EXPECT_GT(port_.arrived.size(), 800U);
  EXPECT_LT(port_.arrived.size(), 1000U);
}

}  // namespace
}  // namespace keymast::server
