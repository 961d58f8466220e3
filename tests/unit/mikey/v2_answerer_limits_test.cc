// SPDX-License-Identifier: Apache-2.0
// What strangers, members that are not entitled and forgers may cost an Answerer of MIKEYv2, and
// what they hear (§2, §8, §13, §15).
#include "mikey/v2/messages.h"
#include "tests/unit/mikey/v2_public_key.h"
#include "tests/unit/mikey/v2_tickets.h"

namespace keymast::mikey::v2 {
namespace {

using crypto::KeyKind;

constexpr std::string_view kHere = "10.0.0.1:5000";
constexpr std::string_view kElsewhere = "10.0.0.66:1";

Error ReasonOf(const World& world) { return v2::ReasonOf(world.answered_.status); }

DataType TypeOf(const Bytes& datagram) {
  return datagram.size() < 2 ? DataType{} : static_cast<DataType>(datagram[1]);
}

// FinishOf a whole way up to it.
Bytes FinishOf(World& world, const Wish& wish) {
  return world.ToOfferer(world.AnswerTo(world.Open(wish)));
}

// Flipped is a finish whose proof is wrong.
Bytes Flipped(Bytes finish) {
  finish.back() ^= 1;
  return finish;
}

// MIKEYv2 §8: only where a recorded CAP would do is FRESH asked for, and its TH remembered.
TEST(LimitsOfAnswerer, WhoComesBackByItsFinishTakesNoRoomOfFresh) {
  World world(1, Mode::kDhhmac);
  world.others_.leaves_ = 1;
  const Bytes cap = world.Open(world.Join());
  EXPECT_EQ(TypeOf(world.ToAnswerer(cap)), DataType::kDhhmacRespV2);
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  // The same CAP opens another exchange, to which only its Offerer has the finish.
  EXPECT_EQ(TypeOf(world.ToAnswerer(cap)), DataType::kDhhmacRespV2);
  EXPECT_EQ(world.others_.grants_, 0);
}

TEST(LimitsOfAnswerer, WhoHasProvedNothingTakesNoRoomOfFreshAndHearsNothingOfLeaves) {
  Certified certified(Mode::kDh, KeyKind::kEd25519);
  World& world = certified.world;
  world.others_.leaves_ = 1;
  const Bytes cap = world.Open(certified.Join());  // without SIGN
  EXPECT_EQ(TypeOf(world.ToAnswerer(cap)), DataType::kDhRespV2);
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  EXPECT_EQ(TypeOf(world.ToAnswerer(cap)), DataType::kDhRespV2);
}

TEST(LimitsOfAnswerer, ARetryTellsNothingOfLeavesWithoutProof) {
  Certified certified(Mode::kDh, KeyKind::kEd25519);
  World& world = certified.world;
  world.answerer_.set_under_load(true);
  const auto size = [&] { return world.ToAnswerer(world.Open(certified.Join())).size(); };
  const size_t before = size();
  world.offerer_.Abandon();
  world.others_.leaves_ = 1;
  EXPECT_EQ(size(), before);
}

TEST(LimitsOfAnswerer, AGrantIsToldTheStandingThatACertificateGives) {
  Certified certified(Mode::kDh, KeyKind::kEd25519);
  certified.Run(certified.Join());
  EXPECT_TRUE(certified.world.others_.standing_.by_certificate);
  World world;
  world.Run(world.Join());
  EXPECT_FALSE(world.others_.standing_.by_certificate);
}

// --- a finish proves the address that the answer went to, and no other

TEST(LimitsOfAnswerer, AFinishFromElsewhereProvesNothing) {
  World world;
  const Bytes cap = world.Open(world.Session());
  const Bytes answer = world.ToAnswerer(cap);
  const Bytes finish = world.ToOfferer(answer);
  const Bytes keys = world.ToAnswerer(finish, kElsewhere);
  ASSERT_EQ(world.answered_.event, Answerer::Event::kVerified);
  EXPECT_LE(keys.size(), 3 * finish.size());
  EXPECT_FALSE(world.answered_.proves_address);
  EXPECT_FALSE(world.answered_.entry->address_proved);
  EXPECT_EQ(world.ToAnswerer(finish, "10.0.0.67:1"), keys);  // short enough for anybody
  // The entry is where it was: for the same CAP, and in the share of its address.
  EXPECT_EQ(world.ToAnswerer(cap), answer);
  EXPECT_EQ(world.answerer_.exchanges(), 1u);
}

TEST(LimitsOfAnswerer, AFinishFromWhereTheAnswerWentProvesThat) {
  World world;
  world.ToAnswerer(FinishOf(world, world.Session()));
  EXPECT_TRUE(world.answered_.proves_address);
  EXPECT_TRUE(world.answered_.entry->address_proved);
}

// Of a copy of the answer that went elsewhere the finish could be made there.
TEST(LimitsOfAnswerer, AnAnswerAtTwoAddressesProvesNeither) {
  World world;
  world.others_.leaves_ = 1;  // such a CAP is answered alike from everywhere
  const Bytes again = world.ToOfferer(world.ToAnswerer(world.Open(world.Join())));
  const Bytes answer = world.ToAnswerer(again, kElsewhere);
  EXPECT_EQ(world.ToAnswerer(again), answer);  // its cookie is of this address
  world.ToAnswerer(world.ToOfferer(answer), kElsewhere);
  ASSERT_EQ(world.answered_.event, Answerer::Event::kVerified);
  EXPECT_FALSE(world.answered_.proves_address);
}

TEST(LimitsOfAnswerer, TheKeysOfAGroupGoWhereTheAnswerWent) {
  World world(1, Mode::kDhhmac);
  const Bytes finish = FinishOf(world, world.Join());
  EXPECT_TRUE(world.ToAnswerer(finish, kElsewhere).empty());
  EXPECT_EQ(ReasonOf(world), Error::kWrongSource);
  EXPECT_EQ(world.others_.grants_, 0);
  EXPECT_FALSE(world.ToAnswerer(finish).empty());
  EXPECT_EQ(world.answered_.event, Answerer::Event::kVerified);
}

// --- what has proved no address takes nothing away there

TEST(LimitsOfAnswerer, CapsInAForgedNameTakeNoPlaceOfOthersThere) {
  World world(1, Mode::kDhhmac);
  const Bytes finish = FinishOf(world, world.Session());
  Offerer forger(crypto::DefaultSuite(), world.policy_);  // with a key of its own, in truth
  Bytes out(RoomOf(world.policy_));
  for (size_t i = 1; i <= 2 * ExchangeCache::kMaxOfAddress; ++i) {
    const auto size = forger.Open(world.Session(), world.now_, world.rng_, out);
    const Bytes said =
        world.ToAnswerer(Bytes(out.begin(), out.begin() + static_cast<ptrdiff_t>(*size)));
    const bool has_place = i < ExchangeCache::kMaxOfAddress;
    EXPECT_EQ(TypeOf(said), has_place ? DataType::kDhhmacRespV2 : DataType::kRetry) << i;
    forger.Abandon();
  }
  EXPECT_EQ(TypeOf(world.ToAnswerer(finish)), DataType::kKeys);
  // Who shows a cookie gets one of them.
  world.offerer_.Abandon();
  const Bytes retry = world.ToAnswerer(world.Open(world.Session()));
  EXPECT_EQ(TypeOf(retry), DataType::kRetry);
  EXPECT_EQ(TypeOf(world.ToAnswerer(world.ToOfferer(retry))), DataType::kDhhmacRespV2);
}

// --- finishes that fail

TEST(LimitsOfAnswerer, FinishesThatFailCostAnExchangeSoMuch) {
  Certified certified(Mode::kDh, KeyKind::kEd25519);
  World& world = certified.world;
  const Bytes finish = FinishOf(world, certified.Session());
  const Bytes wrong = Flipped(finish);
  const auto computed = [&](std::string_view from, bool is_new_each) {
    int count = 0;
    for (int i = 0; i < 200; ++i) {
      world.ToAnswerer(wrong, std::string(from) + (is_new_each ? std::to_string(i) : ""));
      count += ReasonOf(world) == Error::kAuthenticationFailed ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(computed("10.1.1.1:", true), Entry::kFailedElsewhere.burst);
  EXPECT_EQ(world.answered_.entry, nullptr);
  // Nobody from elsewhere shuts out the true finish.
  EXPECT_EQ(computed(kHere, false), Entry::kFailedThere.burst);
  world.now_ += Entry::kFailedThere.each;
  EXPECT_FALSE(world.ToAnswerer(finish).empty());
  EXPECT_EQ(world.answered_.event, Answerer::Event::kVerified);
}

template <class Change>
Bytes Changed(const Bytes& finish, Change change) {
  Message message;
  EXPECT_TRUE(ParseMessage(finish, message));
  Bytes changed = finish;
  const auto at = [&](ByteView octets) {
    return changed.begin() + (octets.data() - finish.data());
  };
  change(message, at);
  return changed;
}

Bytes OfSmallOrder(const Bytes& finish) {
  return Changed(finish, [](const Message& message, auto at) {
    const ByteView value = message.Get<DhPayload>()->value;
    std::fill_n(at(value), value.size(), uint8_t{0});
  });
}

// MIKEYv2 §2: not by its reason, either.
TEST(LimitsOfAnswerer, PublicValuesThatFailCostAnExchangeSoMuch) {
  World world(1, Mode::kDhhmac);
  const Bytes finish = FinishOf(world, world.Session());
  const Bytes wrong = OfSmallOrder(finish);
  for (uint32_t i = 0; i < 2 * Entry::kFailedThere.burst; ++i) {
    world.ToAnswerer(wrong);
    const bool is_computed = i < Entry::kFailedThere.burst;
    EXPECT_EQ(ReasonOf(world), is_computed ? Error::kMalformed : Error::kRateLimited) << i;
    EXPECT_EQ(world.answered_.was_costly, is_computed) << i;
  }
  world.now_ += Entry::kFailedThere.each;
  EXPECT_FALSE(world.ToAnswerer(finish).empty());
  EXPECT_FALSE(world.answered_.was_costly);
}

// They are looked at before the public value, which is bad here.
TEST(LimitsOfAnswerer, AlgorithmsThatWereNotChosenCostNothing) {
  World world(1, Mode::kDhhmac);
  const Bytes finish = FinishOf(world, world.Session());
  const Bytes wrong = Changed(OfSmallOrder(finish), [](const Message& message, auto at) {
    // Encr alg, no Encr data, its length 2, MAC alg, MAC.
    *(at(message.Get<KemacPayload>()->mac) - 4) = static_cast<uint8_t>(EncrAlg::kAesCm128);
  });
  for (uint32_t i = 0; i < 2 * Entry::kFailedThere.burst; ++i) {
    world.ToAnswerer(wrong);
    EXPECT_EQ(ReasonOf(world), Error::kUnsupportedAlgorithm);
    EXPECT_FALSE(world.answered_.was_costly);
  }
  EXPECT_FALSE(world.ToAnswerer(finish).empty());
}

// Who is refused behind a good proof may send it for ever.
TEST(LimitsOfAnswerer, FinishesThatAreRefusedCostAnExchangeSoMuch) {
  for (const Error error : {Error::kNotEntitled, Error::kRateLimited}) {
    World world(1, Mode::kDhhmac);
    const Bytes finish = FinishOf(world, world.Join());
    world.others_.refusal_ = error;
    for (uint32_t i = 0; i < 2 * Entry::kFailedThere.burst; ++i) {
      world.ToAnswerer(finish);
      const bool is_computed = i < Entry::kFailedThere.burst;
      EXPECT_EQ(ReasonOf(world), is_computed ? error : Error::kRateLimited) << i;
      EXPECT_EQ(world.answered_.was_costly, is_computed) << i;
    }
    EXPECT_EQ(world.others_.grants_, static_cast<int>(Entry::kFailedThere.burst));
  }
}

// --- refusals

TEST(LimitsOfAnswerer, RefusedExchangesGiveWay) {
  World world(1, Mode::kDhhmac);
  world.others_.entitled_ = false;
  for (size_t i = 0; i < 2 * ExchangeCache::kMaxOfAddress; ++i) {
    world.ToAnswerer(FinishOf(world, world.Join()));
    EXPECT_EQ(ReasonOf(world), Error::kNotEntitled) << i;
    EXPECT_EQ(world.answered_.event, Answerer::Event::kNone);
    world.offerer_.Abandon();
  }
  EXPECT_EQ(world.answerer_.exchanges(), ExchangeCache::kMaxOfAddress);
}

TEST(LimitsOfAnswerer, AnErrorInPlaceOfKeysIsOneOfASecond) {
  World world(1, Mode::kDhhmac);
  world.others_.entitled_ = false;
  const Bytes finish = FinishOf(world, world.Join());
  const Bytes error = world.ToAnswerer(finish);
  EXPECT_EQ(TypeOf(error), DataType::kError);
  EXPECT_TRUE(world.ToAnswerer(finish).empty());
  world.now_ += ErrorRate::kWait;
  EXPECT_EQ(TypeOf(world.ToAnswerer(finish)), DataType::kError);
  // Who is entitled by then is taken.
  world.others_.entitled_ = true;
  EXPECT_EQ(TypeOf(world.ToAnswerer(finish)), DataType::kKeys);
}

TEST(LimitsOfAnswerer, AnErrorIsOneDatagram) {
  Certified certified(Mode::kRsa, KeyKind::kRsa);
  World& world = certified.world;
  world.policy_.fragments = 8;
  auto& chain = certified.pair.peer.own[0].chain;  // longer than a datagram
  chain.push_back(chain[0]);
  chain.push_back(chain[0]);
  certified.pair.peer.shown = Shown::kCertificates;
  world.others_.entitled_ = false;
  const Bytes said = world.AnswerTo(world.Open(certified.Join()));
  EXPECT_EQ(TypeOf(said), DataType::kError);
  EXPECT_LE(said.size(), kMaxOneDatagram);
  EXPECT_TRUE(world.answered_.more.empty());
  world.ToOfferer(said);  // by the hash: it has the certificate
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidId);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kFailed);
}

TEST(LimitsOfAnswerer, ADroppedCapHasSpentNothing) {
  World world;
  SealedTickets tickets;
  world.answerer_.use_tickets(&tickets);
  for (size_t i = 0; i < ExchangeCache::kMaxOfAddress; ++i) {
    world.Run(world.Join());
    ASSERT_EQ(world.offerer_.state(), Offerer::State::kDone);
  }
  Resumption ticket;
  ticket.secret = crypto::Key32::OfSize(32);
  ticket.offerer = OwnedIdentity(kMemberId);
  ticket.answerer = OwnedIdentity(kGroupId);
  ticket.expiry = world.now_ + std::chrono::hours(1);
  ticket = tickets.Give(ticket, world.now_, world.rng_).value();
  Wish wish = world.Join();
  wish.psk = {};
  wish.resume = &ticket;
  const int grants = world.others_.grants_;
  const Bytes cap = world.Open(wish);
  const Bytes again = world.ToOfferer(world.ToAnswerer(cap));
  EXPECT_TRUE(world.ToAnswerer(again).empty());
  EXPECT_EQ(ReasonOf(world), Error::kTooManyRequests);
  EXPECT_EQ(world.others_.grants_, grants);
  EXPECT_TRUE(tickets.spent_.empty());
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  world.answerer_.Tick(world.now_);
  EXPECT_EQ(TypeOf(world.ToAnswerer(again)), DataType::kPskResp);
}

// MIKEYv2 §13, §14: who takes fewer FRAGMENTs than its keys need is told so.
TEST(LimitsOfAnswerer, KeysThatAreTooLongAreRefused) {
  World world(1, Mode::kDhhmac);
  world.policy_.fragments = 2;
  world.others_.is_long_ = true;
  const Bytes finish = FinishOf(world, world.Join());
  const Bytes error = world.ToAnswerer(finish);
  EXPECT_EQ(ReasonOf(world), Error::kTooLong);
  EXPECT_TRUE(world.answered_.was_costly);
  ASSERT_EQ(TypeOf(error), DataType::kError);
  // The entry is as it was.
  world.others_.is_long_ = false;
  EXPECT_EQ(TypeOf(world.ToAnswerer(finish)), DataType::kKeys);
  world.ToOfferer(error);
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kUnspecified);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kFailed);
}

// --- what may not leave is not made

// LongAnswers are those of a server that shows certificates of more than a datagram.
struct LongAnswers : Certified {
  explicit LongAnswers(Mode mode) : Certified(mode, KeyKind::kRsa) {
    world.policy_.fragments = 8;
    auto& chain = pair.peer.own[0].chain;
    chain.push_back(chain[0]);
    pair.peer.shown = Shown::kCertificates;
    pool.Make(crypto::DhGroup::kX25519, world.rng_);
    world.answerer_.use_pool(&pool);
  }
  DhPool pool{*crypto::DefaultSuite().pk, 1};
};

TEST(LimitsOfAnswerer, NoWorkIsDoneForAnAnswerThatMayNotLeave) {
  LongAnswers certified(Mode::kDh);
  World& world = certified.world;
  for (const Wish& wish : {certified.Session(), certified.Join()}) {
    ASSERT_EQ(certified.pool.size(crypto::DhGroup::kX25519), 1u);
    const Bytes retry = world.ToAnswerer(world.Open(wish));
    EXPECT_EQ(TypeOf(retry), DataType::kRetry);
    EXPECT_EQ(certified.pool.size(crypto::DhGroup::kX25519), 1u);
    world.ToAnswerer(world.ToOfferer(retry));
    EXPECT_EQ(world.answered_.event, Answerer::Event::kAnswered);
    EXPECT_EQ(certified.pool.size(crypto::DhGroup::kX25519), 0u);
    certified.pool.Make(crypto::DhGroup::kX25519, world.rng_);
    world.offerer_.Abandon();
  }
}

TEST(LimitsOfAnswerer, NoKeysAreGivenOutForAnAnswerThatMayNotLeave) {
  LongAnswers certified(Mode::kRsa);
  World& world = certified.world;
  const Bytes retry = world.ToAnswerer(world.Open(certified.Join()));
  EXPECT_EQ(TypeOf(retry), DataType::kRetry);
  EXPECT_EQ(world.others_.grants_, 0);
  world.ToAnswerer(world.ToOfferer(retry));
  EXPECT_EQ(world.answered_.event, Answerer::Event::kAnswered);
  EXPECT_EQ(world.others_.grants_, 1);
}

TEST(LimitsOfAnswerer, AnswersAreAsLongAsTheyAreMeasured) {
  for (const Mode mode : {Mode::kPsk, Mode::kRsa, Mode::kDh, Mode::kDhhmac, Mode::kEarlyDhhmac}) {
    Certified certified(mode, KeyKind::kRsa);
    World& world = certified.world;
    certified.pair.peer.shown = Shown::kHash;
    world.ToAnswerer(world.Open(IsPskType(mode) ? world.Session() : certified.Session()));
    ASSERT_EQ(world.answered_.event, Answerer::Event::kAnswered) << static_cast<int>(mode);
    const Entry& entry = *world.answered_.entry;
    const OwnedIdentity& self = entry.exchange.answerer;
    Contents contents;
    if (HasTgk(mode)) {
      contents.keys.Add({KeyDataType::kTgk, entry.exchange.tgk.view(), {}, {}});
    }
    if (mode == Mode::kRsa) {
      contents.sender = IdrPayload{IdRole::kResponder, self.type, self.data.view()};
    }
    const Credentials& peer = certified.pair.peer;
    const Signer signer = IsSigned(mode) ? Signer{&peer.own[0], peer.shown} : Signer{};
    Bytes out(kMaxOneDatagram);
    const auto size = MeasureAnswer(crypto::DefaultSuite(), entry.exchange,
                                    {*entry.streams, contents, {}, signer, 0}, out);
    EXPECT_EQ(size, entry.answer.size()) << static_cast<int>(mode);
  }
}

// --- time

TEST(LimitsOfAnswerer, AQuietAnswererForgetsToo) {
  World world;
  EXPECT_EQ(world.answerer_.deadline(), kNever);
  world.ToAnswerer(world.Open(world.Session()));
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  EXPECT_LE(world.answerer_.deadline(), world.now_);
  world.answerer_.Tick(world.now_);
  EXPECT_EQ(world.answerer_.exchanges(), 0u);
  EXPECT_EQ(world.answerer_.deadline(), kNever);
}

// MIKEYv2 §12: people may take their time to answer a call.
TEST(LimitsOfAnswerer, AnExchangeInSdpWaitsForTheEndOfItsOffer) {
  for (const bool has_ended : {false, true}) {
    World world(1, Mode::kDhhmac);
    const Bytes session(20, 0x77);
    Wish wish = world.Session();
    wish.session = session;
    wish.sdp_ids = AsBytes("mikey");
    const Bytes cap = world.Open(wish);
    world.answerer_.set_in_signalling(true);
    const Bytes answer = world.ToAnswerer(cap, "in SDP");
    world.answerer_.set_in_signalling(false);
    world.now_ += std::chrono::minutes(1);
    const Bytes finish = world.ToOfferer(answer);
    if (has_ended) {
      world.answerer_.EndOffer(session, world.now_);
      world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
    }
    EXPECT_EQ(world.ToAnswerer(finish).empty(), has_ended);
    EXPECT_EQ(world.answered_.event == Answerer::Event::kVerified, !has_ended);
    world.ToAnswerer(finish);
    world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
    world.answerer_.Tick(world.now_);
    EXPECT_EQ(world.answerer_.exchanges(), 0u);
  }
}

}  // namespace
}  // namespace keymast::mikey::v2
