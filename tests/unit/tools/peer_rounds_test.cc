// SPDX-License-Identifier: Apache-2.0
#include "peer_world.h"

namespace keymast::tools {
namespace {

using enum sdp::Direction;
using State = PeerCall::State;

// In a later round the other side may talk on under the keys before: it has not got the finish.
TEST(PeerRounds, MediaUnderTheKeysBeforeConfirmsNothing) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.TalkBoth(2);
  world.loses_finishes_ = true;
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  EXPECT_EQ(world.alice_.state(), State::kUp);
  world.Wait(world.alice_, [&] { world.Talk(world.bob_, 1); });
  EXPECT_GT(world.alice_.media().streams()[0].received, 2u);
  EXPECT_EQ(world.alice_.state(), State::kFailed);
  EXPECT_EQ(world.alice_.failure().message, "unconfirmed: unavailable");
}

TEST(PeerRounds, TheAnswererAddsAStream) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.TalkBoth(5);
  const std::string before = ToHex(world.alice_.keys()[0].key.master_key.view());
  world.AddStreams({kRecvOnly});
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
  EXPECT_EQ(world.bob_.state(), State::kUp);
  EXPECT_EQ(world.alice_.state(), State::kUp);
  ASSERT_EQ(world.alice_.keys().size(), 3u);
  EXPECT_EQ(world.alice_.keys()[0].key.mki.size(), 4u);  // MIKEYv2 §9: streams that run have MKIs
  EXPECT_TRUE(world.alice_.keys()[0].at);
  EXPECT_FALSE(world.alice_.keys()[2].at);
  for (const PeerCall* side : {&world.alice_, &world.bob_}) {
    EXPECT_TRUE(side->is_resumed());
    EXPECT_EQ(side->mode(), mikey::v2::Mode::kPsk);  // no key is agreed on again
  }
  world.TalkBoth(7);
  EXPECT_EQ(HeardBy(world.alice_), "12/12 7/7 ");
  EXPECT_EQ(HeardBy(world.bob_), "12/12 0/0 ");
  // And the first side once more.
  world.AddStreams({kSendOnly});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  world.TalkBoth(1);
  EXPECT_EQ(HeardBy(world.bob_), "13/13 0/0 1/1 ");
  EXPECT_TRUE(world.alice_.is_resumed());  // by the ticket of the second round
}

TEST(PeerRounds, MediaGoesOnWhileAnotherRoundIsOpen) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  ASSERT_TRUE(world.alice_.TakeOffer(*world.bob_.Offer(world.now_), world.now_));
  world.TalkBoth(3);
  EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "3/3 3/3 ");
  ASSERT_TRUE(world.bob_.TakeAnswer(*world.alice_.Answer(world.now_), world.now_));
  world.TalkBoth(3);
  world.Pump();
  EXPECT_EQ(world.bob_.media().refused(), 0u);
}

// Who has lost its ticket opens as the first time.
TEST(PeerRounds, KeysThatWereLostLeaveNoTicket) {
  CallWorld world;
  world.lost_ = 3;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.Talk(world.bob_, 1);
  world.Wait(world.alice_, [&] { world.alice_.TakeOut(); });
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  EXPECT_FALSE(world.alice_.is_resumed());
  EXPECT_EQ(world.alice_.state(), State::kUp);
}

// KEYS were lost, and their ticket with them: who gave it shows it in vain, and goes on.
TEST(PeerRounds, ATicketThatNeverArrivedEndsItsRoundAlone) {
  CallWorld world;
  world.lost_ = 3;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.Talk(world.bob_, 1);
  world.Wait(world.alice_, [&] { world.alice_.TakeOut(); });
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
  EXPECT_TRUE(world.bob_.is_resumed());
  world.Wait(world.bob_, [&] { world.Pump(); });
  EXPECT_EQ(world.bob_.state(), State::kUp);
  EXPECT_EQ(world.bob_.failure().message, "no answer: unavailable");
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "3/3 2/2 ");
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.alice_.failure().message;
  EXPECT_FALSE(world.bob_.is_resumed());
  EXPECT_EQ(world.alice_.state(), State::kUp);
  EXPECT_EQ(world.bob_.failure().message, "");
  world.TalkBoth(1);
  EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "4/4 3/3 ");
}

TEST(PeerRounds, RoundsComeOneAfterTheOther) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const auto offer = world.alice_.Offer(world.now_);
  EXPECT_EQ(world.alice_.Offer(world.now_).error().error, Error::kFailedPrecondition);
  EXPECT_EQ(world.alice_.Answer(world.now_).error().error, Error::kFailedPrecondition);
  EXPECT_EQ(world.bob_.TakeAnswer(*offer, world.now_).error().error, Error::kFailedPrecondition);
  EXPECT_EQ(world.bob_.Answer(world.now_).error().error, Error::kFailedPrecondition);
  EXPECT_EQ(world.alice_.state(), State::kOffered);
  EXPECT_EQ(world.bob_.state(), State::kIdle);
}

TEST(PeerRounds, SequenceNumbersMayWrap) {
  CallWorld world;
  world.AddStreams({kSendOnly});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.Talk(world.alice_, 66000);
  EXPECT_EQ(HeardBy(world.bob_), "66000/66000 ");
  // A second exchange tells the position.
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
  world.Talk(world.alice_, 10);
  EXPECT_EQ(HeardBy(world.bob_), "66010/66010 ");
}

// An offer may be long on its way: what is told of a position is that of the answer's time.
TEST(PeerRounds, PositionsAreThoseOfTheAnswer) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.TalkBoth(1);
  ASSERT_TRUE(world.alice_.TakeOffer(*world.bob_.Offer(world.now_), world.now_));
  world.TalkBoth(70000);
  ASSERT_TRUE(world.bob_.TakeAnswer(*world.alice_.Answer(world.now_), world.now_));
  world.Pump();
  world.TalkBoth(10);
  EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "70011/70011 70011/70011 ");
}

}  // namespace
}  // namespace keymast::tools
