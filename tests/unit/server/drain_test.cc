// SPDX-License-Identifier: Apache-2.0
// A stop answers everything that was decided, refuses what comes after, and closes the store.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "served.h"

namespace keymast::server {
namespace {

class DrainTest : public Served {
 protected:
  // Answers reads what is there until the connection is over or nothing more comes.
  static std::vector<core::CoreReply> Answers(CoreClient& client) {
    std::vector<core::CoreReply> answers;
    while (auto reply = client.Receive(Duration(0))) answers.push_back(std::move(*reply));
    return answers;
  }
};

TEST_F(DrainTest, AnswersEverythingThatWasDecided) {
  store_.Gate(true);
  for (int i = 0; i < 30; ++i) Send(client_, NewSubscriber("s" + std::to_string(i)));
  Turn();
  EXPECT_TRUE(Answers(client_).empty());
  store_.Gate(false);
  server_.Drain();
  const auto answers = Answers(client_);
  ASSERT_EQ(answers.size(), 30U);
  for (const core::CoreReply& answer : answers) EXPECT_TRUE(answer.has_subscriber());
  EXPECT_EQ(store_.Load()->subscribers.size(), 30U);
  EXPECT_TRUE(store_.closed());
}

TEST_F(DrainTest, WhatCameTooLateIsToldToComeBack) {
  Send(client_, NewSubscriber("late"));  // in the socket, not read yet
  Send(client_, Ask("list_subscribers {}"));
  server_.Drain();
  const auto answers = Answers(client_);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].error().reason(), "draining");
  EXPECT_GT(answers[0].error().retry_after_ms(), 0U);
  EXPECT_TRUE(answers[1].has_list_subscribers());
  EXPECT_TRUE(store_.Load()->subscribers.empty());
}

TEST_F(DrainTest, NobodyElseIsLetIn) {
  server_.Drain();
  EXPECT_EQ(CoreClient::Connect(folder_ + "/core.sock").error(), Error::kUnavailable);
  EXPECT_NE(access((folder_ + "/core.sock").c_str(), F_OK), 0);
}

TEST_F(DrainTest, AnAnswerLongerThanASocketsBufferArrives) {
  Must(NewSubscribers(1000));
  core::CoreRequest list = Ask("list_subscribers { page_size: 1000 }");
  for (int i = 0; i < 10; ++i) Send(client_, list);
  size_t answers = 0;
  std::thread reader([&] {
    for (; answers < 10; ++answers) {
      if (!client_.Receive()) return;
    }
  });
  server_.Drain();
  reader.join();
  EXPECT_EQ(answers, 10U);
}

TEST_F(DrainTest, AClientThatDoesNotReadHoldsNothingUp) {
  Must(NewSubscribers(1000));
  for (int i = 0; i < 30; ++i) Send(client_, Ask("list_subscribers { page_size: 1000 }"));
  server_.Drain();
  EXPECT_TRUE(store_.closed());
}

TEST_F(DrainTest, AClientThatIsGoneHoldsNothingUp) {
  Must(NewSubscribers(1000));
  CoreClient leaver = Connect();
  for (int i = 0; i < 30; ++i) Send(leaver, Ask("list_subscribers { page_size: 1000 }"));
  shutdown(leaver.fd(), SHUT_RDWR);
  server_.Drain();
  EXPECT_TRUE(store_.closed());
}

TEST_F(DrainTest, NothingIsWrittenBehindACleanClose) {
  MakeChannel("news");
  AddHeadend("north", "news");
  const Headend north("north", headend_keys_.at("north"));
  CoreClient stream = Connect();
  Send(stream, north.First(5));
  Send(stream, north.Proof(5, Next(stream)));
  const core::CoreReply definition = Next(stream);
  const v1::TrafficKeyBox box = Next(stream).headend_directive().key();
  core::CoreRequest report =
      Ask("headend_report { positions { channel: \"channels/news\" ssrc: 7 index: 70000 msk_id: " +
          std::to_string(box.msk_id()) + " mtk_id: " + std::to_string(box.mtk_id()) + " } }");
  report.set_call(5);
  Send(stream, report);  // comes with the last requests
  Send(stream, Ask("list_headends {}"));
  server_.Drain();
  const auto answers = Answers(stream);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(answers[0].has_list_headends());
  EXPECT_TRUE(store_.closed());
  EXPECT_TRUE(store_.Load()->channels.at(ChannelId("news")).positions.empty());
  EXPECT_EQ(store_.commits_behind_close(), 0U);
}

TEST_F(DrainTest, AFailureOnTheWayIsAnswered) {
  store_.Gate(true);
  Send(client_, NewSubscriber("ada"));
  Turn();
  store_.LetThrough(Error::kIo);
  server_.Drain();
  const auto answers = Answers(client_);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].error().reason(), "store_closed");
  EXPECT_FALSE(store_.closed()) << "a store that failed is not closed as if all were well";
}

TEST_F(DrainTest, WithoutSpaceTheStoreIsClosedAllTheSame) {
  store_.Gate(true);
  Send(client_, NewSubscriber("ada"));
  Turn();
  store_.LetThrough(Error::kNoSpace);
  server_.Drain();
  EXPECT_EQ(Answers(client_).at(0).error().reason(), "no_space");
  EXPECT_TRUE(store_.closed());
}

}  // namespace
}  // namespace keymast::server
