// SPDX-License-Identifier: Apache-2.0
// A server's side of MIKEYv2 with two members, for the fuzz target of Keying and its seeds.
//
// An input is an octet that chooses, then datagrams with two octets of length in front of each; in
// place of one a length of 0 and an octet say what happens meanwhile.
#pragma once

#include "controller/impl.h"
#include "tests/fuzz/v2_party.h"

namespace keymast::controller {

using mikey::v2::Mode;

// Bits of the first octet.
inline constexpr uint8_t kFuzzSigned = 1;   // modes by certificate alone, else the others
inline constexpr uint8_t kFuzzCrowded = 2;  // every stranger is asked for a cookie
inline constexpr uint8_t kFuzzFew = 4;      // few exchanges and places to wait
inline constexpr uint8_t kFuzzNoTickets = 8;
inline constexpr uint8_t kFuzzEarly = 16;  // early modes only

enum class Meanwhile : uint8_t { kFreeze, kThaw, kLeave, kEnd, kRevoke, kHour, kForget, kEvents };

inline KeyingConfig FuzzKeying(uint8_t choice) {
  KeyingConfig config;
  config.policy = mikey::v2::Policy::OfGroup({});
  const bool is_signed = (choice & kFuzzSigned) != 0;
  const bool is_early = (choice & kFuzzEarly) != 0;
  for (const Mode mode :
       {Mode::kEarlyDh, Mode::kDh, Mode::kEarlyDhhmac, Mode::kDhhmac, Mode::kPsk}) {
    if (mikey::v2::IsEarly(mode) != is_early) continue;
    // What a certificate began a ticket goes on with.
    if (is_signed || mikey::v2::IsPskType(mode))
      config.policy.modes.Add(static_cast<uint8_t>(mode));
  }
  if (is_signed) config.policy.fragments = mikey::v2::kMaxFragments;
  config.authority = "example.org";
  const bool has_few = (choice & kFuzzFew) != 0;
  config.exchanges = has_few ? 2 : 16;
  config.waiting = has_few ? 1 : 16;
  if ((choice & kFuzzCrowded) != 0) config.strangers = {1, std::chrono::hours(1)};
  if ((choice & kFuzzNoTickets) != 0) config.ticket_life = {};
  return config;
}

inline std::shared_ptr<JoinCredentials> FuzzCredentials(bool revokes) {
  auto credentials = std::make_shared<JoinCredentials>();
  crypto::CertificateRecipe recipe = mikey::v2::PeerRecipe(crypto::KeyKind::kEd25519);
  credentials->all.own.push_back(mikey::v2::CredentialOf(recipe));
  mikey::v2::TrustAuthority(credentials->all.trust);
  crypto::ListRecipe list;
  list.signer = testdata::kAuthorityKey;
  if (revokes) list.revoked = {17};  // MemberRecipe's
  const Bytes der = crypto::MakeRevocationList(list);
  KEYMAST_CHECK(credentials->all.trust.store().AddRevocationList(der).has_value());
  credentials->trust = credentials->all.trust.Digest();
  return credentials;
}

// Members is one channel with two members, of whom `second` may be without entitlement.
class Members final : public Membership {
 public:
  Members() {
    rekey::ChannelState& channel = state.channels[kTv];
    channel.channel.id = kTv;
    channel.channel.key_group = KeyGroup(7);
    channel.channel.streams.resize(1);
    channel.channel.streams[0].ssrc = Ssrc(0x11111111);
    rekey::Msk& msk = channel.ladder.msk.emplace();
    msk.id = {KeyGroup(7), KeyNumber(1)};
    msk.key = crypto::Key32(Bytes(16, 1));
    msk.seed = crypto::SecretKey<32>(Bytes(32, 2));
    msk.csb_id = CsbId(0x01020304);
    channel.ladder.active = rekey::Slot{msk.id, MtkId(1), {}};
    for (const char* name : {"member", "second"}) {
      const SubscriberId id{name};
      groups::Subscriber subscriber{id, std::string(name) + "@example.org", {}, 1};
      state.subscribers[id] = {subscriber, crypto::Key32(mikey::v2::kPskOctets)};
      channel.members[id].subscriber = id;
    }
    channel.members[SubscriberId("second")].entitled_until = {};
  }
  const rekey::SubscriberState* SubscriberNamed(std::string_view identity) const override {
    const auto found =
        state.subscribers.find(SubscriberId(std::string(identity.substr(0, identity.find('@')))));
    if (found == state.subscribers.end()) return nullptr;
    return found->second.subscriber.identity == identity ? &found->second : nullptr;
  }
  const rekey::ChannelState* ChannelNamed(const ChannelId& id) const override {
    const auto found = state.channels.find(id);
    return found == state.channels.end() ? nullptr : &found->second;
  }
  bool IsEntitled(const ChannelId& channel, const SubscriberId& subscriber,
                  Instant now) const override {
    return state.channels.at(channel).members.at(subscriber).EntitledAt(now);
  }
  Result<const groups::Member*> GiveKeys(const ChannelId& channel, const SubscriberId& subscriber,
                                         const Moment& m) override {
    groups::Member member = state.channels.at(channel).members.at(subscriber);
    KEYMAST_CHECK(member.EntitledAt(m.now));
    ++given;
    if (member.given.number.value == 0) {
      if (frozen) return Err(Error::kStoreClosed);
      member.given = {KeyGroup(7), KeyNumber(1)};
      Put(rekey::MemberPut{channel, member}, m);
    }
    return &state.channels.at(channel).members.at(subscriber);
  }
  uint32_t ReportTOf(const groups::Member& member) const override { return member.report_t; }
  uint32_t KeysToldTo(const SubscriberId&) const override { return 0; }
  void FinishJoin(const ChannelId&, const SubscriberId&, const Joined&, const Moment&) override {
    ++joined;
  }
  void KeepCertificates(const SubscriberId& id, std::vector<Bytes> certificates,
                        const Moment& m) override {
    const rekey::SubscriberState& known = state.subscribers.at(id);
    groups::Subscriber subscriber = known.subscriber;
    subscriber.certificates = std::move(certificates);
    Put(rekey::SubscriberPut{std::move(subscriber), known.user_key}, m);
  }
  const rekey::Tickets& Tickets() const override { return state.tickets; }
  bool KeepTickets(rekey::Change change, const Moment& m) override {
    if (frozen) return false;
    Put(std::move(change), m);
    return true;
  }
  void Put(rekey::Change change, const Moment& m) {
    KEYMAST_CHECK(!frozen);
    rekey::Apply(state, change);
    m.step.changes.push_back(std::move(change));
  }

  const ChannelId kTv{"tv"};
  rekey::State state;
  bool frozen = false;
  size_t given = 0;
  size_t joined = 0;
};

// KeyingWorld is Keying over these members, of a seed: the same in every run.
struct KeyingWorld {
  explicit KeyingWorld(uint8_t choice)
      : config(FuzzKeying(choice)),
        keying({identity, config, profile, crypto::DefaultSuite(), rng, members, counters}) {
    static const auto all = FuzzCredentials(false);
    if ((choice & kFuzzSigned) != 0) keying.UseCredentials(all);
  }
  // Take is what is sent in answer to a datagram.
  std::vector<Datagram> Take(ByteView datagram) {
    Step step;
    const Moment m{now, now, step};
    keying.Take(*ParseEndpoint("127.0.0.1:2271"), datagram, m);
    while (keying.waiting() > 0) keying.Serve(m);
    changes = step.changes.size();
    return std::move(step.datagrams);
  }
  void Do(Meanwhile what) {
    Step step;
    switch (what) {
      case Meanwhile::kFreeze:
      case Meanwhile::kThaw:
        members.frozen = what == Meanwhile::kFreeze;
        return keying.set_frozen(members.frozen);
      case Meanwhile::kLeave:
        ++members.state.subscribers.at(SubscriberId("member")).subscriber.leaves;
        return;
      case Meanwhile::kEnd:
        members.state.channels.at(members.kTv).members.at(SubscriberId("member")).entitled_until =
            now;
        return;
      case Meanwhile::kRevoke: {
        static const auto without = FuzzCredentials(true);
        return keying.UseCredentials(without);
      }
      case Meanwhile::kHour:
        now += std::chrono::hours(1);
        return keying.Expire({now, now, step});
      case Meanwhile::kForget:
        keying.LoadTickets();
        return keying.Forget();
      case Meanwhile::kEvents:
        return;
    }
  }

  const std::string identity = "bmsc@example.org";
  KeyingConfig config;
  mikey::Profile3gpp profile;
  crypto::SeededRng rng{mikey::v2::kFuzzSeed};
  Members members;
  KeyingCounters counters;
  Keying keying;
  Instant now = mikey::v2::kStart;
  size_t changes = 0;  // of the last datagram
};

// Play an input: `take` gets each of its datagrams, after what happened before it.
template <class Take>
void Play(KeyingWorld& world, ByteView input, Take take) {
  Reader reader(input);
  while (reader.ok() && !reader.empty()) {
    const size_t length = reader.U16();
    if (length == 0) {
      world.Do(static_cast<Meanwhile>(reader.U8() % static_cast<uint8_t>(Meanwhile::kEvents)));
      continue;
    }
    const ByteView datagram = reader.Take(length);
    if (!reader.ok()) return;
    world.now += std::chrono::milliseconds(300);
    take(datagram);
  }
}

}  // namespace keymast::controller
