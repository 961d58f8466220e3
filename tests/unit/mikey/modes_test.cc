// SPDX-License-Identifier: Apache-2.0
// Every mode from the first message to equal keys, new and as update, in both sets of algorithms.
#include "tests/unit/mikey/v1_world.h"

namespace keymast::mikey {
namespace {

constexpr Mode kModes[] = {Mode::kPsk, Mode::kPk, Mode::kDh, Mode::kDhhmac, Mode::kRsar};

class Modes : public testing::TestWithParam<std::tuple<Mode, bool>> {
 protected:
  Modes() {
    if (legacy()) {
      world_.alice.policy = V1Policy::Legacy();
      world_.bob.policy = V1Policy::Legacy();
    }
    grant_.keys = {&world_.key, 1};
    grant_.policies = {&world_.policy, 1};
    if (mode() == Mode::kRsar) world_.bob.others.grant_ = grant_;
  }
  Mode mode() const { return std::get<0>(GetParam()); }
  bool legacy() const { return std::get<1>(GetParam()); }

  void Establish(const Offer& offer) {
    const Bytes answer = world_.ToBob(world_.Start(mode(), offer));
    ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
    ASSERT_FALSE(answer.empty());
    EXPECT_EQ(world_.initiator.state(), Initiator::State::kWaiting);
    const Status received = world_.initiator.Receive(answer, world_.alice_now);
    ASSERT_TRUE(received) << ErrorName(received.error());
    ASSERT_EQ(world_.initiator.state(), Initiator::State::kEstablished);
    HaveTheSame();
  }
  void Establish() { Establish(world_.OfferOf(mode())); }

  void HaveTheSame() {
    const Session& alices = world_.initiator.session();
    const Session& bobs = world_.BobsSession();
    EXPECT_EQ(alices.csb.csb_id, bobs.csb.csb_id);
    EXPECT_EQ(alices.csb.rand, bobs.csb.rand);
    EXPECT_EQ(alices.csb.sessions.size(), 2u);
    EXPECT_EQ(bobs.csb.sessions[1].roc, Roc(3));
    ASSERT_EQ(bobs.csb.policies.size(), 1u);
    EXPECT_EQ(bobs.csb.policies[0].params, world_.policy.params);
    for (const uint8_t cs_id : {uint8_t{1}, uint8_t{2}}) {
      EXPECT_NE(TekOf(alices, cs_id), "none");
      EXPECT_EQ(TekOf(alices, cs_id), TekOf(bobs, cs_id));
    }
    EXPECT_NE(TekOf(alices, 1), TekOf(alices, 2));
    EXPECT_EQ(bobs.peer.view(), kAlice);
    EXPECT_EQ(alices.peer.view(), kBob);
  }

  World world_;
  Grant grant_;
};

TEST_P(Modes, BothEndWithTheSameKeys) { Establish(); }

TEST_P(Modes, EveryFlippedBitOfTheFirstMessageIsRefused) {
  const Bytes first = world_.Start(mode());
  const size_t step = first.size() > 400 ? 7 : 1;  // signatures take their time
  for (size_t bit = 0; bit < 8 * first.size(); bit += step) {
    Bytes other = first;
    other[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    world_.ToBob(other);
    // The V flag is covered like all else; only what is no part of the message could be changed.
    ASSERT_FALSE(world_.status) << "bit " << bit;
    ASSERT_TRUE(world_.bob.others.sessions_.empty());
  }
  world_.ToBob(first);
  EXPECT_TRUE(world_.status) << "forgeries leave no trace";
}

TEST_P(Modes, EveryFlippedBitOfTheAnswerIsRefused) {
  const Bytes answer = world_.ToBob(world_.Start(mode()));
  const size_t step = answer.size() > 400 ? 7 : 1;
  for (size_t bit = 0; bit < 8 * answer.size(); bit += step) {
    Bytes other = answer;
    other[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    ASSERT_FALSE(world_.initiator.Receive(other, world_.alice_now)) << "bit " << bit;
    ASSERT_EQ(world_.initiator.state(), Initiator::State::kWaiting);
  }
  EXPECT_TRUE(world_.initiator.Receive(answer, world_.alice_now));
}

TEST_P(Modes, AMessageIsTakenOnce) {
  const Bytes first = world_.Start(mode());
  world_.ToBob(first);
  ASSERT_TRUE(world_.status);
  world_.bob.others.sessions_.clear();
  EXPECT_TRUE(world_.ToBob(first).empty());
  EXPECT_EQ(world_.status.error(), Error::kReplayed);
}

TEST_P(Modes, ClocksMayDifferByTheSkew) {
  constexpr Duration kBeyond = std::chrono::microseconds(1);
  // Ascending, since no message of a party has a timestamp before its last.
  for (const Duration off : {-kSkew - kBeyond, -kSkew, kSkew, kSkew + kBeyond}) {
    world_.alice_now = kNow + off;
    world_.bob.others.sessions_.clear();
    if (off >= -kSkew && off <= kSkew) {
      Establish();
      continue;
    }
    const Bytes answer = world_.ToBob(world_.Start(mode()));
    EXPECT_EQ(world_.status.error(), Error::kOutsideInterval);
    ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
    EXPECT_EQ(world_.initiator.peer_error()->number, ErrorNumber::kInvalidTs);
    EXPECT_FALSE(world_.initiator.peer_error()->proven);
    EXPECT_EQ(world_.initiator.state(), Initiator::State::kWaiting) << "it is a hint only";
  }
}

TEST_P(Modes, AModeThatIsOffIsNotSpoken) {
  const Bytes first = world_.Start(mode());
  world_.bob.policy.modes[static_cast<size_t>(mode())] = false;
  const Bytes answer = world_.ToBob(first);
  EXPECT_EQ(world_.status.error(), Error::kUnknownDataType);
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_EQ(world_.initiator.peer_error()->number, ErrorNumber::kInvalidDt);
  world_.alice.policy.modes[static_cast<size_t>(mode())] = false;
  Bytes out(2000);
  EXPECT_EQ(
      world_.initiator.Start(mode(), kBob, world_.OfferOf(mode()), kNow, world_.rng, out).error(),
      Error::kPolicyViolation);
}

TEST_P(Modes, OnlyForWhomItIsMeant) {
  const Bytes first = world_.Start(mode());
  world_.bob.self.identity = {IdType::kUri, AsBytes("sip:carol@example.org")};
  world_.ToBob(first);
  EXPECT_EQ(world_.status.error(), Error::kUnknownIdentity);
}

TEST_P(Modes, WhatDoesNotFitIsNotWritten) {
  Bytes out(kMaxMessage);
  const Offer offer = world_.OfferOf(mode());
  const size_t size = *world_.initiator.Start(mode(), kBob, offer, kNow, world_.rng, out);
  for (const size_t room : {size_t{0}, size_t{10}, size / 2, size - 1}) {
    EXPECT_EQ(
        world_.initiator.Start(mode(), kBob, offer, kNow, world_.rng, MutableBytes(out).first(room))
            .error(),
        Error::kTooLong);
    EXPECT_EQ(world_.initiator.state(), Initiator::State::kIdle);
  }
}

TEST_P(Modes, APolicyThatIsNotTakenEndsInAProvenError) {
  Offer offer = world_.OfferOf(mode());
  world_.policy.prot_type = ProtType::kTesla;
  CsbPolicy ours;
  ours.params = Octets<255>(Hex("000106"));
  world_.bob.others.supported_ = {ours};
  const Bytes answer = world_.ToBob(world_.Start(mode(), offer));
  EXPECT_EQ(world_.status.error(), Error::kUnsupportedPolicy);
  Message message;
  ASSERT_TRUE(ParseMessage(answer, message));
  ASSERT_NE(message.Get<SpPayload>(), nullptr) << "RFC 3830 §5.1.1: ours are listed";
  EXPECT_EQ(ToHex(message.Get<SpPayload>()->params), "000106");
  for (size_t bit = 0; bit < 8 * answer.size(); bit += 5) {
    Bytes other = answer;
    other[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    (void)world_.initiator.Receive(other, kNow);
    ASSERT_EQ(world_.initiator.state(), Initiator::State::kWaiting) << bit;
  }
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_TRUE(world_.initiator.peer_error()->proven);
  EXPECT_EQ(world_.initiator.peer_error()->number, ErrorNumber::kInvalidSpPar);
  EXPECT_EQ(world_.initiator.state(), Initiator::State::kIdle);
}

TEST_P(Modes, OneSeedReplaysARun) {
  const auto run = [this] {
    World world;
    if (legacy()) world.alice.policy = world.bob.policy = V1Policy::Legacy();
    if (mode() == Mode::kRsar) world.bob.others.grant_ = grant_;
    const Bytes first = world.Start(mode());
    return ToHex(first) + ToHex(world.ToBob(first));
  };
  EXPECT_EQ(run(), run());
}

std::string NameOfCase(const testing::TestParamInfo<std::tuple<Mode, bool>>& info) {
  constexpr std::string_view kNames[] = {"Psk", "Pk", "Dh", "Dhhmac", "Rsar"};
  const auto [mode, legacy] = info.param;
  return std::string(kNames[static_cast<size_t>(mode)]) + (legacy ? "Sha1" : "Sha256");
}

INSTANTIATE_TEST_SUITE_P(All, Modes, testing::Combine(testing::ValuesIn(kModes), testing::Bool()),
                         NameOfCase);

}  // namespace
}  // namespace keymast::mikey
