// SPDX-License-Identifier: Apache-2.0
// Messages of MIKEYv2 that are longer than a datagram (§3.6).
#include "mikey/v2/fragments.h"

#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

using crypto::KeyKind;

const crypto::Suite& kSuite = crypto::DefaultSuite();

class FragmentsOfVersion2 : public testing::Test {
 protected:
  // Parts of a message as an Answerer would get them.
  std::vector<FragmentPayload> PartsOf(const Bytes& whole, size_t datagram) {
    Bytes out(kMaxWhole);
    MoreDatagrams more;
    const auto first = Send(kSuite, whole, {CsbId(7), {datagram, 8}, {}}, out, more);
    EXPECT_TRUE(first);
    kept_.assign(out.begin(), out.end());
    std::vector<FragmentPayload> parts;
    size_t at = 0;
    for (size_t i = 0; i <= more.size(); ++i) {
      const size_t size = i == 0 ? *first : more[i - 1];
      Message message;
      EXPECT_TRUE(ParseMessage(ByteView(kept_).subspan(at, size), message));
      EXPECT_TRUE(ReadParts(message, Form::kFragment));
      parts.push_back(*message.Get<FragmentPayload>());
      at += size;
    }
    return parts;
  }
  Result<ByteView> Take(const FragmentPayload& part, Instant now = kStart) {
    return fragments_.Take(kSuite, CsbId(7), part, now);
  }

  Bytes kept_;
  Fragments fragments_;
};

TEST_F(FragmentsOfVersion2, ComeTogetherInAnyOrder) {
  const Bytes whole(3000, 0x61);
  auto parts = PartsOf(whole, kMinDatagram);
  ASSERT_EQ(parts.size(), 3u);
  std::swap(parts[0], parts[2]);
  EXPECT_TRUE(Take(parts[0])->empty());
  EXPECT_TRUE(Take(parts[1])->empty());
  EXPECT_TRUE(Take(parts[0])->empty());  // twice
  const auto taken = Take(parts[2]);
  ASSERT_TRUE(taken);
  EXPECT_TRUE(Equal(*taken, whole));
}

TEST_F(FragmentsOfVersion2, GetOld) {
  const auto parts = PartsOf(Bytes(2000, 1), kMinDatagram);
  EXPECT_TRUE(Take(parts[0])->empty());
  EXPECT_FALSE(fragments_.IsPast(kStart + Fragments::kLife));
  const Instant later = kStart + Fragments::kLife + std::chrono::milliseconds(1);
  EXPECT_TRUE(fragments_.IsPast(later));
  EXPECT_TRUE(Take(parts[1], later)->empty());
}

// MIKEYv2 §3.6: so that one that is forged holds up nothing.
TEST_F(FragmentsOfVersion2, OfSeveralMessagesComeSideBySide) {
  const Bytes whole(3000, 1);
  const auto parts = PartsOf(whole, kMinDatagram);
  const Bytes hash(FragmentPayload::kHashSize, 0xee);
  const auto forged = [&](uint8_t index) {
    return FragmentPayload{hash, index, 8, ByteView(hash).first(1)};
  };
  for (uint8_t index = 0; index < 7; ++index) {
    EXPECT_TRUE(Take(forged(index), kStart)->empty());
    EXPECT_TRUE(Take(forged(0), kStart)->empty());
  }
  EXPECT_TRUE(Take(parts[0])->empty());
  EXPECT_TRUE(Take(forged(0))->empty());
  EXPECT_TRUE(Take(parts[1])->empty());
  const auto taken = Take(parts[2]);
  ASSERT_TRUE(taken);
  EXPECT_TRUE(Equal(*taken, whole));
}

// A part that is there already brings nothing.
TEST_F(FragmentsOfVersion2, GiveWayWhenNothingNewComesOfThem) {
  const Bytes whole(2000, 1);
  const auto parts = PartsOf(whole, kMinDatagram);
  std::vector<Bytes> hashes;
  for (uint8_t i = 0; i < Fragments::kMessages; ++i) {
    hashes.emplace_back(FragmentPayload::kHashSize, i);
  }
  const auto send_all = [&] {
    for (const Bytes& hash : hashes) {
      EXPECT_TRUE(Take({hash, 0, 8, ByteView(hash).first(1)})->empty());
    }
  };
  send_all();
  EXPECT_TRUE(Take(parts[0])->empty());  // in place of the first of them
  hashes.erase(hashes.begin());
  send_all();
  hashes.emplace_back(FragmentPayload::kHashSize, 0xee);
  send_all();  // a new one: in place of one that only comes again
  const auto taken = Take(parts[1]);
  ASSERT_TRUE(taken);
  EXPECT_TRUE(Equal(*taken, whole));
}

TEST_F(FragmentsOfVersion2, OfTooLongAMessageDropIt) {
  const Bytes whole(2000, 1);
  const auto parts = PartsOf(whole, kMinDatagram);
  const Bytes longer(kMaxWhole, 2);
  FragmentPayload forged = parts[1];
  forged.data = longer;
  EXPECT_TRUE(Take(forged)->empty());
  EXPECT_EQ(Take(parts[0]), Err(Error::kTooLong));
  EXPECT_TRUE(Take(parts[0])->empty());
  EXPECT_EQ(Take(parts[1])->size(), whole.size());
}

TEST_F(FragmentsOfVersion2, AWrongHashDropsThem) {
  auto parts = PartsOf(Bytes(2000, 1), kMinDatagram);
  Bytes changed(parts[1].data.begin(), parts[1].data.end());
  changed[0] ^= 1;
  FragmentPayload forged = parts[1];
  forged.data = changed;
  EXPECT_TRUE(Take(parts[0]));
  EXPECT_EQ(Take(forged), Err(Error::kAuthenticationFailed));
  EXPECT_TRUE(Take(parts[0])->empty());
  EXPECT_EQ(Take(parts[1])->size(), 2000u);
}

TEST_F(FragmentsOfVersion2, ThatCannotBeAreRefused) {
  const auto part = PartsOf(Bytes(2000, 1), kMinDatagram)[0];
  const auto refused = [&](auto change) {
    FragmentPayload changed = part;
    change(changed);
    return Take(changed).error();
  };
  EXPECT_EQ(refused([](auto& p) { p.count = 1; }), Error::kMalformed);
  EXPECT_EQ(refused([](auto& p) { p.count = 9; }), Error::kMalformed);
  EXPECT_EQ(refused([](auto& p) { p.index = p.count; }), Error::kMalformed);
  EXPECT_EQ(refused([](auto& p) { p.data = {}; }), Error::kMalformed);
  const Bytes long_part(kMaxWhole + 1);
  EXPECT_EQ(refused([&](auto& p) { p.data = long_part; }), Error::kTooLong);
}

TEST_F(FragmentsOfVersion2, AnAddressHasOneMessage) {
  FragmentsByAddress all(2);
  const auto parts = PartsOf(Bytes(2000, 1), kMinDatagram);
  for (const char* address : {"a", "b", "c"}) {
    EXPECT_TRUE(all.Take(kSuite, AsBytes(address), CsbId(7), parts[0], kStart)->empty());
  }
  // The third took the place of the oldest.
  EXPECT_EQ(all.Take(kSuite, AsBytes("c"), CsbId(7), parts[1], kStart)->size(), 2000u);
}

TEST_F(FragmentsOfVersion2, LongerThanWhatIsTakenIsRefused) {
  Bytes out(kMaxWhole);
  MoreDatagrams more;
  const Bytes whole(3000, 1);
  EXPECT_EQ(Send(kSuite, whole, {CsbId(7), {kMinDatagram, 0}, {}}, out, more),
            Err(Error::kTooLong));
  EXPECT_EQ(Send(kSuite, whole, {CsbId(7), {kMinDatagram, 2}, {}}, out, more),
            Err(Error::kTooLong));
  EXPECT_EQ(Send(kSuite, whole, {CsbId(7), {3000, 0}, {}}, out, more), whole.size());
  EXPECT_TRUE(Send(kSuite, whole, {CsbId(7), {kMinDatagram, 3}, {}}, out, more));
  EXPECT_EQ(more.size(), 2u);
}

TEST_F(FragmentsOfVersion2, MostIsWhatCanBeSent) {
  for (const size_t datagram : std::array<size_t, 3>{kMinDatagram, 5000, 0xffff}) {
    for (const size_t fragments : std::array<size_t, 3>{0, 2, 8}) {
      for (const size_t room : std::array<size_t, 2>{kMaxOneDatagram, kMaxWhole}) {
        if (room == kMaxOneDatagram && fragments != 0) continue;  // as no policy has it
        const Way way{datagram, fragments};
        const size_t most = MostOf(way, room);
        EXPECT_GE(most, std::min(datagram, room));
        Bytes out(room);
        MoreDatagrams more;
        EXPECT_TRUE(Send(kSuite, Bytes(most), {CsbId(7), way, {}}, out, more));
        if (fragments * datagram > room || fragments == 8) continue;
        EXPECT_EQ(Send(kSuite, Bytes(most + 1), {CsbId(7), way, {}}, out, more),
                  Err(Error::kTooLong));
      }
    }
  }
}

// Long is a world whose certificates fit no datagram.
struct Long : Certified {
  explicit Long(Mode mode) : Certified(mode, KeyKind::kRsa) {
    world.policy_.fragments = 8;
    pair.peer.shown = Shown::kCertificates;
    const Bytes authority = crypto::MakeCertificate(crypto::AuthorityRecipe());
    for (Credentials* side : {&pair.member, &pair.peer}) side->own[0].chain.push_back(authority);
  }
  Wish Certificates(Wish wish) const {
    wish.shown = Shown::kCertificates;
    wish.takes_fragments = true;
    return wish;
  }
};

class LongMessages : public testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, LongMessages,
                         testing::Values(Mode::kRsa, Mode::kDh, Mode::kEarlyDh));

TEST_P(LongMessages, LeaveBothWithOneSession) {
  Long certified(GetParam());
  World& world = certified.world;
  world.RunAll(certified.Certificates(certified.Session()));
  HaveOneSession(world);
  EXPECT_EQ(world.offerer_.exchange().choice.mode, GetParam());
}

TEST_P(LongMessages, BringAGroupsKeys) {
  Long certified(GetParam());
  World& world = certified.world;
  world.RunAll(certified.Certificates(certified.Join()));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  EXPECT_TRUE(world.offerer_.has_keys());
}

TEST_P(LongMessages, AreSentAgain) {
  Long certified(GetParam());
  World& world = certified.world;
  world.Open(certified.Certificates(certified.Session()));
  const std::vector<Bytes> first = world.sent_;
  world.Tick();
  EXPECT_EQ(world.sent_, first);
}

// MIKEYv2 §3.6: a buffer is kept behind a good cookie alone.
TEST(LongCap, NeedsACookieFromTheStart) {
  Long certified(Mode::kRsa);
  World& world = certified.world;
  world.Open(certified.Certificates(certified.Session()));
  const std::vector<Bytes> parts = world.sent_;
  ASSERT_GE(parts.size(), 2u);
  EXPECT_TRUE(world.ToAnswerer(parts[1]).empty());
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kWrongSource);
  const Bytes retry = world.ToAnswerer(parts[0]);
  EXPECT_LE(retry.size(), parts[0].size());
  world.ToOfferer(retry);
  const std::vector<Bytes> again = world.sent_;
  ASSERT_EQ(again.size(), parts.size());
  // From another address the cookie is none.
  world.ToAnswerer(again[0], "10.0.0.2:1");
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kRateLimited);
  for (const Bytes& part : again) world.ToAnswerer(part);
  ASSERT_EQ(world.answered_.event, Answerer::Event::kAnswered);
  const std::vector<Bytes> answer = world.sent_;
  ASSERT_GE(answer.size(), 2u);
  // A repetition gets the same octets.
  for (const Bytes& part : again) world.ToAnswerer(part);
  EXPECT_EQ(world.sent_, answer);
  for (const Bytes& part : answer) world.ToOfferer(part);
  world.ToOfferer(world.ToAnswerer(world.sent_.front()));
  HaveOneSession(world);
}

TEST(LongCap, GoesOnlyToAPeerThatTakesIt) {
  Long certified(Mode::kRsa);
  World& world = certified.world;
  Wish wish = certified.Certificates(certified.Session());
  wish.takes_fragments = false;
  Bytes out(kMaxWhole);
  EXPECT_EQ(world.offerer_.Open(wish, kStart, world.rng_, out), Err(Error::kTooLong));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kIdle);
}

// A CAP that fits gets an answer in FRAGMENTs, where it states them.
TEST(LongAnswer, GoesToWhoStatesFragments) {
  Long certified(Mode::kRsa);
  World& world = certified.world;
  world.RunAll(certified.Session(Shown::kHash));
  HaveOneSession(world);
  world.policy_.fragments = 0;
  certified.pair.peer.shown = Shown::kCertificates;
  EXPECT_TRUE(world.ToAnswerer(world.Open(certified.Session(Shown::kHash))).size() <
              kMaxOneDatagram);
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kTooLong);
}

}  // namespace
}  // namespace keymast::mikey::v2
