// SPDX-License-Identifier: Apache-2.0
// What certificates prove in MIKEYv2 (§5, §6), and what happens to the modes that they strike (§7).
#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

using crypto::CertificateRecipe;
using crypto::KeyKind;

constexpr auto kKind = KeyKind::kP256;

// Judgement is what a Trust makes of one chain.
class CertificatesOfVersion2 : public testing::Test {
 protected:
  CertificatesOfVersion2() { TrustAuthority(trust_); }

  Result<Proved> Judge(const CertificateChain& chain, const Claim& claim, Instant now = kStart) {
    payloads_.clear();
    for (const Bytes& certificate : chain)
      payloads_.push_back(CertPayload{CertType::kX509, certificate});
    Parts parts;
    parts.certificates = payloads_;
    return trust_.Judge(parts, claim, now);
  }
  Error ReasonFor(const CertificateRecipe& recipe, const Claim& claim, Instant now = kStart) {
    const auto proved = Judge({crypto::MakeCertificate(recipe)}, claim, now);
    return proved ? Error::kInternal : proved.error();
  }
  static crypto::Fingerprint HashOfOne(const Bytes& certificate) {
    return crypto::Certificate::FromDer(certificate)->Fingerprint();
  }

  Trust trust_;
  std::vector<Payload> payloads_;
  const Claim member_{kMemberId, false, {}};
  const Claim peer_{kPeerId, false, {}};
  const Claim group_{kGroupId, true, {}};
};

TEST_F(CertificatesOfVersion2, ProveWhatTheyName) {
  const auto member = Judge({crypto::MakeCertificate(MemberRecipe(KeyKind::kRsa))}, member_);
  ASSERT_TRUE(member);
  EXPECT_TRUE(member->may_encrypt);
  const auto peer = Judge({crypto::MakeCertificate(PeerRecipe(kKind))}, peer_);
  ASSERT_TRUE(peer);
  EXPECT_FALSE(peer->may_encrypt);  // no RSA key
  EXPECT_TRUE(Judge({crypto::MakeCertificate(PeerRecipe(kKind))}, group_));
}

TEST_F(CertificatesOfVersion2, ProveNothingElse) {
  EXPECT_EQ(ReasonFor(MemberRecipe(kKind), peer_), Error::kCertificateUntrusted);
  EXPECT_EQ(ReasonFor(PeerRecipe(kKind), member_), Error::kCertificateUntrusted);
  CertificateRecipe other_type = MemberRecipe(kKind);  // octets of an NAI in a URI
  other_type.alt_names = "URI:member@example.org";
  EXPECT_EQ(ReasonFor(other_type, member_), Error::kCertificateUntrusted);
  other_type.alt_names = "DNS:member@example.org";
  EXPECT_EQ(ReasonFor(other_type, member_), Error::kCertificateUntrusted);
  const Claim octets{{IdType::kByteString, kMemberId.data}, false, {}};
  EXPECT_EQ(ReasonFor(MemberRecipe(kKind), octets), Error::kCertificateUntrusted);
}

// §6 rule 2: a member's certificate is not a controller's.
TEST_F(CertificatesOfVersion2, AreAControllersByAuthorityAndUsage) {
  CertificateRecipe recipe = PeerRecipe(kKind);
  recipe.extended_usage = "clientAuth";
  EXPECT_EQ(ReasonFor(recipe, group_), Error::kCertificateUntrusted);
  recipe.extended_usage.clear();
  EXPECT_EQ(ReasonFor(recipe, group_), Error::kCertificateUntrusted);
  recipe = PeerRecipe(kKind);
  recipe.alt_names = "DNS:example.net";
  EXPECT_EQ(ReasonFor(recipe, group_), Error::kCertificateUntrusted);
  recipe.alt_names = "URI:mikey://example.org/tv";  // names its authority
  EXPECT_TRUE(Judge({crypto::MakeCertificate(recipe)}, group_));
  trust_.set_controller_usage({});
  EXPECT_EQ(ReasonFor(PeerRecipe(kKind), group_), Error::kCertificateUntrusted);
  const Bytes pinned = crypto::MakeCertificate(MemberRecipe(kKind));
  trust_.Pin(kGroupId, HashOfOne(pinned));
  EXPECT_TRUE(Judge({pinned}, group_));
}

TEST_F(CertificatesOfVersion2, LeadToAnAnchor) {
  CertificateRecipe middle = crypto::AuthorityRecipe();
  middle.subject = "middle";
  middle.key = testdata::kOtherP256Key;
  CertificateRecipe leaf = MemberRecipe(kKind);
  leaf.issuer = "middle";
  leaf.signer = testdata::kOtherP256Key;
  const Bytes end = crypto::MakeCertificate(leaf);
  EXPECT_TRUE(Judge({end, crypto::MakeCertificate(middle)}, member_));
  EXPECT_EQ(Judge({end}, member_).error(), Error::kCertificateUntrusted);
  middle.basic_constraints.clear();  // no authority
  EXPECT_EQ(Judge({end, crypto::MakeCertificate(middle)}, member_).error(),
            Error::kCertificateUntrusted);
  leaf.signer = testdata::kOtherEd25519Key;
  EXPECT_FALSE(Judge({crypto::MakeCertificate(leaf), crypto::MakeCertificate(middle)}, member_));
}

TEST_F(CertificatesOfVersion2, AreValidNow) {
  constexpr Duration kDay = std::chrono::hours(24);
  EXPECT_EQ(ReasonFor(MemberRecipe(kKind), member_, kStart + kDay), Error::kCertificateExpired);
  EXPECT_EQ(ReasonFor(MemberRecipe(kKind), member_, kStart - kDay), Error::kCertificateExpired);
}

TEST_F(CertificatesOfVersion2, AreForWhatTheyAreUsedFor) {
  CertificateRecipe recipe = MemberRecipe(KeyKind::kRsa);
  recipe.key_usage = "critical,keyEncipherment";
  EXPECT_EQ(ReasonFor(recipe, member_), Error::kCertificateUntrusted);
  recipe.key_usage = "critical,digitalSignature";
  const auto proved = Judge({crypto::MakeCertificate(recipe)}, member_);
  ASSERT_TRUE(proved);
  EXPECT_FALSE(proved->may_encrypt);
  recipe.key_usage.clear();
  EXPECT_TRUE(Judge({crypto::MakeCertificate(recipe)}, member_)->may_encrypt);
}

TEST_F(CertificatesOfVersion2, AreRevokedByLists) {
  crypto::ListRecipe list;
  list.signer = testdata::kAuthorityKey;
  list.revoked = {17};
  ASSERT_TRUE(trust_.store().AddRevocationList(crypto::MakeRevocationList(list)));
  EXPECT_EQ(ReasonFor(MemberRecipe(kKind), member_), Error::kCertificateRevoked);
  EXPECT_EQ(ReasonFor(PeerRecipe(kKind), peer_), Error::kInternal);  // it is not on the list
}

TEST_F(CertificatesOfVersion2, ThatArePinnedCountForTheirIdentityAlone) {
  CertificateRecipe recipe = MemberRecipe(kKind);  // self-signed, of no name, long past
  recipe.signer = recipe.key;
  recipe.issuer = "end";
  recipe.alt_names.clear();
  recipe.key_usage = "critical,keyEncipherment";
  recipe.until = -40000;
  const Bytes pinned = crypto::MakeCertificate(recipe);
  EXPECT_FALSE(Judge({pinned}, member_));
  trust_.Pin(kMemberId, HashOfOne(pinned));
  EXPECT_TRUE(Judge({pinned}, member_));
  EXPECT_FALSE(Judge({pinned}, peer_));
  EXPECT_FALSE(Judge({pinned}, {{IdType::kUri, kMemberId.data}, false, {}}));
}

TEST_F(CertificatesOfVersion2, OfAFingerprintAloneCount) {
  const Bytes end = crypto::MakeCertificate(MemberRecipe(kKind));
  const Bytes other = crypto::MakeCertificate(PeerRecipe(kKind));
  const Claim claim{kPeerId, false, HashOfOne(end)};
  EXPECT_TRUE(Judge({end}, claim));
  EXPECT_TRUE(Judge({end}, {{}, false, HashOfOne(end)}));
  EXPECT_EQ(Judge({other}, claim).error(), Error::kCertificateUntrusted);
  EXPECT_EQ(Judge({other}, {{}, false, {}}).error(), Error::kUnknownIdentity);
}

TEST_F(CertificatesOfVersion2, ThatAreNotShownAreKnown) {
  const Bytes end = crypto::MakeCertificate(MemberRecipe(kKind));
  const auto fingerprint = HashOfOne(end);
  ChashPayload chash{HashFunc::kSha256, fingerprint};
  Parts by_hash;
  by_hash.chash = &chash;
  EXPECT_EQ(trust_.Judge(by_hash, member_, kStart).error(), Error::kUnknownIdentity);
  EXPECT_EQ(trust_.Judge({}, member_, kStart).error(), Error::kUnknownIdentity);
  ASSERT_TRUE(trust_.Know(kMemberId, {end}));
  EXPECT_TRUE(trust_.Judge(by_hash, member_, kStart));
  EXPECT_TRUE(trust_.Judge({}, member_, kStart));
  // To be known is not to be believed.
  EXPECT_EQ(trust_.Judge(by_hash, peer_, kStart).error(), Error::kCertificateUntrusted);
  Trust other;
  ASSERT_TRUE(other.Know(kMemberId, {end}));
  EXPECT_EQ(other.Judge(by_hash, member_, kStart).error(), Error::kCertificateUntrusted);
  EXPECT_EQ(trust_.Know(kMemberId, {}), Err(Error::kInvalidArgument));
  EXPECT_FALSE(trust_.Know(kMemberId, {Bytes(10, 1)}));
}

TEST_F(CertificatesOfVersion2, AreRead) {
  EXPECT_EQ(Judge({Bytes(10, 1)}, member_).error(), Error::kMalformed);
  payloads_ = {CertPayload{CertType::kX509Url, AsBytes("http://example.org/")}};
  Parts parts;
  parts.certificates = payloads_;
  EXPECT_EQ(trust_.Judge(parts, member_, kStart).error(), Error::kMalformed);
}

// KeySizes of RSA: 2,048 to 4,096 bits, one key for signature and envelope.
class RsaKeys : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Sizes, RsaKeys,
                         testing::Values(testdata::kEndKey, testdata::kKey3072, testdata::kKey4096),
                         [](const auto& key) {
                           return "Of" + std::to_string(key.index + 2) + "K";
                         });

TEST_P(RsaKeys, ServeEachModeOnBothSides) {
  CertificateRecipe member = MemberRecipe(KeyKind::kRsa);
  CertificateRecipe peer = PeerRecipe(KeyKind::kRsa);
  member.key = GetParam();
  peer.key = GetParam();
  Pair pair(member, peer);
  for (const Mode mode : {Mode::kRsa, Mode::kDh, Mode::kEarlyDh}) {
    World world(1, mode, &pair.member, &pair.peer);
    world.policy_.fragments = 8;
    Wish wish = world.Session();
    wish.psk = {};
    wish.takes_fragments = true;
    world.RunAll(wish);
    HaveOneSession(world);
  }
}

// Struck is a world in which the Offerer has another certificate than it should.
class Struck : public testing::Test {
 protected:
  Struck() : pair_(kKind), world_(1, Mode::kEarlyDh, &pair_.member, &pair_.peer) {}

  // Refused runs a CAP of a member with that certificate.
  Bytes Refused(const CertificateRecipe& recipe) {
    world_.GiveUp();
    pair_.member.own.clear();
    pair_.member.own.push_back(CredentialOf(recipe));
    return world_.ToAnswerer(world_.Open(world_.Session()));
  }

  Pair pair_;
  World world_;
};

TEST_F(Struck, ABadCertificateIsMetWithSilence) {
  CertificateRecipe recipe = MemberRecipe(kKind);
  recipe.alt_names = "email:other@example.org";
  world_.policy_.modes.clear();
  world_.policy_.modes.Add(static_cast<uint8_t>(Mode::kDh));
  EXPECT_TRUE(Refused(recipe).empty());
  EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kAuthenticationFailed);
  recipe = MemberRecipe(kKind);
  recipe.until = -1;
  EXPECT_TRUE(Refused(recipe).empty());
  recipe = MemberRecipe(kKind);
  recipe.signer = testdata::kOtherP256Key;
  EXPECT_TRUE(Refused(recipe).empty());
  EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kAuthenticationFailed);
  EXPECT_EQ(world_.others_.grants_, 0);
}

// What remains is chosen: the pre-shared key is good still.
TEST_F(Struck, AModeByPreSharedKeyIsLeft) {
  world_.policy_.modes.Add(static_cast<uint8_t>(Mode::kPsk));
  CertificateRecipe recipe = MemberRecipe(kKind);
  recipe.alt_names = "email:other@example.org";
  EXPECT_FALSE(Refused(recipe).empty());
  ASSERT_TRUE(world_.answered_.status);
  EXPECT_EQ(world_.answered_.entry->exchange.choice.mode, Mode::kPsk);
  world_.GiveUp();
  Wish wish = world_.Session();
  const Bytes wrong(16, 1);
  wish.psk = wrong;
  EXPECT_TRUE(world_.ToAnswerer(world_.Open(wish)).empty());
  EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kAuthenticationFailed);
}

TEST_F(Struck, AWrongPreSharedKeyLeavesTheCertificate) {
  world_.policy_.modes.clear();
  for (const Mode mode : {Mode::kPsk, Mode::kDh}) {
    world_.policy_.modes.Add(static_cast<uint8_t>(mode));
  }
  Wish wish = world_.Session();
  const Bytes wrong(16, 1);
  wish.psk = wrong;
  world_.Run(wish);
  HaveOneSession(world_);
  EXPECT_EQ(world_.offerer_.exchange().choice.mode, Mode::kDh);
}

// §6 rule 4: a hint, upon which another exchange shows the certificate.
TEST_F(Struck, ACertificateThatIsNotKnownIsAskedFor) {
  world_.policy_.modes.clear();
  world_.policy_.modes.Add(static_cast<uint8_t>(Mode::kDh));
  for (const Shown shown : {Shown::kHash, Shown::kNothing}) {
    Wish wish = world_.Session();
    wish.shown = shown;
    const Bytes hint = world_.ToAnswerer(world_.Open(wish));
    EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kUnknownKey);
    world_.ToOfferer(hint);
    EXPECT_EQ(world_.offerer_.peer_error(), ErrorNumber::kInvalidCert);
    EXPECT_EQ(world_.offerer_.state(), Offerer::State::kOffered);
    world_.GiveUp();
  }
}

// OffersModeSeven makes a CAP of mode PSK one of a mode that is none.
Bytes OffersModeSeven(Bytes cap) {
  const Bytes modes = {1, 0, 1, static_cast<uint8_t>(Mode::kPsk)};
  const auto at = std::search(cap.begin(), cap.end(), modes.begin(), modes.end());
  KEYMAST_CHECK(at != cap.end());
  at[3] = 7;
  return cap;
}

// §13: no certificate helps who offers a mode that is none.
TEST_F(Struck, AModeThatIsNotKnownNeedsNoCertificate) {
  world_.policy_.modes.clear();
  world_.policy_.modes.Add(static_cast<uint8_t>(Mode::kPsk));
  world_.policy_.uses_v = false;  // there is none where no mode needs it
  world_.ToAnswerer(OffersModeSeven(world_.Open(world_.Session())));
  EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kUnsupportedPolicy);
}

// §13: an ERROR that A can prove neither by V nor by SIGN is a hint.
TEST_F(Struck, WhoVerifiesNoneOfOurSignaturesGetsAHint) {
  const auto ours = std::exchange(world_.policy_.signatures, {});
  world_.policy_.signatures.Add(static_cast<uint8_t>(SignatureType::kEd25519));
  Wish wish = world_.Session();
  wish.psk = {};
  const Bytes cap = world_.Open(wish);
  world_.policy_.signatures = ours;
  world_.ToOfferer(world_.ToAnswerer(cap));
  EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kUnsupportedPolicy);
  EXPECT_EQ(world_.offerer_.peer_error(), ErrorNumber::kInvalidDt);
  EXPECT_EQ(world_.offerer_.state(), Offerer::State::kOffered);
}

TEST_F(Struck, AnOffererTakesNoAnswerOfAnotherCertificate) {
  world_.policy_.modes.clear();
  world_.policy_.modes.Add(static_cast<uint8_t>(Mode::kDh));
  CertificateRecipe recipe = PeerRecipe(kKind);
  recipe.alt_names = "URI:sip:eve@example.org,DNS:example.net";
  pair_.peer.own.clear();
  pair_.peer.own.push_back(CredentialOf(recipe));
  for (const Wish& wish : {world_.Session(), world_.Join()}) {
    EXPECT_TRUE(world_.ToOfferer(world_.ToAnswerer(world_.Open(wish))).empty());
    EXPECT_EQ(ReasonOf(world_.offered_.status), Error::kCertificateUntrusted);
    world_.GiveUp();
  }
}

// §12: with SDP's fingerprint no other certificate counts, and no pre-shared key.
TEST_F(Struck, AFingerprintAloneCounts) {
  world_.policy_.modes.clear();
  for (const Mode mode : {Mode::kPsk, Mode::kDh}) {
    world_.policy_.modes.Add(static_cast<uint8_t>(mode));
  }
  const auto ours = crypto::Sha256(pair_.member.own[0].chain[0]);
  const auto theirs = crypto::Sha256(pair_.peer.own[0].chain[0]);
  Wish wish = world_.Session();
  wish.fingerprint = theirs;
  world_.others_.fingerprint_ = ours;
  world_.Run(wish);
  HaveOneSession(world_);
  EXPECT_EQ(world_.offerer_.exchange().choice.mode, Mode::kDh);
  wish.fingerprint = ours;
  world_.ToOfferer(world_.ToAnswerer(world_.Open(wish)));
  EXPECT_EQ(ReasonOf(world_.offered_.status), Error::kCertificateUntrusted);
  world_.GiveUp();
  world_.others_.fingerprint_ = theirs;
  world_.ToAnswerer(world_.Open(world_.Session()));
  EXPECT_EQ(ReasonOf(world_.answered_.status), Error::kAuthenticationFailed);
}

}  // namespace
}  // namespace keymast::mikey::v2
