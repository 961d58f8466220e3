// SPDX-License-Identifier: Apache-2.0
// RETRYs at an Offerer of MIKEYv2 (§2): nothing proves them, so that whoever is in the way forges
// them.
#include "mikey/v2/messages.h"
#include "tests/unit/mikey/v2_world.h"

namespace keymast::mikey::v2 {
namespace {

class Retries : public testing::Test {
 protected:
  Bytes Retry(std::string_view cookie, ByteView fresh = {}) const {
    const Exchange& exchange = world_.offerer_.exchange();
    Bytes out(kMaxOneDatagram);
    out.resize(*WriteRetry(exchange.csb_id, exchange.rand_i.view(), AsBytes(cookie), fresh, out));
    return out;
  }
  // A RETRY with another cookie: whether it is followed.
  bool IsFollowed() { return !world_.ToOfferer(Retry(std::to_string(++cookies_))).empty(); }
  // FRESH of the CAP that answers a RETRY.
  Bytes FreshBehind(const Bytes& retry) {
    const Bytes cap = world_.ToOfferer(retry);
    Message message;
    EXPECT_TRUE(ParseMessage(cap, message));
    const auto offer = ReadCapabilities(*message.Get<CapPayload>());
    EXPECT_TRUE(offer);
    return {offer->fresh.begin(), offer->fresh.end()};
  }

  World world_;
  int cookies_ = 0;
};

TEST_F(Retries, BeyondThreeAreFollowedOncePerWait) {
  world_.Open(world_.Session());
  for (size_t i = 0; i < kRetriesAtOnce; ++i) EXPECT_TRUE(IsFollowed()) << i;
  size_t followed = kRetriesAtOnce;
  while (world_.offerer_.state() == Offerer::State::kOffered) {
    EXPECT_TRUE(IsFollowed());
    EXPECT_FALSE(IsFollowed());
    ++followed;
    world_.Tick();
  }
  EXPECT_EQ(followed, kMaxRetries);
}

// So an exchange ends, whatever comes.
TEST_F(Retries, BeyondThreeBeginNoWaitAnew) {
  world_.Open(world_.Session());
  for (size_t i = 0; i < kRetriesAtOnce; ++i) EXPECT_TRUE(IsFollowed());
  const Instant deadline = world_.offerer_.deadline();
  world_.now_ += std::chrono::milliseconds(100);
  EXPECT_TRUE(IsFollowed());
  EXPECT_EQ(world_.offerer_.deadline(), deadline);
}

TEST_F(Retries, ThatAreForgedDoNotKeepOutATrueOne) {
  world_.answerer_.set_under_load(true);
  const Bytes retry = world_.ToAnswerer(world_.Open(world_.Session()));
  for (size_t i = 0; i < kRetriesAtOnce; ++i) EXPECT_TRUE(IsFollowed());
  const Bytes answer = world_.ToAnswerer(world_.ToOfferer(retry));
  ASSERT_EQ(world_.answered_.event, Answerer::Event::kAnswered);
  EXPECT_TRUE(IsFollowed() || !world_.Tick().empty());
  EXPECT_TRUE(IsFollowed());                                      // another one meanwhile
  world_.ToOfferer(world_.ToAnswerer(world_.ToOfferer(answer)));  // it keeps every TH
  EXPECT_EQ(world_.offerer_.state(), Offerer::State::kDone);
}

TEST_F(Retries, ThatAreForgedDoNotTakeFreshAway) {
  const Bytes own(kFreshSize, 1);
  const Bytes forged(kFreshSize, 2);
  Wish wish = world_.Session();
  wish.fresh = own;
  world_.Open(wish);
  EXPECT_EQ(FreshBehind(Retry("forged", forged)), forged);
  EXPECT_TRUE(world_.ToOfferer(Retry("forged")).empty());  // the same cookie
  EXPECT_EQ(FreshBehind(Retry("true")), own);
}

}  // namespace
}  // namespace keymast::mikey::v2
