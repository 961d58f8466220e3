// SPDX-License-Identifier: Apache-2.0
// What an exchange says of the descriptions that it belongs to (MIKEYv2 §12).
#include "tests/unit/mikey/v2_world.h"

namespace keymast::mikey::v2 {
namespace {

const Bytes kSession(20, 0x77);

Wish WithSession(Wish wish) {
  wish.session = kSession;
  return wish;
}

Wish InSdp(Wish wish) {
  wish.sdp_ids = AsBytes("mikey");
  return WithSession(wish);
}

TEST(Version2InSdp, AnAnswerHasTheSessionOfItsCap) {
  World world;
  const Bytes answer = world.ToAnswerer(world.Open(WithSession(world.Session())));
  Message message;
  ASSERT_TRUE(ParseMessage(answer, message));
  const auto told = ReadCapabilities(*message.Get<CapPayload>());
  ASSERT_TRUE(told);
  EXPECT_TRUE(Equal(told->session, kSession));
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(answer)));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
}

TEST(Version2InSdp, ACapThereHasItsListAndNoPadding) {
  World world;
  const Bytes cap = world.Open(InSdp(world.Session()));
  EXPECT_LT(cap.size(), kMinFirstCap);
  Message message;
  ASSERT_TRUE(ParseMessage(cap, message));
  EXPECT_EQ(message.Get<PaddingPayload>(), nullptr);
  const auto* ids = message.Get<ExtPayload>();
  ASSERT_NE(ids, nullptr);
  EXPECT_EQ(ids->ext_type, ExtType::kSdpIds);
  EXPECT_EQ(AsText(ids->data), "mikey");
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(cap))));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
}

TEST(Version2InSdp, ACapThereIsNeverAnsweredByRetry) {
  World world;
  world.answerer_.set_under_load(true);
  const Bytes cap = world.Open(InSdp(world.Session()));
  world.ToAnswerer(cap);
  EXPECT_EQ(world.answered_.event, Answerer::Event::kNone);
  world.answerer_.set_in_signalling(true);
  world.ToAnswerer(cap);
  EXPECT_EQ(world.answered_.event, Answerer::Event::kAnswered);
}

}  // namespace
}  // namespace keymast::mikey::v2
