// SPDX-License-Identifier: Apache-2.0
// Whether the server is ready, as its status says, under real causes.
#include "served.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StandingTest : public Served {
 protected:
  std::vector<std::string> NotReady() {
    const v1::ServerStatus status = StatusOf();
    EXPECT_EQ(status.ready(), status.not_ready().empty());
    return {status.not_ready().begin(), status.not_ready().end()};
  }
};

TEST_F(StandingTest, AServerWhoseKeysFollowEachOtherIsReady) {
  EXPECT_THAT(NotReady(), IsEmpty());
  MakeChannel("news");
  AddMember("news", "ada");
  for (int i = 0; i < 60; ++i) {
    Pass(milliseconds(700));
    EXPECT_THAT(NotReady(), IsEmpty()) << i;
  }
}

TEST_F(StandingTest, AStoreThatFailedIsToldAtOnceAndItsKeysWhenTheyRunOut) {
  MakeChannel("news");
  store_.LetThrough(Error::kIo);
  EXPECT_EQ(Refused(NewSubscriber("ada")).reason(), "store_closed");
  EXPECT_THAT(NotReady(), ElementsAre("store_closed"));
  Pass(seconds(30));
  EXPECT_THAT(NotReady(), ElementsAre("store_closed", "key_expires"));
}

TEST_F(StandingTest, WithoutSpaceItIsNotReadyUntilThereIsSome) {
  MakeChannel("news");
  store_.LetThrough(Error::kNoSpace);
  EXPECT_EQ(Refused(NewSubscriber("ada")).reason(), "no_space");
  EXPECT_THAT(NotReady(), ElementsAre("no_space"));
  Pass(seconds(2));
  EXPECT_TRUE(Until([&] { return NotReady().empty(); }));
}

TEST_F(StandingTest, AClockThatIsUnsureIsToldUntilItIsSure) {
  clock_view_.unsure = true;
  EXPECT_THAT(NotReady(), ElementsAre("clock_unsure"));
  clock_view_.unsure = false;
  EXPECT_THAT(NotReady(), IsEmpty());
}

TEST_F(StandingTest, ASwitchThatWaitsForAHeadendIsNotTheServersFault) {
  MakeChannel("news");
  AddHeadend("north", "news");
  Pass(seconds(60));
  EXPECT_THAT(NotReady(), IsEmpty());
}

}  // namespace
}  // namespace keymast::server
