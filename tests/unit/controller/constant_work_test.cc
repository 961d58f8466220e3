// SPDX-License-Identifier: Apache-2.0
// What is refused costs the same, whoever it names: nobody learns by the time that is taken who is
// known here, has a certificate here or was revoked (MIKEYv2 §6 rule 4, §7, §15).
#include "mikey/v2/report.h"
#include "tests/unit/controller/joins.h"

namespace keymast::controller {
namespace {

using mikey::v2::Shown;

// Work is what a suite was asked for.
struct Work {
  uint64_t macs = 0;
  uint64_t hashes = 0;
  uint64_t verified = 0;
  std::vector<crypto::KeyForm> read;  // keys
  bool operator==(const Work&) const = default;
};
void PrintTo(const Work& work, std::ostream* out) {
  *out << work.macs << " MACs, " << work.hashes << " hashes, " << work.verified << " signatures";
  for (const auto& [kind, size] : work.read) {
    *out << ", a key of kind " << static_cast<int>(kind) << " for " << size << " octets";
  }
}
Work done;

const crypto::Suite& CountingSuite() {
  using Parts = crypto::SuiteFunctions::Parts;
  static const crypto::SuiteFunctions functions = [] {
    crypto::SuiteFunctions counting = *crypto::DefaultSuite().functions;
    counting.hmac = [](const void*, crypto::Hash hash, ByteView key, Parts parts,
                       MutableBytes out) {
      ++done.macs;
      crypto::DefaultSuite().hmac(hash, key, parts, out);
    };
    counting.hmac_once = [](const void*, crypto::Hash hash, ByteView key, Parts parts,
                            MutableBytes out) {
      ++done.macs;
      crypto::DefaultSuite().hmac_once(hash, key, parts, out);
    };
    counting.sha256 = [](const void*, Parts parts, MutableBytes out) {
      ++done.hashes;
      crypto::DefaultSuite().sha256(parts, out);
    };
    return counting;
  }();
  static const crypto::PublicSuite pk = [] {
    crypto::PublicSuite counting = *crypto::DefaultSuite().pk;
    counting.read_key = [](ByteView spki) {
      done.read.push_back(*crypto::PublicKey::FormIn(spki));
      return crypto::DefaultSuite().pk->read_key(spki);
    };
    counting.verify = [](const crypto::PublicKey& key, crypto::SignatureScheme scheme,
                         std::span<const ByteView> parts, ByteView signature) {
      ++done.verified;
      return crypto::DefaultSuite().pk->verify(key, scheme, parts, signature);
    };
    return counting;
  }();
  static const crypto::Suite suite = [] {
    crypto::Suite counting = crypto::DefaultSuite();
    counting.functions = &functions;
    counting.pk = &pk;
    return counting;
  }();
  return suite;
}

constexpr int kNobody = 9;  // whose identity is no subscriber's
constexpr std::array<uint8_t, mikey::v2::kTreeIdSize> kNoTree{};

struct ConstantWork : Joins {
  ConstantWork() : Joins(Everything()) {
    world.AddMembers(4, 5, false);
    world.members.clear();
    Use(ServerCredentials());
  }
  static KeyingConfig Everything() {
    return WithModes({Mode::kPsk, Mode::kEarlyDhhmac, Mode::kDh});
  }
  void Count() {
    const Config config{std::string(kServer), world.profile, world.keying};
    world.core = std::make_unique<Controller>(config, world.durable, *world.rng, CountingSuite());
    world.Deliver(world.core->Start(world.now, false));
    Use(ServerCredentials({103}));
  }
  // WorkOf a datagram that is refused.
  Work WorkOf(Receiver& from, const Bytes& datagram) {
    world.Pass(seconds(2));
    done = {};
    from.Ask(datagram);
    return done;
  }
  // JoinsBy its certificate, which is kept from then on.
  void JoinsBy(int member, crypto::KeyKind kind = crypto::KeyKind::kEd25519) {
    crypto::CertificateRecipe recipe = CertificateOf(member);
    recipe.key = mikey::v2::MemberKey(kind);
    const auto credentials = CredentialsOf(recipe);
    Receiver receiver(world, member, Mode::kDh, kMskMessages, &credentials);
    receiver.Run();
    ASSERT_EQ(receiver.state(), State::kDone);
  }
  // WrongSign of a certificate that is not shown, by a key of `kind`.
  Work WrongSign(int member, Shown shown, crypto::KeyKind kind) {
    crypto::CertificateRecipe recipe = CertificateOf(member);
    recipe.key = mikey::v2::MemberKey(kind);
    const auto credentials = CredentialsOf(recipe);
    Receiver receiver(world, member, Mode::kDh, kMskMessages, &credentials);
    receiver.shown = shown;
    Bytes cap = receiver.Cap();
    cap[cap.size() - 10] ^= 1;
    return WorkOf(receiver, cap);
  }
  // WrongV of a CAP of an identity, or under a ticket.
  Work WrongV(int member, const mikey::v2::Resumption* resume = nullptr) {
    Receiver receiver(world, member, Mode::kEarlyDhhmac);
    receiver.key = UserKeyOf(77);
    receiver.resume = resume;
    const Work work = WorkOf(receiver, receiver.Cap());
    EXPECT_TRUE(receiver.step.datagrams.empty());
    return work;
  }
};

// Some of these joined by a certificate of each kind, one is a subscriber who did not, one was
// revoked since, one is nobody.
TEST_F(ConstantWork, SignOfACertificateThatIsNotShown) {
  JoinsBy(1);
  JoinsBy(3);
  JoinsBy(4, crypto::KeyKind::kP256);
  JoinsBy(5, crypto::KeyKind::kRsa);
  ASSERT_EQ(world.core->KeptCertificates(), 4U);
  Count();
  for (const Shown shown : {Shown::kNothing, Shown::kHash}) {
    for (const auto kind :
         {crypto::KeyKind::kEd25519, crypto::KeyKind::kP256, crypto::KeyKind::kRsa}) {
      const Work kept = WrongSign(1, shown, kind);
      EXPECT_EQ(kept.verified, 1U);
      ASSERT_EQ(kept.read.size(), 1U);
      EXPECT_EQ(kept.read[0].kind, kind);
      for (const int member : {2, 3, 4, 5, kNobody}) {
        EXPECT_EQ(WrongSign(member, shown, kind), kept) << member;
      }
    }
  }
  EXPECT_EQ(Discarded(Error::kUnknownKey), 36U);
}

// The refusal is no slip of the decoy: who has the key is answered.
TEST_F(ConstantWork, WhoseItIsIsAnswered) {
  JoinsBy(1);
  Count();
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  receiver.shown = Shown::kNothing;
  receiver.Run();
  EXPECT_EQ(receiver.state(), State::kDone);
}

TEST_F(ConstantWork, VOfACap) {
  Count();
  const Work known = WrongV(1);
  EXPECT_GT(known.macs, 0U);
  EXPECT_EQ(WrongV(kNobody), known);
}

TEST_F(ConstantWork, VOfACapUnderATicket) {
  Receiver anna(world, 1, Mode::kPsk, kMskMessages | mikey::v2::kTicketFeature);
  anna.Run();
  ASSERT_TRUE(anna.offerer.resumption().has_value());
  mikey::v2::Resumption wrong = *anna.offerer.resumption();
  wrong.secret = UserKeyOf(77);
  Count();
  // One that opens has its id hashed: that tells its holder nothing.
  EXPECT_EQ(WrongV(1, &wrong).macs, WrongV(kNobody).macs);
  wrong.ticket.back() ^= 1;
  const Work unknown = WrongV(1, &wrong);
  EXPECT_EQ(unknown, WrongV(1)) << "as without a ticket";
  EXPECT_EQ(unknown, WrongV(kNobody, &wrong));
}

struct ConstantReport : ConstantWork {
  Work WrongReport(int member, ByteView ticket) {
    Receiver receiver(world, member, Mode::kPsk);
    mikey::v2::Report report;
    report.csb_id = world.ladder().msk->csb_id;
    report.member = {mikey::IdType::kNai, AsBytes(receiver.identity)};
    report.group = {mikey::IdType::kUri, AsBytes(kNewsUri)};
    report.ids = {world.channel().channel.key_domain, {KeyGroup(7), KeyNumber(0)}, std::nullopt};
    report.t = UINT32_MAX;
    report.body.tree_id = kNoTree;
    report.ticket = ticket;
    std::array<uint8_t, mikey::v2::kRandOctets> rand{};
    Bytes out(mikey::v2::kMaxOneDatagram);
    const auto size =
        mikey::v2::WriteReport(crypto::DefaultSuite(), report, UserKeyOf(77), rand, out);
    EXPECT_TRUE(size.has_value());
    out.resize(size.value_or(0));
    const Work work = WorkOf(receiver, out);
    EXPECT_TRUE(receiver.step.datagrams.empty());
    return work;
  }
};

TEST_F(ConstantReport, OfAUserKey) {
  Receiver(world, 1, Mode::kPsk).Run();
  Count();
  const Work known = WrongReport(1, {});
  EXPECT_GT(known.macs, 0U);
  EXPECT_EQ(WrongReport(2, {}), known) << "who has not joined";
  EXPECT_EQ(WrongReport(kNobody, {}), known);
}

TEST_F(ConstantReport, OfATicket) {
  Receiver anna(world, 1, Mode::kPsk, kMskMessages | mikey::v2::kTicketFeature);
  anna.Run();
  ASSERT_TRUE(anna.offerer.resumption().has_value());
  Bytes ticket = anna.offerer.resumption()->ticket;
  Count();
  const Work known = WrongReport(1, ticket);
  EXPECT_GT(known.macs, 0U);
  EXPECT_EQ(WrongReport(kNobody, ticket), known);
  ticket.back() ^= 1;
  const Work unknown = WrongReport(1, ticket);
  EXPECT_EQ(unknown.macs, known.macs);
  EXPECT_EQ(WrongReport(kNobody, ticket), unknown);
}

}  // namespace
}  // namespace keymast::controller
