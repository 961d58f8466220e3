// SPDX-License-Identifier: Apache-2.0
// What is asked of every mode by certificate.
#pragma once

#include "tests/unit/mikey/v2_credentials.h"
#include "tests/unit/mikey/v2_world.h"

namespace keymast::mikey::v2 {

inline Error ReasonOf(const Status& status) { return status ? Error::kInternal : status.error(); }

inline constexpr crypto::KeyKind kKinds[] = {crypto::KeyKind::kEd25519, crypto::KeyKind::kP256,
                                             crypto::KeyKind::kRsa};
inline std::string NameOfKind(const testing::TestParamInfo<crypto::KeyKind>& kind) {
  if (kind.param == crypto::KeyKind::kRsa) return "Rsa";
  return kind.param == crypto::KeyKind::kP256 ? "P256" : "Ed25519";
}

// Certified is a world whose parties have certificates, and no pre-shared key.
struct Certified {
  explicit Certified(Mode mode, crypto::KeyKind kind, uint64_t seed = 1)
      : pair(kind), world(seed, mode, &pair.member, &pair.peer) {
    pair.KnowEachOther();
  }
  Wish Session(Shown shown = Shown::kHash) const {
    Wish wish = world.Session();
    wish.psk = {};
    wish.shown = shown;
    return wish;
  }
  Wish Join(Shown shown = Shown::kHash) const {
    Wish wish = world.Join();
    wish.psk = {};
    wish.shown = shown;
    return wish;
  }
  // Run is a whole exchange; the Answerer shows itself as the Offerer does.
  void Run(const Wish& wish) {
    pair.peer.shown = wish.shown;
    world.Run(wish);
  }

  Pair pair;
  World world;
};

inline std::string TrafficOf(const UnicastSession& session, uint8_t cs_id) {
  std::array<uint8_t, 16> key{};
  std::array<uint8_t, 12> salt{};
  session.TrafficKeys(crypto::DefaultSuite(), cs_id, key, salt);
  return ToHex(key) + ToHex(salt);
}

// HaveOneSession asks that both ended with the same keys.
inline void HaveOneSession(World& world) {
  ASSERT_EQ(world.offerer_.state(), Offerer::State::kDone)
      << ErrorName(ReasonOf(world.offered_.status)) << " "
      << ErrorName(ReasonOf(world.answered_.status));
  ASSERT_EQ(world.answered_.event, Answerer::Event::kVerified);
  const UnicastSession ours = world.offerer_.session();
  const UnicastSession theirs = world.answerer_.SessionOf(*world.answered_.entry);
  ASSERT_EQ(ours.sessions.size(), 3u);
  std::set<std::string> all;
  for (const CsbSession& session : ours.sessions) {
    EXPECT_EQ(TrafficOf(ours, session.cs_id), TrafficOf(theirs, session.cs_id));
    all.insert(TrafficOf(ours, session.cs_id));
  }
  EXPECT_EQ(all.size(), 3u);
}

// DropsEveryFlip asks of a whole exchange that a datagram with one wrong bit changes nothing.
// `step` leaves out bits, for modes whose datagrams cost public-key work each.
inline void DropsEveryFlip(World& world, const Wish& wish, size_t step) {
  const auto each = [step](const Bytes& datagram, auto check) {
    for (size_t bit = 0; bit < 8 * datagram.size(); bit += step) {
      Bytes flipped = datagram;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      check(flipped, bit);
    }
  };
  const Bytes cap = world.Open(wish);
  each(cap, [&](const Bytes& flipped, size_t bit) {
    world.ToAnswerer(flipped);
    EXPECT_FALSE(world.answered_.status) << bit;
    EXPECT_EQ(world.others_.grants_, 0) << bit;
  });
  const Bytes answer = world.ToAnswerer(cap);
  ASSERT_TRUE(world.answered_.status) << ErrorName(ReasonOf(world.answered_.status));
  each(answer, [&](const Bytes& flipped, size_t bit) {
    EXPECT_TRUE(world.ToOfferer(flipped).empty()) << bit;
    EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered) << bit;
  });
  const Bytes finish = world.DropsEveryFlipOf(world.ToOfferer(answer), wish, step);
  const Bytes keys = world.ToAnswerer(finish);
  each(keys, [&](const Bytes& flipped, size_t bit) {
    world.ToOfferer(flipped);
    EXPECT_EQ(world.offerer_.state(), Offerer::State::kAnswered) << bit;
  });
  world.ToOfferer(keys);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
}

}  // namespace keymast::mikey::v2
