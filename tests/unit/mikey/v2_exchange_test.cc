// SPDX-License-Identifier: Apache-2.0
// The exchange of MIKEYv2 §7 in mode PSK, both sides, with what a network and an attacker do to it.
#include "mikey/v2/messages.h"
#include "tests/unit/mikey/v2_world.h"

namespace keymast::mikey::v2 {
namespace {

using State = Offerer::State;

const crypto::Suite& kSuite = crypto::DefaultSuite();

std::string KeysOf(const UnicastSession& session, uint8_t cs_id) {
  std::array<uint8_t, 16> key{};
  std::array<uint8_t, 12> salt{};
  session.TrafficKeys(kSuite, cs_id, key, salt);
  return ToHex(key) + ToHex(salt);
}

Error ErrorOf(const Status& status) { return status ? Error::kInternal : status.error(); }

class EachMode : public testing::TestWithParam<Mode> {
 protected:
  World world{1, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Version2, EachMode,
                         testing::Values(Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac),
                         [](const auto& mode) {
                           std::string name(NameOf(mode.param));
                           std::erase(name, ' ');
                           return name;
                         });

TEST_P(EachMode, LeavesBothWithOneSession) {
  const Bytes cap = world.Open(world.Session());
  EXPECT_GE(cap.size(), kMinFirstCap);
  EXPECT_EQ(world.offerer_.state(), State::kOffered);
  const Bytes answer = world.ToAnswerer(cap);
  EXPECT_EQ(world.answered_.event, Answerer::Event::kAnswered);
  const Bytes finish = world.ToOfferer(answer);
  EXPECT_EQ(world.offerer_.state(), State::kAnswered);
  const Bytes keys = world.ToAnswerer(finish);
  ASSERT_EQ(world.answered_.event, Answerer::Event::kVerified);
  EXPECT_TRUE(world.ToOfferer(keys).empty());
  EXPECT_EQ(world.offerer_.state(), State::kDone);
  EXPECT_EQ(world.offerer_.deadline(), kNever);

  const UnicastSession ours = world.offerer_.session();
  const UnicastSession theirs = world.answerer_.SessionOf(*world.answered_.entry);
  ASSERT_EQ(ours.sessions.size(), 3u);
  std::set<std::string> all;
  for (const CsbSession& session : ours.sessions) {
    EXPECT_EQ(KeysOf(ours, session.cs_id), KeysOf(theirs, session.cs_id));
    all.insert(KeysOf(ours, session.cs_id));
  }
  EXPECT_EQ(all.size(), 3u);  // each direction of each stream has a key of its own
  EXPECT_EQ(ours.sessions[0].ssrc, Ssrc(0x11));
  EXPECT_EQ(world.offerer_.exchange().choice.profiles[0], 7);
}

TEST_P(EachMode, AJoinHasItsKeysWhereTheModeGivesThem) {
  const Bytes answer = world.ToAnswerer(world.Open(world.Join()));
  const Bytes finish = world.ToOfferer(answer);
  const bool in_answer = GetParam() != Mode::kDhhmac;
  EXPECT_EQ(world.others_.grants_, in_answer ? 1 : 0);
  ASSERT_EQ(world.offerer_.has_keys(), in_answer);
  world.ToOfferer(world.ToAnswerer(finish));
  EXPECT_EQ(world.offerer_.state(), State::kDone);
  EXPECT_EQ(world.others_.grants_, 1);
  ASSERT_TRUE(world.offerer_.has_keys());
  const Contents& contents = world.offerer_.contents();
  ASSERT_EQ(contents.keys.size(), 2u);
  EXPECT_EQ(contents.keys[1].type, KeyDataType::kMtk);
  EXPECT_EQ(contents.csb_id, CsbId(0xabcdef01));
  EXPECT_EQ(contents.msks[0].counter, 41u);
  const CsbSession& stream = world.offerer_.streams().sessions[0];
  EXPECT_EQ(stream.roc, Roc(7));
  EXPECT_EQ(stream.seq, 65000);
}

TEST_P(EachMode, OneSeedReplaysARun) {
  const auto run = [](uint64_t seed) {
    World seeded(seed, GetParam());
    const Bytes cap = seeded.Open(seeded.Join());
    const Bytes answer = seeded.ToAnswerer(cap);
    const Bytes finish = seeded.ToOfferer(answer);
    return ToHex(cap) + ToHex(answer) + ToHex(finish) + ToHex(seeded.ToAnswerer(finish));
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST_P(EachMode, RepetitionsGetTheSameOctets) {
  const Bytes cap = world.Open(world.Session());
  const Bytes answer = world.ToAnswerer(cap);
  EXPECT_EQ(world.ToAnswerer(cap), answer);
  EXPECT_EQ(world.others_.grants_, 1);
  const Bytes finish = world.ToOfferer(answer);
  EXPECT_EQ(world.ToOfferer(answer), finish);
  const Bytes keys = world.ToAnswerer(finish);
  EXPECT_EQ(world.ToAnswerer(finish), keys);
  world.ToOfferer(keys);
  EXPECT_EQ(world.ToOfferer(answer), finish);
  EXPECT_EQ(ErrorOf((world.ToOfferer(keys), world.offered_.status)), Error::kUnexpected);
}

TEST(ExchangeOfVersion2, LostDatagramsAreSentAgain) {
  World world;
  const Bytes cap = world.Open(world.Session());
  EXPECT_EQ(world.Tick(), cap);
  const Bytes answer = world.ToAnswerer(world.Tick());
  const Bytes finish = world.ToOfferer(answer);
  EXPECT_EQ(world.Tick(), finish);
  EXPECT_EQ(world.Tick(), finish);
  world.ToOfferer(world.ToAnswerer(world.Tick()));
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST_P(EachMode, WhatIsDoneIsWiped) {
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(world.Open(world.Join())))));
  ASSERT_EQ(world.offerer_.state(), State::kDone);
  const Exchange& exchange = world.offerer_.exchange();
  EXPECT_TRUE(exchange.secret.empty());
  EXPECT_TRUE(exchange.psk_v2.empty());
  EXPECT_TRUE(exchange.dh.empty());
  EXPECT_FALSE(world.offerer_.contents().keys.empty());
  world.offerer_.Wipe();
  EXPECT_TRUE(world.offerer_.contents().keys.empty());
  EXPECT_TRUE(world.offerer_.has_keys());
}

TEST_P(EachMode, ARepeatedAnswerGetsItsFinishBehindTheEnd) {
  const Bytes answer = world.ToAnswerer(world.Open(world.Session()));
  const Bytes finish = world.ToOfferer(answer);
  world.ToOfferer(world.ToAnswerer(finish));
  EXPECT_FALSE(world.offerer_.exchange().tgk.empty());
  world.offerer_.Wipe();
  EXPECT_TRUE(world.offerer_.exchange().tgk.empty());
  EXPECT_EQ(world.ToOfferer(answer), finish);
}

TEST(ExchangeOfVersion2, FourSendingsWithoutAnswerAreTheEnd) {
  World world;
  world.Open(world.Session());
  Instant last = kStart;
  for (const int wait_ms : {500, 1000, 2000}) {
    const Bytes again = world.Tick();
    const auto wait = std::chrono::milliseconds(wait_ms);
    EXPECT_GE(world.now_ - last, wait);
    EXPECT_LE(world.now_ - last, wait * 5 / 4);
    EXPECT_FALSE(again.empty());
    last = world.now_;
  }
  EXPECT_TRUE(world.Tick().empty());
  EXPECT_EQ(ErrorOf(world.offered_.status), Error::kUnavailable);
  EXPECT_EQ(world.offerer_.state(), State::kFailed);
  EXPECT_FALSE(world.Open(world.Session()).empty());  // and may be opened again
}

TEST(ExchangeOfVersion2, WhoWaitsForNothingHasNothingToSend) {
  World world;
  EXPECT_TRUE(world.Tick().empty());  // at kNever
  world.now_ = kStart;
  world.Run(world.Session());
  EXPECT_TRUE(world.Tick().empty());
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST(ExchangeOfVersion2, AJoinWithKeysNeedsNoAcknowledgement) {
  World world;
  world.ToOfferer(world.ToAnswerer(world.Open(world.Join())));
  for (int i = 0; i < 4; ++i) world.Tick();
  EXPECT_EQ(world.offerer_.state(), State::kDone);
  EXPECT_TRUE(world.offerer_.has_keys());
}

TEST(ExchangeOfVersion2, ASessionWithoutAcknowledgementIsWiped) {
  World world;
  world.ToOfferer(world.ToAnswerer(world.Open(world.Session())));
  for (int i = 0; i < 4; ++i) world.Tick();
  EXPECT_EQ(world.offerer_.state(), State::kFailed);
  EXPECT_TRUE(world.offerer_.exchange().tgk.empty());
}

TEST_P(EachMode, StrangersAndWrongKeysAreMetWithSilence) {
  Wish stranger = world.Session();
  stranger.self = {IdType::kNai, AsBytes("nobody@example.org")};
  EXPECT_TRUE(world.ToAnswerer(world.Open(stranger)).empty());
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kAuthenticationFailed);
  World other(2, GetParam());
  Wish wrong = other.Session();
  const Bytes key(16, 1);
  wrong.psk = key;
  EXPECT_TRUE(other.ToAnswerer(other.Open(wrong)).empty());
  EXPECT_EQ(ErrorOf(other.answered_.status), Error::kAuthenticationFailed);
  EXPECT_EQ(other.others_.grants_, 0);
}

TEST(ExchangeOfVersion2, TheUnentitledAreToldSoWithProof) {
  World world;
  world.others_.entitled_ = false;
  const Bytes error = world.ToAnswerer(world.Open(world.Join()));
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kNotEntitled);
  for (size_t bit = 0; bit < 8 * error.size(); ++bit) {
    Bytes flipped = error;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    world.ToOfferer(flipped);
    ASSERT_EQ(world.offerer_.state(), State::kOffered) << bit;
  }
  world.ToOfferer(error);
  EXPECT_EQ(world.offerer_.state(), State::kFailed);
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidId);
}

TEST(ExchangeOfVersion2, ErrorsWithoutProofAreHints) {
  World world;
  world.Open(world.Session());
  Bytes hint(kMaxOneDatagram);
  hint.resize(*WriteHint(world.offerer_.exchange(), ErrorNumber::kInvalidDt, hint));
  world.ToOfferer(hint);
  EXPECT_EQ(ErrorOf(world.offered_.status), Error::kAuthenticationFailed);
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidDt);
  EXPECT_EQ(world.offerer_.state(), State::kOffered);
}

// An offer without anything that the Answerer takes: who has proved itself hears it with proof,
// a stranger hears nothing.
TEST(ExchangeOfVersion2, NothingInCommonIsToldToWhoHasProvedItself) {
  World world;
  world.policy_.encrs.clear();
  world.policy_.encrs.Add(static_cast<uint8_t>(EncrAlg::kAesCm256));
  Policy narrow = Policy::Default();
  narrow.encrs.clear();
  narrow.encrs.Add(static_cast<uint8_t>(EncrAlg::kAesKwp256));
  TestDirectory others;
  Answerer answerer(kSuite, narrow, others, 4, world.rng_);
  const Bytes cap = world.Open(world.Session());
  Bytes out(kMaxOneDatagram);
  const auto outcome = answerer.Receive(cap, AsBytes("a"), kStart, world.rng_, out);
  EXPECT_EQ(ErrorOf(outcome.status), Error::kUnsupportedPolicy);
  world.ToOfferer(Bytes(out.begin(), out.begin() + static_cast<ptrdiff_t>(outcome.reply)));
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidDt);
  EXPECT_EQ(world.offerer_.state(), State::kFailed);
  Bytes forged = cap;
  forged.back() ^= 1;
  const auto silence = answerer.Receive(forged, AsBytes("a"), kStart, world.rng_, out);
  EXPECT_EQ(ErrorOf(silence.status), Error::kAuthenticationFailed);
  EXPECT_EQ(silence.reply, 0u);
}

TEST(ExchangeOfVersion2, AnAddressHearsOneErrorASecond) {
  World world;
  world.others_.entitled_ = false;
  const Bytes cap = world.Open(world.Join());
  EXPECT_FALSE(world.ToAnswerer(cap).empty());
  EXPECT_TRUE(world.ToAnswerer(cap).empty());
  EXPECT_FALSE(world.ToAnswerer(cap, "10.0.0.2:5000").empty());
  world.now_ += ErrorRate::kWait;
  EXPECT_FALSE(world.ToAnswerer(cap).empty());
}

TEST(ExchangeOfVersion2, TheUnentitledOfDhhmacAreToldAfterTheirFinish) {
  World world(1, Mode::kDhhmac);
  world.others_.entitled_ = false;
  const Bytes finish = world.ToOfferer(world.ToAnswerer(world.Open(world.Join())));
  const Bytes error = world.ToAnswerer(finish);
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kNotEntitled);
  world.ToOfferer(error);
  EXPECT_EQ(world.offerer_.state(), State::kFailed);
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidId);
}

TEST(ExchangeOfVersion2, BothValuesOfACurveAreWellFormedOrDropped) {
  for (const auto group : {DhGroup::kSecp256r1, DhGroup::kX25519}) {
    World world(1, Mode::kEarlyDhhmac);
    world.policy_.groups.clear();
    world.policy_.groups.Add(static_cast<uint8_t>(group));
    world.Run(world.Session());
    EXPECT_EQ(world.offerer_.state(), State::kDone);
    EXPECT_EQ(world.offerer_.exchange().choice.group, group);
  }
}

TEST(ExchangeOfVersion2, AnAnswererTakesWhatTheOffererPrefers) {
  World world;
  world.policy_.modes.clear();
  for (const Mode mode : {Mode::kEarlyDhhmac, Mode::kDhhmac, Mode::kPsk}) {
    world.policy_.modes.Add(static_cast<uint8_t>(mode));
  }
  world.Run(world.Session());
  EXPECT_EQ(world.offerer_.exchange().choice.mode, Mode::kEarlyDhhmac);
}

TEST(ExchangeOfVersion2, AnEarlyValueOfAGroupThatIsNotOursIsNoMode) {
  World world;
  Policy offers = Policy::Default();  // x25519 first
  Offerer offerer(kSuite, offers);
  Bytes cap(kMaxOneDatagram);
  cap.resize(*offerer.Open(world.Session(), world.now_, world.rng_, cap));
  world.policy_ = Policy::Default();
  world.policy_.groups.clear();
  world.policy_.groups.Add(241);
  world.ToAnswerer(cap);
  ASSERT_TRUE(world.answered_.status);
  EXPECT_EQ(world.answered_.entry->exchange.choice.mode, Mode::kDhhmac);
  EXPECT_EQ(world.answered_.entry->exchange.choice.group, DhGroup::kSecp256r1);
}

TEST(ExchangeOfVersion2, AnAnswererDropsItsOwnIdentity) {
  World world;
  Wish reflected = world.Session();
  reflected.self = kPeerId;
  reflected.peer = kMemberId;
  EXPECT_TRUE(world.ToAnswerer(world.Open(reflected)).empty());
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kUnknownIdentity);
}

TEST_P(EachMode, UnderLoadACookieProvesTheAddress) {
  world.answerer_.set_under_load(true);
  const Bytes cap = world.Open(world.Session());
  const Bytes retry = world.ToAnswerer(cap);
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kRateLimited);
  EXPECT_LE(retry.size(), cap.size());
  EXPECT_EQ(world.others_.grants_, 0);
  const Bytes again = world.ToOfferer(retry);
  ASSERT_FALSE(again.empty());
  // The cookie is good from its address alone.
  const Bytes other = world.ToAnswerer(again, "10.0.0.2:5000");
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kRateLimited);
  EXPECT_FALSE(other.empty());
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(again))));
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST(ExchangeOfVersion2, AnOwnerCanTellWhoHasProvedItsAddress) {
  World world;
  world.answerer_.set_under_load(true);
  const auto is_proved = [&](const Bytes& datagram, std::string_view address) {
    return world.answerer_.IsProved(datagram, AsBytes(address), world.now_);
  };
  const Bytes first = world.Open(world.Join());
  const Bytes second = world.ToOfferer(world.ToAnswerer(first));
  EXPECT_FALSE(is_proved(first, "10.0.0.1:5000"));
  EXPECT_TRUE(is_proved(second, "10.0.0.1:5000"));
  EXPECT_FALSE(is_proved(second, "10.0.0.1:5001"));
  EXPECT_FALSE(is_proved(Bytes(second.begin(), second.end() - 1), "10.0.0.1:5000"));
  EXPECT_FALSE(is_proved(world.ToOfferer(world.ToAnswerer(second)), "10.0.0.1:5000"));
  EXPECT_FALSE(is_proved({}, "10.0.0.1:5000"));
  EXPECT_EQ(world.answerer_.exchanges(), 1U);
  EXPECT_EQ(world.others_.grants_, 1) << "what is asked for a cookie is given nothing";
}

TEST(ExchangeOfVersion2, CookiesGetOld) {
  World world;
  world.answerer_.set_under_load(true);
  const Bytes again = world.ToOfferer(world.ToAnswerer(world.Open(world.Session())));
  world.now_ += 2 * Cookies::kSlot;
  world.ToAnswerer(again);
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kRateLimited);
}

TEST(ExchangeOfVersion2, AnOffererFollowsSomeRetries) {
  World world;
  world.answerer_.set_under_load(true);
  const Bytes cap = world.Open(world.Session());
  std::set<Bytes> caps{cap};
  for (const char* address : {"a", "b", "c", "d"}) {
    const Bytes retry = world.ToAnswerer(cap, address);
    caps.insert(world.ToOfferer(retry));
    EXPECT_TRUE(world.ToOfferer(retry).empty()) << "the same cookie twice";
  }
  EXPECT_EQ(caps.size(), 5u);
  EXPECT_TRUE(world.ToOfferer(world.ToAnswerer(cap, "e")).empty());
  EXPECT_EQ(ErrorOf(world.offered_.status), Error::kUnexpected);
  // An answer to any of them is good.
  world.answerer_.set_under_load(false);
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(cap))));
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST_P(EachMode, EveryFlippedBitIsDropped) {
  const Bytes cap = world.Open(world.Session());
  const auto each = [](const Bytes& datagram, auto check) {
    for (size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
      Bytes flipped = datagram;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      check(flipped, bit);
    }
  };
  each(cap, [&](const Bytes& flipped, size_t bit) {
    world.ToAnswerer(flipped);
    EXPECT_FALSE(world.answered_.status) << bit;
    EXPECT_EQ(world.others_.grants_, 0) << bit;
  });
  const Bytes answer = world.ToAnswerer(cap);
  each(answer, [&](const Bytes& flipped, size_t bit) {
    EXPECT_TRUE(world.ToOfferer(flipped).empty()) << bit;
    EXPECT_EQ(world.offerer_.state(), State::kOffered) << bit;
  });
  const Bytes finish = world.DropsEveryFlipOf(world.ToOfferer(answer), world.Session());
  const Bytes keys = world.ToAnswerer(finish);
  each(keys, [&](const Bytes& flipped, size_t bit) {
    world.ToOfferer(flipped);
    EXPECT_EQ(world.offerer_.state(), State::kAnswered) << bit;
  });
  world.ToOfferer(keys);
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST(ExchangeOfVersion2, KeysThatCannotBeReadLeaveWhatIsHeld) {
  World world;
  world.ToOfferer(world.ToAnswerer(world.Open(world.Join())));
  const std::string held = ToHex(world.offerer_.contents().keys[1].key);
  Contents unreadable;  // only RSA_RESP begins with the sender
  unreadable.sender = IdrPayload{IdRole::kResponder, kGroupId.type, kGroupId.data};
  const Bytes rand(32, 9);
  Bytes keys(kMaxOneDatagram);
  keys.resize(*WriteKeys(kSuite, world.offerer_.exchange(), rand, {}, unreadable, keys));
  world.ToOfferer(keys);
  EXPECT_EQ(ErrorOf(world.offered_.status), Error::kDecryptionFailed);
  EXPECT_EQ(world.offerer_.state(), State::kAnswered);
  EXPECT_EQ(ToHex(world.offerer_.contents().keys[1].key), held);
}

TEST(ExchangeOfVersion2, KeysOfAnotherGroupThanTheJoinsAreDropped) {
  World world;  // what is given is of domain 010203 and group 1
  const auto is_taken = [&](const KeyIds& ids) {
    Wish wish = world.Join();
    wish.join = ids;
    world.ToOfferer(world.ToAnswerer(world.Open(wish)));
    const bool taken = world.offerer_.has_keys();
    for (int i = 0; i < 4; ++i) world.Tick();
    return taken;
  };
  KeyIds ids;
  ids.domain = {{1, 2, 3}};
  ids.msk.group = KeyGroup(1);
  EXPECT_TRUE(is_taken(ids));
  ids.msk.group = KeyGroup(2);
  EXPECT_FALSE(is_taken(ids));
  EXPECT_EQ(ErrorOf(world.offered_.status), Error::kUnavailable);
  ids.msk.group = KeyGroup(0);
  EXPECT_TRUE(is_taken(ids));
  ids.domain = {{1, 2, 4}};
  EXPECT_FALSE(is_taken(ids));
}

TEST(ExchangeOfVersion2, WithoutAGroupNoModeAgreesOnASecret) {
  World world;
  world.policy_ = Policy::Default();
  world.policy_.groups.clear();
  world.Run(world.Session());
  EXPECT_EQ(world.offerer_.state(), State::kDone);
  EXPECT_EQ(world.offerer_.exchange().choice.mode, Mode::kPsk);
}

TEST(ExchangeOfVersion2, MessagesOfOtherExchangesAreDropped) {
  World first(1);
  World second(2);
  const Bytes answer = first.ToAnswerer(first.Open(first.Session()));
  second.Open(second.Session());
  second.ToOfferer(answer);
  EXPECT_EQ(ErrorOf(second.offered_.status), Error::kWrongCsb);
  const Bytes finish = first.ToOfferer(answer);
  second.ToAnswerer(finish);
  EXPECT_EQ(ErrorOf(second.answered_.status), Error::kWrongCsb);
}

TEST(ExchangeOfVersion2, ExchangesAreForgotten) {
  World world;
  const Bytes cap = world.Open(world.Session());
  const Bytes answer = world.ToAnswerer(cap);
  const Bytes finish = world.ToOfferer(answer);
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  world.ToAnswerer(finish);
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kWrongCsb);
  EXPECT_NE(world.ToAnswerer(cap), answer);  // another exchange, with another RANDr
  EXPECT_EQ(world.others_.grants_, 2);
}

TEST(ExchangeOfVersion2, AnAddressHasItsShareOfTheCache) {
  World world;
  for (size_t i = 0; i < 2 * ExchangeCache::kMaxOfAddress; ++i) {
    Offerer offerer(kSuite, world.policy_);
    Bytes out(kMaxOneDatagram);
    out.resize(*offerer.Open(world.Session(), world.now_, world.rng_, out));
    world.ToAnswerer(out, "flooder");
    EXPECT_EQ(world.answered_.status.has_value(), i < ExchangeCache::kMaxOfAddress);
  }
  // 64 places, 16 taken: others need no cookie yet.
  world.Run(world.Session());
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST(ExchangeOfVersion2, ACrowdedCacheWantsCookies) {
  World world;
  for (int i = 0; i < 48; ++i) {
    Offerer offerer(kSuite, world.policy_);
    Bytes out(kMaxOneDatagram);
    out.resize(*offerer.Open(world.Session(), world.now_, world.rng_, out));
    world.ToAnswerer(out, "forged " + std::to_string(i));
    EXPECT_TRUE(world.answered_.status) << i;
  }
  const Bytes cap = world.Open(world.Session());
  const Bytes again = world.ToOfferer(world.ToAnswerer(cap));
  EXPECT_EQ(ErrorOf(world.answered_.status), Error::kRateLimited);
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(again))));
  EXPECT_EQ(world.offerer_.state(), State::kDone);
}

TEST(ExchangeOfVersion2, WishesThatCannotBeAreRefused) {
  World world;
  Bytes out(kMaxOneDatagram);
  const auto refused = [&](auto change) {
    Wish wish = world.Session();
    change(wish);
    const auto size = world.offerer_.Open(wish, world.now_, world.rng_, out);
    return size ? Error::kInternal : size.error();
  };
  EXPECT_EQ(refused([](Wish& w) { w.psk = w.psk.first(15); }), Error::kInvalidArgument);
  EXPECT_EQ(refused([](Wish& w) { w.peer = {}; }), Error::kInvalidArgument);
  EXPECT_EQ(refused([](Wish& w) { w.peer = w.self; }), Error::kInvalidArgument);
  EXPECT_EQ(refused([](Wish& w) { w.streams = {}; }), Error::kInvalidArgument);
  EXPECT_EQ(refused([](Wish& w) { w.join = kAnyGroup; }), Error::kInvalidArgument);
  EXPECT_EQ(refused([](Wish& w) { w.session = AsBytes("short"); }), Error::kInvalidArgument);
  world.Open(world.Session());
  EXPECT_EQ(refused([](Wish&) {}), Error::kFailedPrecondition);
}

// What a repetition needs are octets alone: the secrets are gone with the finish.
TEST(ExchangesOfVersion2, ThatAreDoneHaveNoSecrets) {
  for (const Mode mode : {Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac}) {
    World world(1, mode);
    const Bytes finish = world.ToOfferer(world.ToAnswerer(world.Open(world.Join())));
    const Exchange& open = world.answered_.entry->exchange;
    EXPECT_FALSE(open.psk_v2.empty());
    EXPECT_FALSE(mode == Mode::kPsk && open.secret.empty());
    const Bytes keys = world.ToAnswerer(finish);
    ASSERT_EQ(world.answered_.event, Answerer::Event::kVerified);
    const Exchange& done = world.answered_.entry->exchange;
    EXPECT_TRUE(done.psk_v2.empty());
    EXPECT_TRUE(done.secret.empty());
    EXPECT_TRUE(done.tgk.empty());
    EXPECT_TRUE(done.dh.public_value().empty());
    EXPECT_EQ(world.ToAnswerer(finish), keys);
  }
}

}  // namespace
}  // namespace keymast::mikey::v2
