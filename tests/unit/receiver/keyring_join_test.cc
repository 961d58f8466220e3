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

}  // namespace
}  // namespace keymast::receiver
