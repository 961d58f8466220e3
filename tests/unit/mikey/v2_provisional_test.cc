// SPDX-License-Identifier: Apache-2.0
// Answers by certificates that nobody has told of yet (MIKEYv2 §12, provisional).
#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

using crypto::CertificateRecipe;
using crypto::KeyKind;

constexpr auto kKind = KeyKind::kP256;
constexpr Mode kModes[] = {Mode::kDh, Mode::kEarlyDh, Mode::kRsa};
const Bytes kSession(20, 0x77);

// Unknown is a certificate that nobody issued and that names nobody.
CertificateRecipe Unknown(std::string_view key) {
  CertificateRecipe recipe;
  recipe.key = recipe.signer = key;
  return recipe;
}

// Strangers are two of whom neither can accept the other's certificate.
class Strangers {
 public:
  Strangers(Mode mode, const CertificateRecipe& peer) : world_(1, mode, &member_, &peer_) {
    member_.own.push_back(CredentialOf(Unknown(testdata::kEndKey)));
    peer_.own.push_back(CredentialOf(peer));
    peer_.self = OwnedIdentity(kPeerId);
    world_.policy_.fragments = kMaxFragments;
    world_.others_.fingerprint_ = HashOfOne(member_);
  }
  static crypto::Fingerprint HashOfOne(const Credentials& credentials) {
    return crypto::Sha256(credentials.own[0].chain[0]);
  }
  Wish Session() const {
    Wish wish = world_.Session();
    wish.psk = {};
    wish.session = kSession;
    wish.takes_provisional = true;
    wish.takes_fragments = true;
    return wish;
  }

  Credentials member_;
  Credentials peer_;
  World world_;
};

TEST(ProvisionalAnswers, AreTakenByAnyGoodCertificate) {
  for (const Mode mode : kModes) {
    for (const KeyKind kind : kKinds) {
      Strangers strangers(mode, Unknown(PeerKey(kind)));
      World& world = strangers.world_;
      world.Open(strangers.Session());
      EXPECT_EQ(world.offerer_.proved_by(), std::nullopt);
      EXPECT_TRUE(world.offerer_.takes_provisional());
      world.offerer_.Abandon();
      world.RunAll(strangers.Session());
      HaveOneSession(world);
      EXPECT_EQ(world.offerer_.proved_by(), Strangers::HashOfOne(strangers.peer_));
    }
  }
}

TEST(ProvisionalAnswers, AreAskedFor) {
  for (const Mode mode : kModes) {
    Strangers strangers(mode, Unknown(testdata::kP256Key));
    Wish wish = strangers.Session();
    wish.takes_provisional = false;
    strangers.world_.RunAll(wish);
    EXPECT_EQ(strangers.world_.offerer_.state(), Offerer::State::kOffered);
    EXPECT_EQ(strangers.world_.offered_.status, Err(Error::kCertificateUntrusted));
  }
}

// It is of a session by SDP whose fingerprint will come, and of no group.
TEST(ProvisionalAnswers, AreOfSessionsAlone) {
  Strangers strangers(Mode::kDh, Unknown(testdata::kP256Key));
  World& world = strangers.world_;
  const auto refused = [&](const Wish& wish) {
    Bytes out(RoomOf(world.policy_));
    const auto opened = world.offerer_.Open(wish, world.now_, world.rng_, out);
    return opened ? Error::kInternal : opened.error();
  };
  Wish join = world.Join();
  join.psk = {};
  EXPECT_EQ(refused(join), Error::kInternal);
  world.offerer_.Abandon();
  join.takes_provisional = true;
  EXPECT_EQ(refused(join), Error::kInvalidArgument);
  join.session = kSession;
  EXPECT_EQ(refused(join), Error::kInvalidArgument);
  Wish wish = strangers.Session();
  wish.session = {};
  EXPECT_EQ(refused(wish), Error::kInvalidArgument);
  wish = strangers.Session();
  wish.psk = kPskOctets;
  EXPECT_EQ(refused(wish), Error::kInvalidArgument);
  wish = strangers.Session();
  wish.peer = {};
  EXPECT_EQ(refused(wish), Error::kInvalidArgument);
  const crypto::Fingerprint told{};
  wish = strangers.Session();
  wish.fingerprint = told;
  EXPECT_EQ(refused(wish), Error::kInvalidArgument);
  const Resumption resumption;
  wish = strangers.Session();
  wish.resume = &resumption;
  EXPECT_EQ(refused(wish), Error::kInvalidArgument);
}

TEST(ProvisionalAnswers, NeedAValidCertificateThatMaySign) {
  const auto reason_for = [](const CertificateRecipe& recipe, Duration later = Duration(0)) {
    Strangers strangers(Mode::kDh, recipe);
    strangers.world_.now_ += later;
    strangers.world_.RunAll(strangers.Session());
    EXPECT_EQ(strangers.world_.offerer_.state(), Offerer::State::kOffered);
    EXPECT_EQ(strangers.world_.offerer_.proved_by(), std::nullopt);
    return ReasonOf(strangers.world_.offered_.status);
  };
  constexpr Duration kDay = std::chrono::hours(24);
  const CertificateRecipe recipe = Unknown(testdata::kP256Key);
  EXPECT_EQ(reason_for(recipe, kDay), Error::kCertificateExpired);
  EXPECT_EQ(reason_for(recipe, -kDay), Error::kCertificateExpired);
  CertificateRecipe other = recipe;
  other.key_usage = "critical,keyEncipherment";
  EXPECT_EQ(reason_for(other), Error::kCertificateUntrusted);
}

// Nobody answers by a certificate whose key it has not, nor by one that is not there.
TEST(ProvisionalAnswers, NeedAGoodSignatureAndTheWholeCertificate) {
  Strangers strangers(Mode::kDh, Unknown(testdata::kP256Key));
  World& world = strangers.world_;
  strangers.peer_.own[0].key = crypto::TestKey(testdata::kOtherP256Key);
  world.RunAll(strangers.Session());
  EXPECT_EQ(world.offered_.status, Err(Error::kAuthenticationFailed));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered);
  world.offerer_.Abandon();
  strangers.peer_.own[0].key = crypto::TestKey(testdata::kP256Key);
  for (const Shown shown : {Shown::kHash, Shown::kNothing}) {
    ASSERT_TRUE(strangers.member_.trust.Know(kPeerId, strangers.peer_.own[0].chain));
    strangers.peer_.shown = shown;
    world.RunAll(strangers.Session());
    EXPECT_EQ(world.offered_.status, Err(Error::kUnknownIdentity));
    EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered);
    world.offerer_.Abandon();
  }
}

// Who is not known ends nothing: an ERROR in place of an answer is proved as ever, or a hint.
TEST(ProvisionalAnswers, NoErrorsCountByThem) {
  Strangers strangers(Mode::kEarlyDh, Unknown(testdata::kP256Key));
  World& world = strangers.world_;
  world.others_.refusal_ = Error::kUnsupportedPolicy;
  world.RunAll(strangers.Session());
  EXPECT_EQ(world.offered_.status, Err(Error::kAuthenticationFailed));
  EXPECT_EQ(world.offerer_.peer_error(), std::nullopt);  // it has SIGN
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered);
}

// Not even of one whose certificate would do otherwise: the description may tell another one.
TEST(ProvisionalAnswers, NoErrorsCountByAnAnchorEither) {
  Strangers strangers(Mode::kEarlyDh, PeerRecipe(KeyKind::kP256));
  World& world = strangers.world_;
  TrustAuthority(strangers.member_.trust);
  world.others_.refusal_ = Error::kUnsupportedPolicy;
  world.RunAll(strangers.Session());
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered);
}

TEST(ProvisionalAnswers, EndWithTheFingerprint) {
  Strangers strangers(Mode::kDh, Unknown(testdata::kP256Key));
  World& world = strangers.world_;
  for (const bool is_his : {false, true}) {
    world.Open(strangers.Session());
    const std::vector<Bytes> cap = world.sent_;
    crypto::Fingerprint told = Strangers::HashOfOne(strangers.peer_);
    if (!is_his) told[0] ^= 1;
    world.offerer_.Expect(told);
    EXPECT_FALSE(world.offerer_.takes_provisional());
    std::vector<Bytes> answer;
    for (const Bytes& datagram : cap) {
      world.ToAnswerer(datagram);
      answer.insert(answer.end(), world.sent_.begin(), world.sent_.end());
    }
    for (const Bytes& datagram : answer) world.ToOfferer(datagram);
    EXPECT_EQ(world.offerer_.state(),
              is_his ? Offerer::State::kAnswered : Offerer::State::kOffered);
    world.offerer_.Abandon();
  }
}

}  // namespace
}  // namespace keymast::mikey::v2
