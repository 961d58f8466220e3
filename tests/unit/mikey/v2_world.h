// SPDX-License-Identifier: Apache-2.0
// A member, a peer and a controller of version 2 in memory.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/mikey/v2_directory.h"

namespace keymast::mikey::v2 {

// World is an Offerer and an Answerer, and what goes between them.
class World {
 public:
  // The credentials are borrowed; without them there are only modes by pre-shared key.
  explicit World(uint64_t seed = 1, Mode mode = Mode::kPsk, const Credentials* member = nullptr,
                 const Credentials* peer = nullptr)
      : rng_(seed), member_(member), peer_(peer) {
    policy_.modes.clear();
    policy_.modes.Add(static_cast<uint8_t>(mode));
  }

  Wish Session() const {
    static constexpr StreamOffer kStreams[] = {{true, true, 0x11}, {false, true, 0}};
    return {kMemberId, kPeerId, kPskOctets, std::nullopt, kStreams, {}};
  }
  Wish Join() const { return {kMemberId, kGroupId, kPskOctets, kAnyGroup, {}, {}}; }

  // Each of these returns the first datagram that is sent; all of them are in `sent_`.
  Bytes Open(const Wish& wish) {
    Bytes out(RoomOf(policy_));
    const Result<size_t> size = offerer_.Open(wish, now_, rng_, out);
    EXPECT_TRUE(size) << ErrorName(size ? Error::kInternal : size.error());
    return Cut(out, size.value_or(0), offerer_.more());
  }
  Bytes ToAnswerer(const Bytes& datagram, std::string_view address = "10.0.0.1:5000") {
    Bytes out(RoomOf(policy_));
    answered_ = answerer_.Receive(datagram, AsBytes(address), now_, rng_, out);
    return Cut(out, answered_.reply, answered_.more);
  }
  Bytes ToOfferer(const Bytes& datagram) {
    Bytes out(RoomOf(policy_));
    offered_ = offerer_.Receive(datagram, now_, rng_, out);
    return Cut(out, offered_.send, offerer_.more());
  }
  Bytes Tick() {
    Bytes out(RoomOf(policy_));
    now_ = offerer_.deadline();
    offered_ = offerer_.Tick(now_, rng_, out);
    return Cut(out, offered_.send, offerer_.more());
  }
  // GiveUp waits for what does not come.
  void GiveUp() {
    while (offerer_.state() == Offerer::State::kOffered) Tick();
  }
  // Run is a whole exchange without loss.
  void Run(const Wish& wish) { ToOfferer(ToAnswerer(ToOfferer(ToAnswerer(Open(wish))))); }

  // DropsEveryFlipOf a finish: none with one wrong bit is taken. `step` leaves out bits. What those
  // that fail may cost one exchange is bounded, so that others follow; returns the last one's.
  Bytes DropsEveryFlipOf(Bytes finish, const Wish& wish, size_t step = 1) {
    for (size_t bit = 0; bit < 8 * finish.size(); bit += step) {
      Bytes flipped = finish;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_TRUE(ToAnswerer(flipped).empty()) << bit;
      EXPECT_NE(answered_.event, Answerer::Event::kVerified) << bit;
      if (answered_.status || answered_.status.error() != Error::kRateLimited) continue;
      offerer_.Abandon();
      finish = ToOfferer(AnswerTo(Open(wish)));
      bit -= step;
    }
    now_ += Entry::kFailedThere.each;
    return finish;
  }

  // AnswerTo a CAP, or to the one behind a RETRY that it gets.
  Bytes AnswerTo(const Bytes& cap) {
    const Bytes said = ToAnswerer(cap);
    const bool is_retry = said.size() > 1 && static_cast<DataType>(said[1]) == DataType::kRetry;
    return is_retry ? ToAnswerer(ToOfferer(said)) : said;
  }

  // RunAll is the same with messages of any length.
  void RunAll(const Wish& wish) {
    Open(wish);
    std::vector<Bytes> way = sent_;
    for (bool to_answerer = true; !way.empty(); to_answerer = !to_answerer) {
      std::vector<Bytes> back;
      for (const Bytes& datagram : way) {
        to_answerer ? ToAnswerer(datagram) : ToOfferer(datagram);
        back.insert(back.end(), sent_.begin(), sent_.end());
      }
      way = back;
    }
  }

  Instant now_ = kStart;
  crypto::SeededRng rng_;
  const Credentials* member_;
  const Credentials* peer_;
  Policy policy_ = Policy::Default();
  TestDirectory others_;
  Offerer offerer_{crypto::DefaultSuite(), policy_, member_};
  Answerer answerer_{crypto::DefaultSuite(), policy_, others_, 64, rng_, peer_};
  Answerer::Outcome answered_;
  Offerer::Outcome offered_;
  std::vector<Bytes> sent_;

 private:
  Bytes Cut(const Bytes& out, size_t first, const MoreDatagrams& more) {
    sent_.clear();
    if (first == 0) return {};
    auto at = out.begin() + static_cast<ptrdiff_t>(first);
    sent_.emplace_back(out.begin(), at);
    for (const uint16_t size : more) {
      sent_.emplace_back(at, at + size);
      at += size;
    }
    return sent_.front();
  }
};

}  // namespace keymast::mikey::v2
