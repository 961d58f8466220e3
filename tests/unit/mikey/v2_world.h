// SPDX-License-Identifier: Apache-2.0
// A member, a peer and a controller of version 2 in memory.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "mikey/v2/answerer.h"
#include "mikey/v2/offerer.h"

namespace keymast::mikey::v2 {

inline const Identity kMemberId{IdType::kNai, AsBytes("member@example.org")};
inline const Identity kPeerId{IdType::kUri, AsBytes("sip:bob@example.org")};
inline const Identity kGroupId{IdType::kUri, AsBytes("mikey://example.org/tv")};
inline const Bytes kPskOctets(16, 0x5a);
inline const KeyIds kAnyGroup{};  // Key Domain ID and MSK ID of zeros: not known
inline const Instant kStart = FromUnixNanos(1'800'000'000'000'000'000);

// Of SRTP profile 0x0007 (MIKEYv2 §9).
inline const Bytes kGcmParams = {0, 1, 6, 1, 1, 16, 2, 1, 0, 4, 1, 12, 7, 1, 1, 8, 1, 1, 20, 1, 16};

class TestDirectory : public Directory {
 public:
  bool IsOwn(const Identity& identity) const override { return identity == kPeerId; }
  bool Serves(const Asked& asked) const override {
    return asked.join ? asked.answerer == kGroupId : asked.answerer == kPeerId;
  }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked& asked) const override {
    return asked.offerer == kMemberId ? &psk_ : nullptr;
  }
  Result<Grant> GrantTo(const Asked& asked, const Choice&) override {
    ++grants_;
    if (!entitled_) return Err(Error::kNotEntitled);
    Grant grant;
    grant.profiles.Add(7);
    grant.streams.policies.Add({3, ProtType::kSrtp, Octets<255>(kGcmParams)});
    return asked.join ? OfGroup(grant) : OfSession(grant, asked.offer);
  }

  bool entitled_ = true;
  int grants_ = 0;

 private:
  static Grant OfSession(Grant grant, const Capabilities& offer) {
    for (size_t i = 0; i < offer.StreamCount(); ++i) {
      const StreamOffer stream = offer.Stream(i);
      for (const bool from_offerer : {true, false}) {
        if (!(from_offerer ? stream.from_offerer : stream.from_answerer)) continue;
        CsbSession session;
        session.cs_id = CsIdOf(i, from_offerer);
        session.policy = 3;
        const bool is_named = from_offerer && stream.ssrc != 0;
        session.ssrc = Ssrc(is_named ? stream.ssrc : 0x1000u + session.cs_id);
        grant.streams.sessions.Add(session);
      }
    }
    return grant;
  }
  Grant OfGroup(Grant grant) const {
    CsbSession session;
    session.cs_id = 1;
    session.policy = 3;
    session.ssrc = Ssrc(0xfeedf00d);
    session.roc = Roc(7);
    session.has_seq = true;
    session.seq = 65000;
    session.spi = Octets<kMaxSpi>(ByteView(some_).first(6));
    grant.streams.sessions.Add(session);
    Contents& contents = grant.contents;
    const ByteView some(some_);
    contents.keys.Add({KeyDataType::kTgk,
                       some.first(16),
                       {},
                       {KvType::kInterval, {}, some.first(2), some.first(2)}});
    contents.keys.Add(
        {KeyDataType::kMtk, some.first(16), some.first(12), {KvType::kSpi, some.first(6), {}, {}}});
    contents.rands.Add(some.first(kGroupRandSize));
    contents.csb_id = CsbId(0xabcdef01);
    contents.msks.Add({some.first(3), 0x00010002, 41});
    contents.member = MemberState{some.first(8), 5, 6, 7, 1, 1400, 2000, 0, 0};
    return grant;
  }

  const Bytes some_ = Bytes(64, 0xc3);
  crypto::SecretKey<kMaxSharedKey> psk_{kPskOctets};
};

// World is an Offerer and an Answerer, and what goes between them.
class World {
 public:
  explicit World(uint64_t seed = 1) : rng_(seed) {}

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
  Policy policy_ = Policy::Default();
  TestDirectory others_;
  Offerer offerer_{crypto::DefaultSuite(), policy_};
  Answerer answerer_{crypto::DefaultSuite(), policy_, others_, 64, rng_};
  Answerer::Outcome answered_;
  Offerer::Outcome offered_;
};

}  // namespace keymast::mikey::v2
