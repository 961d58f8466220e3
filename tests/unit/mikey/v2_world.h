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

  Bytes Open(const Wish& wish) {
    Bytes out(kMaxOneDatagram);
    const Result<size_t> size = offerer_.Open(wish, now_, rng_, out);
    EXPECT_TRUE(size) << ErrorName(size ? Error::kInternal : size.error());
    out.resize(size.value_or(0));
    return out;
  }
  Bytes ToAnswerer(const Bytes& datagram, std::string_view address = "10.0.0.1:5000") {
    Bytes out(kMaxOneDatagram);
    answered_ = answerer_.Receive(datagram, AsBytes(address), now_, rng_, out);
    out.resize(answered_.reply);
    return out;
  }
  Bytes ToOfferer(const Bytes& datagram) {
    Bytes out(kMaxOneDatagram);
    offered_ = offerer_.Receive(datagram, now_, rng_, out);
    out.resize(offered_.send);
    return out;
  }
  Bytes Tick() {
    Bytes out(kMaxOneDatagram);
    now_ = offerer_.deadline();
    offered_ = offerer_.Tick(now_, rng_, out);
    out.resize(offered_.send);
    return out;
  }
  // Run is a whole exchange without loss.
  void Run(const Wish& wish) { ToOfferer(ToAnswerer(ToOfferer(ToAnswerer(Open(wish))))); }

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
};

}  // namespace keymast::mikey::v2
