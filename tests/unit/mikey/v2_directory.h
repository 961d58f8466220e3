// SPDX-License-Identifier: Apache-2.0
// Whom the tests of version 2 know, and what they give: one member by pre-shared key, one peer, one
// group.
#pragma once

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
  Result<Terms> TermsFor(const Asked&) const override {
    Terms terms;
    terms.profiles.Add(7);
    return terms;
  }
  Result<Grant> GrantTo(const Asked& asked, const Choice&) override {
    ++grants_;
    standing_ = asked.standing;
    if (!entitled_) return Err(Error::kNotEntitled);
    if (refusal_) return Err(*refusal_);
    Grant grant;
    grant.streams.policies.Add({3, ProtType::kSrtp, Octets<255>(kGcmParams)});
    return asked.join ? OfGroup(grant) : OfSession(grant, asked.offer);
  }
  std::optional<crypto::Fingerprint> FingerprintOf(const Asked&) const override {
    return fingerprint_;
  }
  std::optional<uint32_t> LeavesOf(const Asked&) const override { return leaves_; }

  bool entitled_ = true;
  std::optional<Error> refusal_;
  bool is_long_ = false;       // a group's keys and policies have 2.5 KB
  uint32_t window_ms_ = 3100;  // repair window of the group
  std::optional<crypto::Fingerprint> fingerprint_;
  std::optional<uint32_t> leaves_;
  KeptStanding standing_;  // of the last grant
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
    session.spi = Octets<kMaxSpi>(kMki);
    grant.streams.sessions.Add(session);
    Contents& contents = grant.contents;
    const ByteView some(some_);
    contents.keys.Add({KeyDataType::kTgk,
                       some.first(16),
                       {},
                       {KvType::kInterval, {}, ByteView(kMki).last(2), kLastMtkId}});
    contents.keys.Add(
        {KeyDataType::kMtk, some.first(16), some.first(12), {KvType::kSpi, kMki, {}, {}}});
    contents.rands.Add(some.first(kGroupRandSize));
    contents.csb_id = CsbId(0xabcdef01);
    contents.msks.Add({kDomain, 0x00010002, 41});
    contents.member = MemberState{some.first(8), 5, 6, 7, 1, 1400, window_ms_, 0, 0};
    if (is_long_) {
      for (uint8_t number = 4; number < 11; ++number) {
        grant.streams.policies.Add({number, ProtType::kSrtp, Octets<255>(Bytes(255))});
      }
      contents.keys.Add({KeyDataType::kVerificationKey, long_key_, {}, {}});
    }
    return grant;
  }

  static constexpr uint8_t kDomain[] = {1, 2, 3};
  static constexpr uint8_t kMki[] = {0, 1, 0, 2, 0, 1};  // MSK ID and MTK ID
  static constexpr uint8_t kLastMtkId[] = {0xff, 0xff};
  const Bytes some_ = Bytes(64, 0xc3);
  const Bytes long_key_ = Bytes(400);
  crypto::SecretKey<kMaxSharedKey> psk_{kPskOctets};
};

}  // namespace keymast::mikey::v2
