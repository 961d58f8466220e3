// SPDX-License-Identifier: Apache-2.0
// Modes DH and early DH of MIKEYv2: values under signatures.
#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

using crypto::KeyKind;

class DhOfVersion2 : public testing::TestWithParam<KeyKind> {
 protected:
  Certified certified{Mode::kDh, GetParam()};
  World& world = certified.world;
};
INSTANTIATE_TEST_SUITE_P(Keys, DhOfVersion2, testing::ValuesIn(kKinds), NameOfKind);

TEST_P(DhOfVersion2, LeavesBothWithOneSession) {
  for (const Shown shown : {Shown::kHash, Shown::kNothing, Shown::kCertificates}) {
    certified.Run(certified.Session(shown));
    HaveOneSession(world);
    EXPECT_EQ(world.offerer_.exchange().choice.mode, Mode::kDh);
  }
}

// MIKEYv2 §1: who has not proved itself in CAP has the group's keys after its finish.
TEST_P(DhOfVersion2, AJoinHasItsKeysAfterTheFinish) {
  const Bytes answer = world.ToAnswerer(world.Open(certified.Join(Shown::kCertificates)));
  ASSERT_TRUE(world.answered_.status) << ErrorName(world.answered_.status.error());
  EXPECT_EQ(world.others_.grants_, 0);
  const Bytes finish = world.ToOfferer(answer);
  ASSERT_TRUE(world.offered_.status) << ErrorName(world.offered_.status.error());
  EXPECT_FALSE(world.offerer_.has_keys());
  world.ToOfferer(world.ToAnswerer(finish));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  EXPECT_EQ(world.others_.grants_, 1);
  EXPECT_EQ(world.offerer_.contents().keys[1].type, KeyDataType::kMtk);
}

TEST_P(DhOfVersion2, TheUnentitledAreToldAfterTheirFinish) {
  world.others_.entitled_ = false;
  const Bytes finish = world.ToOfferer(world.ToAnswerer(world.Open(certified.Join())));
  const Bytes error = world.ToAnswerer(finish);
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kNotEntitled);
  world.ToOfferer(error);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kFailed);
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidId);
}

// CAP has no proof of its own here: what is in it is covered by the finish.
TEST_P(DhOfVersion2, EveryFlippedBitBehindCapIsDropped) {
  const size_t step = GetParam() == KeyKind::kEd25519 ? 1 : 3;
  const auto each = [step](const Bytes& datagram, auto check) {
    for (size_t bit = 0; bit < 8 * datagram.size(); bit += step) {
      Bytes flipped = datagram;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      check(flipped, bit);
    }
  };
  certified.pair.peer.shown = Shown::kHash;
  const Bytes answer = world.ToAnswerer(world.Open(certified.Session()));
  each(answer, [&](const Bytes& flipped, size_t bit) {
    EXPECT_TRUE(world.ToOfferer(flipped).empty()) << bit;
    EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered) << bit;
  });
  const Bytes finish = world.DropsEveryFlipOf(world.ToOfferer(answer), certified.Session(), step);
  world.ToOfferer(world.ToAnswerer(finish));
  HaveOneSession(world);
}

TEST_P(DhOfVersion2, AnOffererWhoseCapWasChangedIsNotVerified) {
  Bytes cap = world.Open(certified.Session(Shown::kCertificates));
  const Bytes offered = {0, 8, 0, 7};
  const auto profiles = std::search(cap.begin(), cap.end(), offered.begin(), offered.end());
  ASSERT_NE(profiles, cap.end());
  std::swap(profiles[1], profiles[3]);
  const Bytes answer = world.ToAnswerer(cap);
  ASSERT_TRUE(world.answered_.status);
  EXPECT_TRUE(world.ToOfferer(answer).empty());
  EXPECT_EQ(ReasonOf(world.offered_.status), Error::kAuthenticationFailed);
}

TEST_P(DhOfVersion2, EachGroupAgrees) {
  for (const auto group : {DhGroup::kX25519, DhGroup::kSecp256r1, DhGroup::kOakley5}) {
    world.policy_.groups.clear();
    world.policy_.groups.Add(static_cast<uint8_t>(group));
    certified.Run(certified.Session());
    HaveOneSession(world);
    EXPECT_EQ(world.offerer_.exchange().choice.group, group);
  }
}

TEST(DhPoolOfVersion2, ValuesMadeAheadServeOneExchangeEach) {
  Certified certified(Mode::kDh, KeyKind::kEd25519);
  World& world = certified.world;
  DhPool pool(*crypto::DefaultSuite().pk, 2);
  EXPECT_TRUE(pool.Make(crypto::DhGroup::kX25519, world.rng_));
  EXPECT_TRUE(pool.Make(crypto::DhGroup::kX25519, world.rng_));
  EXPECT_FALSE(pool.Make(crypto::DhGroup::kX25519, world.rng_));
  world.offerer_.use_pool(&pool);
  world.answerer_.use_pool(&pool);
  std::set<std::string> values;
  for (int i = 0; i < 3; ++i) {
    const Bytes answer = world.ToAnswerer(world.Open(certified.Session()));
    const Bytes finish = world.ToOfferer(answer);
    world.ToOfferer(world.ToAnswerer(finish));
    HaveOneSession(world);
    for (const Bytes& datagram : {answer, finish}) {
      Message message;
      ASSERT_TRUE(ParseMessage(datagram, message));
      values.insert(ToHex(message.Get<DhPayload>()->value));
    }
  }
  EXPECT_EQ(values.size(), 6u);
}

TEST(DhPoolOfVersion2, HasWhatAPolicyMayNeed) {
  crypto::SeededRng rng(1);
  DhPool pool(*crypto::DefaultSuite().pk, 2);
  Policy policy = Policy::Default();
  policy.groups.clear();
  for (const auto group : {DhGroup::kX25519, DhGroup::kSecp256r1}) {
    policy.groups.Add(static_cast<uint8_t>(group));
  }
  policy.modes.clear();
  policy.modes.Add(static_cast<uint8_t>(Mode::kRsa));
  EXPECT_FALSE(pool.HasRoom(policy));
  EXPECT_FALSE(pool.MakeAny(policy, rng));
  policy.modes.Add(static_cast<uint8_t>(Mode::kDh));
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(pool.HasRoom(policy));
    EXPECT_TRUE(pool.MakeAny(policy, rng));
  }
  EXPECT_FALSE(pool.MakeAny(policy, rng));
  EXPECT_EQ(pool.size(crypto::DhGroup::kX25519), 2u);
  EXPECT_EQ(pool.size(crypto::DhGroup::kSecp256r1), 2u);
  pool.Wipe();
  EXPECT_EQ(pool.size(crypto::DhGroup::kX25519) + pool.size(crypto::DhGroup::kSecp256r1), 0u);
}

}  // namespace
}  // namespace keymast::mikey::v2
