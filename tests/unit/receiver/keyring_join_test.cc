// SPDX-License-Identifier: Apache-2.0
// What a join by MIKEYv2 brings to a keyring (MIKEYv2 §10).
#include "mikey/v2/mtk_signature.h"
#include "tests/data/ec_keys.h"
#include "tests/unit/crypto/make_certificate.h"
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

using mikey::KeyDataType;
using mikey::KvType;

// Brought is an answer's contents for one MSK and one MTK of it; tests change fields.
struct Brought {
  explicit Brought(const KeyServer& server, uint16_t msk_number = 2, uint16_t mtk_number = 7)
      : msk(Msk(msk_number)), key(KeyServer::MskKey(msk)), rand(KeyServer::RandOf(msk)) {
    const srtpio::TrafficKey traffic = server.TrafficKeyOf(msk, mtk_number);
    mtk_key = traffic.master_key;
    mtk_salt = traffic.master_salt;
    mki = traffic.mki;
    Writer(low).U16(mtk_number);
    std::array<uint8_t, 64> params{};
    Writer writer(params);
    for (const srtp::PolicyParam& p : srtp::ParamsOf(server.srtp)) {
      writer.U8(p.type);
      writer.U8(1);
      writer.U8(p.value);
    }
    streams.policies.Add({0, mikey::ProtType::kSrtp, keymast::Octets<255>(writer.written())});
    mikey::CsbSession session;
    session.cs_id = 1;
    session.ssrc = kVideo;
    session.roc = Roc(3);
    streams.sessions.Add(session);
    contents.keys.Add({KeyDataType::kTgk, key.view(), {}, {KvType::kInterval, {}, low, high}});
    contents.keys.Add(
        {KeyDataType::kMtk, mtk_key.view(), mtk_salt.view(), {KvType::kSpi, mki, {}, {}}});
    contents.rands.Add(rand);
    contents.csb_id = server.profile.csb_id;
    contents.msks.Add({kDomain.octets, msk.value(), 41});
  }
  Brought(const Brought&) = delete;

  MskId msk;
  crypto::Key32 key;
  Bytes rand;
  crypto::Key32 mtk_key;
  crypto::Salt14 mtk_salt;
  Bytes mki;
  std::array<uint8_t, 2> low{};
  std::array<uint8_t, 2> high{0xff, 0xff};
  mikey::v2::Streams streams;
  mikey::v2::Contents contents;
};

struct KeyringJoin : testing::Test {
  KeyServer server;
  Keyring keyring = server.MakeKeyring();
  Status Give(const Brought& brought) {
    return keyring.OnJoin(brought.streams, brought.contents, At(0));
  }
  void Refused(const Brought& brought, Error reason) {
    const auto before = keyring.StateHash();
    const Status taken = Give(brought);
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error(), reason) << ErrorName(taken.error());
    EXPECT_EQ(keyring.StateHash(), before);
  }
};

TEST_F(KeyringJoin, TheNextPacketOpens) {
  const Brought brought(server);
  ASSERT_TRUE(Give(brought));
  const MtkSlot* slot = keyring.mtks().FindByMki(brought.mki);
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->key, brought.mtk_key);
  EXPECT_EQ(slot->salt, brought.mtk_salt);
  EXPECT_EQ(keyring.RocHint(kVideo), Roc(3));
}

// COUNTERs up to that of the answer are past.
TEST_F(KeyringJoin, MtkMessagesAreFollowedFromTheCounterOn) {
  ASSERT_TRUE(Give(Brought(server)));
  server.mtk_counter = 40;
  const auto old = keyring.OnMtk(server.MtkMessage(Msk(2), 8), At(1));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error(), Error::kReplayed);
  const auto next = keyring.OnMtk(server.MtkMessage(Msk(2), 8), At(2));
  ASSERT_TRUE(next) << ErrorName(next.error());
  const auto before = keyring.OnMtk(server.MtkMessage(Msk(2), 6), At(3));
  ASSERT_FALSE(before) << "what was sent before the join stays closed";
  EXPECT_EQ(before.error(), Error::kOutsideInterval);
}

TEST_F(KeyringJoin, OlderMsksAreNotTakenAnyMore) {
  std::array<uint8_t, kMaxAnswer> answer{};
  ASSERT_TRUE(Give(Brought(server)));
  const auto old = keyring.OnMsk(server.MskMessage(Msk(1)), answer);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error(), Error::kReplayed);
  const auto same = keyring.OnMsk(server.MskMessage(Msk(2)), answer);
  ASSERT_TRUE(same);
  EXPECT_FALSE(same->is_new);
  EXPECT_TRUE(keyring.OnMsk(server.MskMessage(Msk(3)), answer));
}

TEST_F(KeyringJoin, JoiningAgainKeepsWhatIsPast) {
  ASSERT_TRUE(Give(Brought(server)));
  server.mtk_counter = 60;
  ASSERT_TRUE(keyring.OnMtk(server.MtkMessage(Msk(2), 8), At(1)));
  ASSERT_TRUE(Give(Brought(server)));
  server.mtk_counter = 59;
  const auto old = keyring.OnMtk(server.MtkMessage(Msk(2), 9), At(2));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error(), Error::kReplayed);
  EXPECT_EQ(keyring.mtks().held(), 2U);
}

// MIKEYv2 §10: nothing older is installed, however late the KEYS that bring it come.
TEST_F(KeyringJoin, WhatRetiredComesNotBack) {
  std::array<uint8_t, kMaxAnswer> answer{};
  const Brought before(server);  // MSK 2
  ASSERT_TRUE(Give(before));
  ASSERT_TRUE(keyring.OnMsk(server.MskMessage(Msk(3)), answer));
  Refused(before, Error::kReplayed);
  server.mtk_counter = 100;
  ASSERT_TRUE(keyring.OnMtk(server.MtkMessage(Msk(3), 1), At(1)));
  keyring.Used(keyring.mtks().Find(Msk(3), MtkId(1))->serial, At(2));
  keyring.OnTick(At(3000));
  Refused(before, Error::kReplayed);
  EXPECT_EQ(keyring.oldest(), KeyNumber(3));
  // Beside the next one it is passed over.
  Brought both(server);
  const Brought next(server, 3, 4);
  both.contents.keys.Add(next.contents.keys[0]);
  both.contents.keys.Add(next.contents.keys[1]);
  both.contents.rands.Add(next.rand);
  both.contents.msks.Add(next.contents.msks[0]);
  std::swap(const_cast<mikey::KeyDataPayload&>(both.contents.keys[1]),
            const_cast<mikey::KeyDataPayload&>(both.contents.keys[2]));
  ASSERT_TRUE(Give(both));
  EXPECT_EQ(keyring.msks().Find(Msk(2)), nullptr);
  EXPECT_EQ(keyring.mtks().FindByMki(before.mki), nullptr);
  EXPECT_NE(keyring.mtks().FindByMki(next.mki), nullptr);
  EXPECT_EQ(keyring.oldest(), KeyNumber(3));
}

TEST_F(KeyringJoin, AnMtkThatWasLetGoComesNotBack) {
  const Brought before(server);  // MTK 7
  ASSERT_TRUE(Give(before));
  server.mtk_counter = 100;
  ASSERT_TRUE(keyring.OnMtk(server.MtkMessage(Msk(2), 8), At(1)));
  keyring.Used(keyring.mtks().Find(Msk(2), MtkId(7))->serial, At(2));
  keyring.Used(keyring.mtks().Find(Msk(2), MtkId(8))->serial, At(3));
  keyring.OnTick(At(10'000));
  ASSERT_EQ(keyring.mtks().held(), 1U);
  EXPECT_TRUE(Give(before)) << "it is of the same MSK";
  EXPECT_EQ(keyring.mtks().held(), 1U);
}

// MIKEYv2 §10: of another tree, or group, Key Numbers tell nothing.
TEST_F(KeyringJoin, ANewTreeBeginsAnew) {
  const Bytes first_id(8, 1);
  const Bytes second_id(8, 2);
  const auto placed = [](Brought& brought, const Bytes& tree_id, uint32_t epoch) {
    brought.contents.member = mikey::v2::MemberState{};
    brought.contents.member->tree_id = tree_id;
    brought.contents.member->epoch = epoch;
  };
  Brought high(server, 11);
  placed(high, first_id, 4);
  ASSERT_TRUE(Give(high));
  Brought low(server, 1, 3);
  placed(low, first_id, 3);
  Refused(low, Error::kReplayed);
  placed(low, second_id, 1);
  ASSERT_TRUE(Give(low));
  EXPECT_EQ(keyring.oldest(), KeyNumber(1));
  EXPECT_EQ(keyring.msks().Find(Msk(11)), nullptr);
  EXPECT_NE(keyring.mtks().FindByMki(high.mki), nullptr) << "for late packets";
  keyring.OnTick(At(2000));
  EXPECT_EQ(keyring.mtks().FindByMki(high.mki), nullptr);
  EXPECT_NE(keyring.mtks().FindByMki(low.mki), nullptr);
}

TEST_F(KeyringJoin, ItIsAllOrNothing) {
  const KeyDomainId other{{1, 2, 3}};
  Brought domain(server);
  domain.contents.msks.clear();
  domain.contents.msks.Add({other.octets, domain.msk.value(), 41});
  Refused(domain, Error::kUnknownChannel);
  Brought group(server);
  group.contents.msks.clear();
  group.contents.msks.Add({kDomain.octets, 0x00090002, 41});
  Refused(group, Error::kUnknownChannel);
  Brought none(server);
  none.contents.csb_id.reset();
  Refused(none, Error::kMalformed);
  Brought outside(server);
  outside.mki[5] = 6;  // below the interval
  Refused(outside, Error::kMalformed);
  Brought elsewhere(server);
  elsewhere.mki[3] = 9;  // of an MSK that did not come
  Refused(elsewhere, Error::kMalformed);
  Brought two(server);
  two.streams.policies.Add(two.streams.policies[0]);
  Refused(two, Error::kUnsupportedPolicy);
  Brought no_mtk(server);
  const mikey::KeyDataPayload msk = no_mtk.contents.keys[0];
  no_mtk.contents.keys.clear();
  no_mtk.contents.keys.Add(msk);
  Refused(no_mtk, Error::kMalformed);
}

// Of a group that signs them (MIKEYv2 §10, feature 3).
struct SignedMtk : KeyringJoin {
  SignedMtk() : key(crypto::TestKey(testdata::kEd25519Key)), its_public(PublicOf()) {
    const Brought brought(server);
    KEYMAST_CHECK(Give(brought).has_value());
    server.mtk_counter = 41;
  }
  static crypto::PublicKey PublicOf() {
    crypto::CertificateRecipe recipe = crypto::EndRecipe();
    recipe.key = testdata::kEd25519Key;
    return *crypto::Certificate::KeyIn(crypto::MakeCertificate(recipe));
  }
  // Signed is the message of an MTK under MSK 2, by that key or by nobody.
  Bytes Signed(uint16_t mtk, const crypto::PrivateKey& by) {
    const MskId msk = Msk(2);
    const srtpio::TrafficKey traffic = server.TrafficKeyOf(msk, mtk);
    const Bytes rand = KeyServer::RandOf(msk);
    const crypto::Key32 under = KeyServer::MskKey(msk);
    mikey::v2::TickMessage one;
    one.profile = server.profile;
    one.message.ids = {server.domain, msk, MtkId(mtk)};
    one.message.csb_id = server.profile.csb_id;
    one.message.counter = ++server.mtk_counter;
    one.message.msk_rand = rand;
    one.message.key = traffic.master_key.view();
    one.message.salt = traffic.master_salt.view();
    one.msk = under.view();
    const auto written =
        mikey::v2::WriteSignedMtkMessages(crypto::DefaultSuite(), {&one, 1}, {1, by});
    KEYMAST_CHECK(written.has_value());
    return written->front();
  }
  Error ReasonOf(const Bytes& datagram, const MtkSigner& signer) {
    const auto taken = keyring.OnMtk(datagram, At(1), signer);
    return taken ? Error::kInternal : taken.error();
  }

  crypto::PrivateKey key;
  crypto::PublicKey its_public;
};

TEST_F(SignedMtk, ItsSignatureIsChecked) {
  const MtkSigner signer{1, &its_public};
  EXPECT_TRUE(keyring.OnMtk(Signed(8, key), At(1), signer));
  const auto other = crypto::TestKey(testdata::kOtherEd25519Key);
  EXPECT_EQ(ReasonOf(Signed(9, other), signer), Error::kAuthenticationFailed);
  EXPECT_EQ(ReasonOf(Signed(9, key), {2, &its_public}), Error::kUnknownKey);
  EXPECT_EQ(ReasonOf(server.MtkMessage(Msk(2), 9), signer), Error::kPayloadMissing);
  EXPECT_EQ(ReasonOf(Signed(9, key), {}), Error::kUnknownKey) << "no key is held";
  EXPECT_TRUE(keyring.OnMtk(Signed(9, key), At(1), signer)) << "what was refused changed nothing";
}

TEST_F(SignedMtk, OthersSkipIt) { EXPECT_TRUE(keyring.OnMtk(Signed(8, key), At(1))); }

// MIKEYv2 §10: an MSK retires with the first use of the next one.
struct Retirement : testing::Test {
  Retirement() { EXPECT_TRUE(core.OnJoin(brought.streams, brought.contents, At(0))); }
  // Follow takes an MSK message and the first MTK message under that MSK.
  void Follow(uint16_t msk) {
    server.roc = Roc(3);
    ASSERT_TRUE(GiveMsk(core, server.MskMessage(Msk(msk))));
    server.mtk_counter = 1000;
    ASSERT_TRUE(core.OnMtk(server.MtkMessage(Msk(msk), 1), At(10)));
  }
  Headend From(uint16_t msk, uint16_t mtk, uint16_t sequence, uint32_t roc = 3) {
    Headend headend(server, kVideo, srtp::MakeIndex(Roc(roc), sequence));
    headend.SwitchTo(Msk(msk), mtk);
    return headend;
  }
  std::vector<uint16_t> Msks() const {
    std::vector<uint16_t> held;
    for (const MskSlot& msk : core.keyring().msks().all()) {
      if (msk.order != 0) held.push_back(msk.id.number.value);
    }
    return held;
  }
  Error MtkRefused(uint16_t msk, uint16_t mtk) {
    const auto taken = core.OnMtk(server.MtkMessage(Msk(msk), mtk), At(60'000));
    EXPECT_FALSE(taken);
    return taken ? Error::kInternal : taken.error();
  }

  KeyServer server;
  Brought brought{server};  // MSK 2, MTK 7
  Core core = server.MakeCore();
};

TEST_F(Retirement, TheFirstPacketUnderTheNextMskEndsTheOneBefore) {
  Headend headend = From(2, 7, 100);
  ASSERT_TRUE(GiveMedia(core, headend.Send(), At(5)));
  Follow(3);
  EXPECT_EQ(Msks().size(), 2U) << "not before it is used";
  ASSERT_TRUE(core.OnMtk(server.MtkMessage(Msk(2), 8), At(15)));
  headend.SwitchTo(Msk(3), 1);
  ASSERT_TRUE(GiveMedia(core, headend.Send(), At(20)));
  EXPECT_EQ(Msks(), std::vector<uint16_t>{3});
  // Such a message is past, not of an MSK that is unknown: nothing is missing.
  EXPECT_EQ(MtkRefused(2, 77), Error::kReplayed);
  const auto again = GiveMsk(core, server.MskMessage(Msk(2)));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), Error::kReplayed);
}

TEST_F(Retirement, AReportByRtcpIsAUseToo) {
  Follow(3);
  Headend headend = From(3, 1, 100);
  ASSERT_TRUE(GiveMedia(core, headend.SendReport(), At(20)));
  EXPECT_EQ(Msks(), std::vector<uint16_t>{3});
}

TEST_F(Retirement, ItsMtksGoAfterTwoSecondsWhateverComesUnderThem) {
  Headend old = From(2, 7, 100);
  ASSERT_TRUE(GiveMedia(core, old.Send(), At(5)));
  Follow(3);
  Headend headend = From(3, 1, 110);
  ASSERT_TRUE(GiveMedia(core, headend.Send(), At(20)));
  EXPECT_TRUE(GiveMedia(core, old.Send(), At(1000))) << "a late packet";
  EXPECT_TRUE(GiveMedia(core, old.Send(), At(2019)));
  EXPECT_EQ(core.keyring().mtks().Current()->msk, Msk(3));
  const auto late = GiveMedia(core, old.Send(), At(2020));
  ASSERT_FALSE(late) << "without a tick";
  EXPECT_EQ(late.error(), Error::kReplayed);
  EXPECT_EQ(core.keyring().mtks().held(), 1U);
  EXPECT_TRUE(GiveMedia(core, headend.Send(), At(2021)));
}

TEST_F(Retirement, AnMtkOfItThatWasNeverUsedComesIntoUseNoMore) {
  ASSERT_TRUE(core.OnMtk((server.mtk_counter = 50, server.MtkMessage(Msk(2), 9)), At(1)));
  Follow(3);
  ASSERT_TRUE(GiveMedia(core, From(3, 1, 110).Send(), At(20)));
  EXPECT_TRUE(GiveMedia(core, From(2, 9, 100).Send(), At(30)));
  EXPECT_EQ(core.keyring().mtks().Current()->msk, Msk(3));
  core.OnTick(At(2020));
  EXPECT_EQ(core.keyring().mtks().held(), 1U);
}

TEST_F(Retirement, JoiningAgainBringsTheNextOneLikewise) {
  ASSERT_TRUE(GiveMedia(core, From(2, 7, 100).Send(), At(5)));
  const Brought next(server, 3, 4);
  ASSERT_TRUE(core.OnJoin(next.streams, next.contents, At(10)));
  EXPECT_EQ(Msks().size(), 2U);
  ASSERT_TRUE(GiveMedia(core, From(3, 4, 101).Send(), At(20)));
  EXPECT_EQ(Msks(), std::vector<uint16_t>{3});
  core.OnTick(At(2020));
  EXPECT_EQ(core.keyring().mtks().held(), 1U);
}

// Of a new tree Key Numbers may begin anew, and its packets move the index all the same.
TEST_F(Retirement, TheIndexFollowsANewTree) {
  Brought before(server, 11);
  ASSERT_TRUE(core.OnJoin(before.streams, before.contents, At(1)));
  Headend headend = From(11, 7, 100);
  ASSERT_TRUE(GiveMedia(core, headend.Send(), At(5)));
  Brought low(server, 1);
  const Bytes tree_id(8, 2);
  low.contents.member = mikey::v2::MemberState{};
  low.contents.member->tree_id = tree_id;
  ASSERT_TRUE(core.OnJoin(low.streams, low.contents, At(10)));
  headend.SwitchTo(Msk(1), 7);
  for (int i = 0; i < 3; ++i) {
    headend.Skip(25'000);
    ASSERT_TRUE(GiveMedia(core, headend.Send(), At(20 + i))) << i;
  }
}

// In 3GPP form the interval says how long an MSK is good; who was removed under one moves no index
// either way.
TEST(MskOf3gpp, PacketsUnderTheOlderOneMoveNoIndex) {
  KeyServer server;
  Core core = server.MakeCore();
  server.roc = Roc(3);
  const auto follow = [&](uint16_t msk) {
    ASSERT_TRUE(GiveMsk(core, server.MskMessage(Msk(msk))));
    ASSERT_TRUE(core.OnMtk(server.MtkMessage(Msk(msk), 1), At(0)));
  };
  follow(2);
  follow(3);
  Headend headend(server, kVideo, srtp::MakeIndex(Roc(3), 100));
  headend.SwitchTo(Msk(3), 1);
  ASSERT_TRUE(GiveMedia(core, headend.Send(), At(1)));
  server.mtk_counter = 1000;
  ASSERT_TRUE(core.OnMtk(server.MtkMessage(Msk(2), 77), At(2)));
  for (const uint16_t sequence : {uint16_t{20'000}, uint16_t{30'000}}) {
    Headend forger(server, kVideo, srtp::MakeIndex(Roc(3), sequence));
    forger.SwitchTo(Msk(2), 77);
    ASSERT_TRUE(GiveMedia(core, forger.Send(), At(3)));
    EXPECT_EQ(core.streams()[0]->highest(), srtp::MakeIndex(Roc(3), 100));
  }
  for (int i = 0; i < 400; ++i) EXPECT_TRUE(GiveMedia(core, headend.Send(), At(4 + i))) << i;
}

}  // namespace
}  // namespace keymast::receiver
