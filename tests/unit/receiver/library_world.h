// SPDX-License-Identifier: Apache-2.0
// A receiver through the C interface, a key server that answers it, and what goes between them.
#pragma once

#include <gtest/gtest.h>
#include <keymast/receiver.h>
#include <keymast/receiver_crypto.h>

#include <deque>
#include <map>

#include "mikey/v2/answerer.h"
#include "srtp/policy.h"

extern "C" keymast_reason keymast_test_join_from_c(keymast_receiver* receiver, uint64_t now);
extern "C" const char* keymast_test_name_of_no_reason();

namespace keymast::receiver::library {

inline keymast_octets COctets(ByteView octets) { return {octets.data(), octets.size()}; }
inline Bytes Owned(keymast_octets octets) { return {octets.data, octets.data + octets.size}; }

inline constexpr uint64_t kBegin = 1'000'000;  // milliseconds
inline const Bytes kUserKey(16, 0x5a);
inline constexpr std::string_view kMember = "member@example.org";

// Group is what a server keeps of one: an MSK, its MTKs, the COUNTER.
struct Group {
  std::string uri;
  KeyDomainId domain{{1, 2, 3}};
  MskId msk{KeyGroup(7), KeyNumber(1)};
  CsbId csb{0xabcdef01};
  uint16_t mtk = 1;
  uint32_t counter = 0;
  bool is_entitled = true;
  bool announces = false;  // the next MSK beside this one
  Bytes fixed_msk = {};    // in place of one that follows from the name
  Bytes tree_id = Bytes(8, 9);
  uint32_t epoch = 1;
  uint32_t rekey_t = 6;
  Bytes verifier = {};   // Ed25519 public key of the controller, ID 1; empty: it signs nothing
  Bytes path_keys = {};  // of the member's leaf
  const crypto::Suite* suite = &crypto::DefaultSuite();

  // Keys follow from names, so that tests can say what a receiver must hold.
  Bytes KeyOf(std::string_view name, uint32_t id, size_t size) const {
    Bytes octets(size);
    const auto hash = crypto::Sha256(AsBytes(uri + std::string(name) + std::to_string(id)));
    std::copy_n(hash.begin(), size, octets.begin());
    return octets;
  }
  Bytes Msk() const { return fixed_msk.empty() ? KeyOf("msk", msk.value(), 16) : fixed_msk; }
  Bytes Rand() const { return KeyOf("rand", msk.value(), 16); }
  Bytes Mtk(uint16_t id) const { return KeyOf("mtk", msk.value() * 0x10000u + id, 16); }
  Bytes Salt(uint16_t id) const { return KeyOf("salt", msk.value() * 0x10000u + id, 12); }
  Bytes Mki(uint16_t id) const {
    Bytes mki(6);
    Writer writer(mki);
    writer.U32(msk.value());
    writer.U16(id);
    return mki;
  }

  // Next is the same group under its next MSK.
  Group Next() const {
    Group next = *this;
    ++next.msk.number.value;
    next.counter = 0;
    next.announces = false;
    return next;
  }

  // MtkMessage is the next one for an MTK: with a COUNTER of its own.
  Bytes MtkMessage(uint16_t id, const mikey::Profile3gpp& profile) {
    return MtkMessageOf(id, ++counter, profile, Mtk(id));
  }
  Bytes MtkMessageOf(uint16_t id, uint32_t with, const mikey::Profile3gpp& profile,
                     const Bytes& key) const {
    Bytes out(512);
    const Bytes rand = Rand();
    const Bytes salt = Salt(id);
    const mikey::MtkMessage message{{domain, msk, MtkId(id)}, csb, with, rand, key, salt};
    const auto size = mikey::WriteMtkMessage(*suite, profile, message, Msk(), out);
    out.resize(size.value_or(0));
    return out;
  }

  // MskMessage of 3GPP brings the MSK to the member, under the user key.
  Bytes MskMessage(uint32_t with, std::string_view from, MtkId low = MtkId(1),
                   MtkId high = MtkId(0xffff), const Bytes& user_key = kUserKey) const {
    std::array<mikey::SpParam, 16> policy{};
    size_t count = 0;
    for (const auto& param : srtp::ParamsOf(SrtpProfile::kAeadAes128Gcm)) {
      policy[count++] = {param.type, param.value};
    }
    const std::array<mikey::StreamSync, 1> streams{{{0, Ssrc(0xfeedf00d), Roc(2)}}};
    const Bytes rand = Rand();
    const Bytes key = Msk();
    mikey::MskMessage message;
    message.ids = {domain, msk, {}};
    message.csb_id = csb;
    message.counter = with;
    message.rand = rand;
    message.idi = AsBytes(from);
    message.idr = AsBytes(kMember);
    message.policy = std::span(policy).first(count);
    message.streams = streams;
    message.msk = key;
    message.low = low;
    message.high = high;
    Bytes out(600);
    out.resize(mikey::WriteMskMessage(*suite, {}, message, user_key, out).value_or(0));
    return out;
  }
};

// Of MTK messages in a group that is joined with the default offer.
inline mikey::Profile3gpp JoinedProfile() {
  mikey::Profile3gpp profile;
  profile.prf = mikey::PrfFunc::kHmacSha256;
  profile.encr_alg = mikey::EncrAlg::kAesCm256;
  profile.mac_alg = mikey::MacAlg::kHmacSha256_256;
  return profile;
}

// Server has groups and one subscriber.
class Server : public mikey::v2::Directory {
 public:
  bool IsOwn(const mikey::Identity&) const override { return false; }
  bool Serves(const mikey::v2::Asked& asked) const override {
    return asked.join && groups_.contains(std::string(AsText(asked.answerer.data)));
  }
  const crypto::SecretKey<mikey::kMaxSharedKey>* SharedWith(
      const mikey::v2::Asked& asked) const override {
    return AsText(asked.offerer.data) == kMember ? &psk_ : nullptr;
  }
  Result<mikey::v2::Terms> TermsFor(const mikey::v2::Asked&) const override {
    mikey::v2::Terms terms;
    terms.profiles.Add(7);
    terms.features = features_;
    return terms;
  }
  Result<mikey::v2::Grant> GrantTo(const mikey::v2::Asked& asked,
                                   const mikey::v2::Choice&) override {
    ++grants_;
    const Group& group = groups_.at(std::string(AsText(asked.answerer.data)));
    if (!group.is_entitled) return Err(Error::kNotEntitled);
    return GrantOf(group);
  }

  Group& Add(const std::string& uri) {
    Group& group = groups_[uri];
    group.uri = uri;
    group.msk.group = KeyGroup(static_cast<uint16_t>(6 + groups_.size()));
    return group;
  }
  std::map<std::string, Group> groups_;
  int grants_ = 0;
  uint32_t features_ = 1u << 5;  // MSKs by messages of 3GPP
  uint32_t window_ms_ = 3000;

  // GrantOf is what comes with a group's keys; its views are good until the next.
  mikey::v2::Grant GrantOf(const Group& group) {
    static const Bytes kGcm = {0, 1, 6, 1, 1, 16, 2, 1, 0, 4, 1, 12, 7, 1, 1, 8, 1, 1, 20, 1, 16};
    kept_.clear();
    mikey::v2::Grant grant;
    grant.streams.policies.Add({3, mikey::ProtType::kSrtp, Octets<255>(kGcm)});
    mikey::CsbSession session;
    session.cs_id = 1;
    session.policy = 3;
    session.ssrc = Ssrc(0xfeedf00d);
    session.roc = Roc(7);
    session.has_seq = true;
    session.seq = 65000;
    session.spi = Octets<mikey::kMaxSpi>(group.Mki(group.mtk));
    grant.streams.sessions.Add(session);
    mikey::v2::Contents& contents = grant.contents;
    const ByteView mki = Keep(group.Mki(group.mtk));
    contents.keys.Add({mikey::KeyDataType::kTgk,
                       Keep(group.Msk()),
                       {},
                       {mikey::KvType::kInterval, {}, mki.last(2), Keep({0xff, 0xff})}});
    if (group.announces) Announce(contents, group.Next());
    if (!group.path_keys.empty()) {
      const ByteView node = Keep(Bytes(9, 1));
      contents.keys.Add(
          {mikey::KeyDataType::kTreeKey, group.path_keys, {}, {mikey::KvType::kSpi, node, {}, {}}});
    }
    contents.keys.Add({mikey::KeyDataType::kMtk,
                       Keep(group.Mtk(group.mtk)),
                       Keep(group.Salt(group.mtk)),
                       {mikey::KvType::kSpi, mki, {}, {}}});
    if (!group.verifier.empty()) {
      contents.keys.Add({mikey::KeyDataType::kVerificationKey,
                         group.verifier,
                         {},
                         {mikey::KvType::kSpi, Keep({0, 0, 0, 1}), {}, {}}});
    }
    contents.rands.Add(Keep(group.Rand()));
    if (group.announces) contents.rands.Add(Keep(group.Next().Rand()));
    contents.csb_id = group.csb;
    contents.msks.Add({group.domain.octets, group.msk.value(), group.counter});
    if (group.announces) contents.msks.Add({group.domain.octets, group.Next().msk.value(), 0});
    contents.member = mikey::v2::MemberState{
        group.tree_id, group.epoch, group.rekey_t, 7, 1, 1400, window_ms_, 0, 0};
    return grant;
  }

 private:
  void Announce(mikey::v2::Contents& contents, const Group& next) {
    contents.keys.Add({mikey::KeyDataType::kTgk,
                       Keep(next.Msk()),
                       {},
                       {mikey::KvType::kInterval, {}, Keep({0, 1}), Keep({0xff, 0xff})}});
  }
  ByteView Keep(Bytes octets) { return kept_.emplace_back(std::move(octets)); }
  std::deque<Bytes> kept_;
  crypto::SecretKey<mikey::kMaxSharedKey> psk_{kUserKey};
};

// What the receiver's owner was asked to do.
struct Done {
  std::vector<Bytes> installed;  // MKIs
  std::vector<Bytes> retired;
  std::vector<Bytes> sent;
  std::vector<uint8_t> joined;
  std::vector<std::pair<uint8_t, keymast_reason>> failed;
  std::vector<std::pair<uint8_t, keymast_reason>> left;
  std::vector<keymast_action_kind> kinds;
};

class LibraryWorld {
 public:
  explicit LibraryWorld(uint64_t seed = 1, bool offers_sha1 = false,
                        const keymast_crypto* crypto = nullptr)
      : rng_(seed), answerer_(crypto::DefaultSuite(), policy_, server_, 64, rng_) {
    // Primitives are real, randomness is the seed's.
    table_ = crypto == nullptr ? *keymast_crypto_smartcard() : *crypto;
    table_.user = &rng_;
    table_.random = [](void* user, uint8_t* out, size_t size) {
      static_cast<crypto::SeededRng*>(user)->Fill({out, size});
    };
    member_ = {KEYMAST_NAI, COctets(AsBytes(kMember)), COctets(kUserKey), offers_sha1 ? 1 : 0, 0,
               nullptr};
    Start();
  }
  ~LibraryWorld() { keymast_receiver_wipe(context_.get()); }
  LibraryWorld(const LibraryWorld&) = delete;
  LibraryWorld& operator=(const LibraryWorld&) = delete;

  keymast_reason Start() {
    return keymast_receiver_init(context_.get(), &table_, &member_, COctets(saved_));
  }
  keymast_reason Join(uint8_t channel, const std::string& uri, bool by_3gpp = false,
                      KeyDomainId domain = {}, uint16_t key_group = 0) {
    keymast_group group{};
    group.uri = COctets(AsBytes(uri));
    std::copy(domain.octets.begin(), domain.octets.end(), group.key_domain);
    group.key_group = key_group;
    group.by_3gpp = by_3gpp ? 1 : 0;
    group.tree = tree_;
    return keymast_receiver_join(context_.get(), channel, &group, now_);
  }
  keymast_reason Receive(const Bytes& datagram) {
    return keymast_receiver_receive(context_.get(), COctets(datagram), now_);
  }
  keymast_reason Tick() { return keymast_receiver_tick(context_.get(), now_); }
  uint64_t deadline() const { return keymast_receiver_deadline(context_.get()); }
  keymast_reason Used(uint8_t channel, const Bytes& mki) {
    return keymast_receiver_used(context_.get(), channel, COctets(mki), now_);
  }
  const keymast_key* Key(uint8_t channel, const Bytes& mki) {
    return keymast_receiver_key(context_.get(), channel, COctets(mki));
  }

  keymast_reason Missing(uint8_t channel, const Bytes& mki) {
    return keymast_receiver_missing(context_.get(), channel, COctets(mki), now_);
  }
  // MissFor tells of packets under an MKI for longer than the group's window.
  void MissFor(uint8_t channel, const Bytes& mki) {
    EXPECT_EQ(Missing(channel, mki), KEYMAST_OK);
    now_ += server_.window_ms_;
    EXPECT_EQ(Missing(channel, mki), KEYMAST_OK);
  }
  // Whether a secret is anywhere in the context.
  bool Has(const Bytes& secret) const {
    const ByteView all(reinterpret_cast<const uint8_t*>(context_.get()), sizeof(keymast_receiver));
    return std::search(all.begin(), all.end(), secret.begin(), secret.end()) != all.end();
  }

  // Take does what is asked for; what is to be sent is returned.
  Done Take() {
    Done done;
    keymast_action action;
    while (keymast_receiver_next(context_.get(), &action) != 0) {
      done.kinds.push_back(action.kind);
      switch (action.kind) {
        case KEYMAST_PERSIST:
          saved_ = Owned(action.octets);
          break;
        case KEYMAST_KEY_RETIRED:
          done.retired.push_back(Owned(action.octets));
          break;
        case KEYMAST_KEY_INSTALLED:
          done.installed.emplace_back(std::begin(action.key->mki), std::end(action.key->mki));
          break;
        case KEYMAST_SEND:
          done.sent.push_back(Owned(action.octets));
          break;
        case KEYMAST_JOINED:
          done.joined.push_back(action.channel);
          break;
        case KEYMAST_FAILED:
          done.failed.emplace_back(action.channel, action.reason);
          break;
        case KEYMAST_LEFT:
          done.left.emplace_back(action.channel, action.reason);
          break;
        case KEYMAST_NONE:
          ADD_FAILURE();
      }
    }
    EXPECT_EQ(action.kind, KEYMAST_NONE);
    return done;
  }

  Bytes ToServer(const Bytes& datagram) {
    Bytes out(mikey::v2::kMaxOneDatagram);
    const Instant at = Instant(std::chrono::milliseconds(now_));
    const auto outcome = answerer_.Receive(datagram, AsBytes("10.0.0.1:5000"), at, rng_, out);
    out.resize(outcome.reply);
    return out;
  }
  // Settle carries datagrams both ways, without loss, until nobody sends.
  Done Settle() {
    Done all;
    for (int i = 0; i < 20; ++i) {
      Done done = Take();
      all.installed.insert(all.installed.end(), done.installed.begin(), done.installed.end());
      all.retired.insert(all.retired.end(), done.retired.begin(), done.retired.end());
      all.joined.insert(all.joined.end(), done.joined.begin(), done.joined.end());
      all.failed.insert(all.failed.end(), done.failed.begin(), done.failed.end());
      for (const Bytes& sent : done.sent) {
        const Bytes reply = ToServer(sent);
        if (!reply.empty()) Receive(reply);
      }
      if (done.sent.empty() && deadline() > now_) break;
      if (done.sent.empty()) Tick();
    }
    return all;
  }

  uint64_t now_ = kBegin;
  crypto::SeededRng rng_;
  mikey::v2::Policy policy_ = mikey::v2::Policy::Default();
  Server server_;
  mikey::v2::Answerer answerer_;
  keymast_crypto table_;
  keymast_member member_;
  const keymast_tree* tree_ = nullptr;
  Bytes saved_;
  std::unique_ptr<keymast_receiver> context_ = std::make_unique<keymast_receiver>();
};

}  // namespace keymast::receiver::library
