// SPDX-License-Identifier: Apache-2.0
// Who left, or was removed, comes back by FRESH of its own, or by a finish where that brings the
// keys: a recorded CAP brings nobody back (MIKEYv2 §8).
#include "tests/unit/controller/joins.h"

namespace keymast::controller {
namespace {

struct ComesBack : Joins, testing::WithParamInterface<Mode> {
  // Joined is the CAP of a member that joined by it.
  Bytes Joined(Mode mode) {
    Receiver receiver(world, 1, mode);
    Bytes cap = receiver.Cap();
    receiver.Take(receiver.Ask(receiver.Take(receiver.Ask(cap))));
    EXPECT_EQ(receiver.state(), State::kDone);
    return cap;
  }
  // Replayed is what a recorded CAP brings.
  Bytes Replayed(const Bytes& cap) {
    Receiver thief(world, 1, GetParam());
    thief.address = EndpointOf(66);
    Bytes reply = thief.Ask(cap);
    EXPECT_TRUE(thief.step.changes.empty());
    return reply;
  }
  void JoinsAgain() {
    Receiver receiver(world, 1, GetParam());
    if (mikey::v2::IsLate(GetParam())) {
      receiver.Run();
      EXPECT_EQ(receiver.state(), State::kDone);
      return;
    }
    const Bytes first = receiver.Cap();
    const Bytes retry = receiver.Ask(first);
    ASSERT_EQ(static_cast<mikey::DataType>(retry[1]), mikey::DataType::kRetry);
    EXPECT_LE(retry.size(), first.size());
    const Bytes second = receiver.Take(retry);
    receiver.Take(receiver.Ask(receiver.Take(receiver.Ask(second))));
    EXPECT_EQ(receiver.state(), State::kDone);
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, ComesBack,
                         testing::Values(Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac));

TEST_P(ComesBack, AfterALeave) {
  const Bytes cap = Joined(GetParam());
  world.Do(Leave{kNews, IdOf(1)});
  world.Pass(minutes(1));
  const Bytes reply = Replayed(cap);
  ASSERT_FALSE(reply.empty());
  const bool is_late = mikey::v2::IsLate(GetParam());
  EXPECT_EQ(static_cast<mikey::DataType>(reply[1]),
            is_late ? mikey::DataType::kDhhmacRespV2 : mikey::DataType::kRetry);
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).HoldsKeys());
  JoinsAgain();
}

TEST_P(ComesBack, AfterARemoval) {
  const Bytes cap = Joined(GetParam());
  world.Do(Expel{kNews, {IdOf(1)}});
  groups::Member member;
  member.subscriber = IdOf(1);
  member.msk_endpoint = EndpointOf(1);
  world.Do(CreateMembers{kNews, {{member, false}}});
  world.Pass(minutes(1));
  world.Restart(seconds(1));
  Replayed(cap);
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).HoldsKeys());
  JoinsAgain();
}

TEST_P(ComesBack, AfterTheSubscriberWasMadeAnewWithItsKey) {
  const Bytes cap = Joined(GetParam());
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  world.Pass(minutes(1));
  world.AddMembers(1, 1, false);
  world.members.clear();
  world.Restart(seconds(1));
  Replayed(cap);
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).HoldsKeys());
  JoinsAgain();
  // Who is new needs none.
  world.AddMembers(9, 9, false);
  world.members.clear();
  Receiver other(world, 9, GetParam());
  other.Take(other.Ask(other.Take(other.Ask(other.Cap()))));
  EXPECT_EQ(other.state(), State::kDone);
}

struct ByFresh : ComesBack {};
INSTANTIATE_TEST_SUITE_P(Modes, ByFresh, testing::Values(Mode::kPsk, Mode::kEarlyDhhmac));

TEST_P(ByFresh, OfThisLeaveAlone) {
  Joined(GetParam());
  world.Do(Leave{kNews, IdOf(1)});
  Receiver receiver(world, 1, GetParam());
  const Bytes second = receiver.Take(receiver.Ask(receiver.Cap()));
  receiver.Take(receiver.Ask(receiver.Take(receiver.Ask(second))));
  ASSERT_EQ(receiver.state(), State::kDone);
  world.Pass(minutes(1));
  EXPECT_TRUE(Replayed(second).empty()) << "its TH is remembered";
  world.Do(Leave{kNews, IdOf(1)});
  Replayed(second);
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).HoldsKeys());
}

TEST_P(ByFresh, OfTheKeysBefore) {
  Joined(GetParam());
  world.Do(Leave{kNews, IdOf(1)});
  Receiver back(world, 1, GetParam());
  back.Run();
  ASSERT_EQ(back.state(), State::kDone);
  const uint64_t retries = counters().retries;
  Receiver again(world, 1, GetParam());
  const ByteView fresh = back.offerer.fresh();
  again.fresh.assign(fresh.begin(), fresh.end());
  again.Run();
  EXPECT_EQ(again.state(), State::kDone);
  EXPECT_EQ(counters().retries, retries) << "what KEYS gave is good at once";
}

TEST_F(ComesBack, OthersNeedNone) {
  Joined(Mode::kPsk);
  world.Do(Leave{kNews, IdOf(1)});
  Receiver other(world, 2, Mode::kPsk);
  other.Take(other.Ask(other.Take(other.Ask(other.Cap()))));
  EXPECT_EQ(other.state(), State::kDone);
  EXPECT_EQ(counters().retries, 0U);
}

}  // namespace
}  // namespace keymast::controller
