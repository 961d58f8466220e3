// SPDX-License-Identifier: Apache-2.0
// What libkeymast-receiver-certificates has beside: joins in the modes DH, early DH and RSA.
#include "mikey/v2/capabilities.h"
#include "tests/unit/receiver/certificates/certificates_world.h"
#include "tests/unit/receiver/heap/heap_calls.h"

namespace keymast::receiver::library {
namespace {

void HasItsKeys(CertificatesWorld& world, const Done& done) {
  ASSERT_EQ(done.joined, std::vector<uint8_t>{0});
  EXPECT_EQ(done.installed, std::vector<Bytes>{world.group_->Mki(1)});
  const keymast_key* key = world.Key(0, world.group_->Mki(1));
  ASSERT_NE(key, nullptr);
  EXPECT_TRUE(Equal({key->key, key->key_size}, world.group_->Mtk(1)));
}

// Modes that a CAP offers.
Bytes ModesOf(const Bytes& cap) {
  mikey::Message message;
  const auto* payload =
      mikey::ParseMessage(cap, message) ? message.Get<mikey::CapPayload>() : nullptr;
  if (payload == nullptr) return {};
  const auto offer = mikey::v2::ReadCapabilities(*payload);
  return offer ? Bytes(offer->modes.begin(), offer->modes.end()) : Bytes{};
}

// Refuses asks that an answer is discarded for a reason, and that nothing comes of it.
void Refuses(CertificatesWorld& world, const Bytes& answer, keymast_reason reason) {
  EXPECT_STREQ(keymast_reason_name(world.Receive(answer)), keymast_reason_name(reason));
  EXPECT_TRUE(world.Take().kinds.empty());
  EXPECT_EQ(world.Key(0, world.group_->Mki(1)), nullptr);
}

class EachKind : public testing::TestWithParam<KeyKind> {};
INSTANTIATE_TEST_SUITE_P(CertificatesLibrary, EachKind,
                         testing::Values(KeyKind::kEd25519, KeyKind::kP256, KeyKind::kRsa),
                         [](const testing::TestParamInfo<KeyKind>& kind) {
                           if (kind.param == KeyKind::kRsa) return "Rsa";
                           return kind.param == KeyKind::kP256 ? "P256" : "Ed25519";
                         });

TEST_P(EachKind, JoinsByDiffieHellmanWithCertificatesKnownByHash) {
  for (const Mode mode : {Mode::kDh, Mode::kEarlyDh}) {
    CertificatesWorld world({mode}, GetParam());
    world.ShowHashes();
    HasItsKeys(world, world.JoinAndSettle());
  }
}

TEST_P(EachKind, ShowsItsCertificatesWhereTheyFit) {
  for (const Mode mode : {Mode::kDh, Mode::kEarlyDh}) {
    CertificatesWorld world({mode}, GetParam());
    const Done done = world.JoinAndSettle();
    if (GetParam() != KeyKind::kRsa) {
      HasItsKeys(world, done);
      continue;
    }
    // A CAP with a certificate and a signature of RSA is longer than a datagram.
    EXPECT_EQ(done.failed, (std::vector{std::pair{uint8_t{0}, KEYMAST_TOO_LONG}}));
  }
}

TEST(CertificatesLibrary, JoinsByAnEnvelope) {
  CertificatesWorld world({Mode::kRsa}, KeyKind::kRsa);
  world.ShowHashes();
  HasItsKeys(world, world.JoinAndSettle());
}

TEST(CertificatesLibrary, OffersWhatItCan) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{5, 3}));
  world.member_.user_key = COctets(kUserKey);  // both: the server chooses
  world.StartAnew();
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{5, 6, 3, 4, 1}));
  world.member_.certificates = nullptr;
  world.StartAnew();
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{6, 4, 1}));
}

TEST(CertificatesLibrary, OffersAnEnvelopeOfRsaAlone) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kRsa);
  world.ShowHashes();
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{5, 3, 2}));
  world.member_.needs_dh = 1;
  world.StartAnew();
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{5, 3}));
  world.member_.needs_dh = 0;
  world.table_.x25519 = nullptr;
  world.StartAnew();
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{2}));
}

TEST(CertificatesLibrary, JoinsByEitherWhereItHasBoth) {
  for (const Mode mode : {Mode::kDh, Mode::kEarlyDh, Mode::kPsk, Mode::kEarlyDhhmac}) {
    CertificatesWorld world({mode}, KeyKind::kEd25519);
    world.member_.user_key = COctets(kUserKey);
    world.StartAnew();
    HasItsKeys(world, world.JoinAndSettle());
  }
}

// One bit wrong, wherever: the answer proves nothing then.
TEST(CertificatesLibrary, TakesNoAnswerThatWasChanged) {
  for (const Mode mode : {Mode::kDh, Mode::kEarlyDh, Mode::kRsa}) {
    CertificatesWorld world({mode}, KeyKind::kRsa);
    world.ShowHashes();
    const Bytes answer = world.AnswerToJoin();
    ASSERT_FALSE(answer.empty());
    for (size_t i = 0; i < answer.size(); i += 3) {
      Bytes changed = answer;
      changed[i] ^= static_cast<uint8_t>(1 << i % 8);
      EXPECT_NE(world.Receive(changed), KEYMAST_OK) << i;
    }
    EXPECT_TRUE(world.Take().kinds.empty());
    EXPECT_EQ(world.Receive(answer), KEYMAST_OK);
    HasItsKeys(world, world.Settle());
  }
}

TEST(CertificatesLibrary, TakesNoWrongSignature) {
  for (const Mode mode : {Mode::kDh, Mode::kEarlyDh}) {
    CertificatesWorld world({mode}, KeyKind::kEd25519);
    Bytes answer = world.AnswerToJoin();
    const Bytes good = answer;
    answer.back() ^= 1;  // SIGN is last
    Refuses(world, answer, KEYMAST_AUTHENTICATION_FAILED);
    EXPECT_EQ(world.Receive(good), KEYMAST_OK);
  }
}

TEST(CertificatesLibrary, AsksItsOwnerWhoMayAnswer) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  const Bytes answer = world.AnswerToJoin();
  for (const keymast_reason reason :
       {KEYMAST_CERTIFICATE_UNTRUSTED, KEYMAST_CERTIFICATE_REVOKED, KEYMAST_UNKNOWN_IDENTITY}) {
    static keymast_reason says;
    says = reason;
    const auto judge = world.certificates_.judge;
    world.certificates_.judge = [](void*, const keymast_shown*, keymast_octets*, uint32_t*) {
      return says;
    };
    Refuses(world, answer, reason);
    world.certificates_.judge = judge;
  }
  world.now_ += uint64_t{1000} * 43201;
  Refuses(world, answer, KEYMAST_CERTIFICATE_EXPIRED);
  world.now_ -= uint64_t{1000} * 43201;
  EXPECT_EQ(world.Receive(answer), KEYMAST_OK);
}

// MIKEYv2 §6 rule 2: no member's certificate, and no other group's server.
TEST(CertificatesLibrary, TakesNoOtherForTheGroupsServer) {
  const auto member = mikey::v2::MemberRecipe(KeyKind::kEd25519);
  crypto::CertificateRecipe others = ServerRecipe(KeyKind::kEd25519);
  others.alt_names = "DNS:other.example.org";
  crypto::CertificateRecipe no_controllers = ServerRecipe(KeyKind::kEd25519);
  no_controllers.extended_usage = {};
  crypto::CertificateRecipe strangers = ServerRecipe(KeyKind::kEd25519);
  strangers.signer = strangers.key;
  for (const auto& recipe : {others, no_controllers, strangers}) {
    CertificatesWorld world({Mode::kDh}, member, recipe);
    Refuses(world, world.AnswerToJoin(), KEYMAST_CERTIFICATE_UNTRUSTED);
  }
}

TEST(CertificatesLibrary, TakesAPinnedServerWhoeverSignedIt) {
  crypto::CertificateRecipe recipe = ServerRecipe(KeyKind::kEd25519);
  recipe.signer = recipe.key;
  CertificatesWorld world({Mode::kDh}, mikey::v2::MemberRecipe(KeyKind::kEd25519), recipe);
  keymast_pin pin{COctets(AsBytes(kUri)), {}};
  const auto hash = crypto::Sha256(world.pair_.peer.own[0].chain[0]);
  std::copy(hash.begin(), hash.end(), pin.hash);
  world.files_.settings.pins = &pin;
  world.files_.settings.pin_count = 1;
  world.MakeOwner();
  world.StartAnew();
  HasItsKeys(world, world.JoinAndSettle());
}

TEST(CertificatesLibrary, TakesNoRevokedServer) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  crypto::ListRecipe list;
  list.signer = crypto::AuthorityRecipe().key;
  list.revoked = {18};
  world.files_.lists = Pem(crypto::MakeRevocationList(list), "X509 CRL");
  world.MakeOwner();
  world.StartAnew();
  Refuses(world, world.AnswerToJoin(), KEYMAST_CERTIFICATE_REVOKED);
}

TEST(CertificatesLibrary, KnowsNoHashThatItsOwnerLacks) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  world.pair_.peer.shown = mikey::v2::Shown::kHash;
  Refuses(world, world.AnswerToJoin(), KEYMAST_UNKNOWN_IDENTITY);
}

// The hint proves nothing: the join goes on until its time is over, and then says why.
TEST(CertificatesLibrary, TellsWhenTheServerLacksItsCertificate) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  world.files_.settings.shown_by_hash = 1;
  world.MakeOwner();
  world.StartAnew();
  Done done = world.JoinAndSettle();
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(done.failed.empty());
    world.now_ = world.deadline();
    world.Tick();
    done = world.Settle();
  }
  EXPECT_EQ(done.failed, (std::vector{std::pair{uint8_t{0}, KEYMAST_CERTIFICATE_UNTRUSTED}}));
}

// MIKEYv2 §8: what KEYS gave serves the next join.
TEST(CertificatesLibrary, JoinsAgainWithTheFreshOfBefore) {
  CertificatesWorld world({Mode::kEarlyDh, Mode::kDh}, KeyKind::kEd25519);
  world.answerer_.use_tickets(nullptr);
  ASSERT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(TypeOf(world.ToServer(world.Take().sent.at(0))), 246);
  world.StartAnew();
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  ASSERT_EQ(world.Join(0, kUri), KEYMAST_OK);
  const Bytes answer = world.ToServer(world.Take().sent.at(0));
  EXPECT_EQ(TypeOf(answer), 246);
  EXPECT_EQ(world.Receive(answer), KEYMAST_OK);
  EXPECT_EQ(world.Take().joined.size(), 1u) << "by the answer already: early DH";
}

TEST(CertificatesLibrary, JoinsAgainByTicket) {
  for (const Mode mode : {Mode::kDh, Mode::kRsa}) {
    CertificatesWorld world({mode, Mode::kEarlyDhhmac, Mode::kPsk}, KeyKind::kRsa);
    world.ShowHashes();
    for (size_t i = 0; i <= 2; ++i) {
      EXPECT_EQ(world.JoinAndSettle().joined.size(), 1u);
      EXPECT_EQ(world.tickets_.spent_.size(), i);
    }
  }
}

// MIKEYv2 §11: the server's certificate ends in 12 hours.
TEST(CertificatesLibrary, ShowsNoTicketBeyondTheServersCertificate) {
  CertificatesWorld world({Mode::kDh, Mode::kEarlyDhhmac, Mode::kPsk}, KeyKind::kEd25519);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.now_ += uint64_t{1000} * 43201;
  EXPECT_EQ(world.Join(0, kUri), KEYMAST_OK);
  EXPECT_EQ(ModesOf(world.Take().sent.at(0)), (Bytes{5, 3}));
}

// Without user key R is that of the newest ticket, which goes along (MIKEYv2 §4.4, §10).
TEST(CertificatesLibrary, ReportsByItsTicket) {
  CertificatesWorld world({Mode::kDh, Mode::kEarlyDhhmac, Mode::kPsk}, KeyKind::kEd25519);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  world.group_->msk.number = KeyNumber(2);
  world.MissFor(0, world.group_->Mki(1));
  const Bytes report = world.NextReport();
  mikey::Message message;
  ASSERT_TRUE(mikey::ParseMessage(report, message));
  const auto parts = mikey::v2::ReadParts(message, mikey::v2::Form::kReport);
  ASSERT_TRUE(parts && parts->ticket != nullptr);
  const auto opened = world.tickets_.Find(parts->ticket->data, {}, {});
  ASSERT_TRUE(opened);
  world.members_.r_ = mikey::v2::ReportKey(crypto::DefaultSuite(), opened->secret.view());
  const auto taken = world.Read(report);
  ASSERT_TRUE(taken);
  EXPECT_EQ(world.Receive(world.KeysTo(taken->binding, true)), KEYMAST_OK);
  EXPECT_EQ(world.Take().installed, std::vector<Bytes>{world.group_->Mki(1)});
  EXPECT_EQ(world.Receive(world.UnaskedKeys(9)), KEYMAST_OK);
  world.Take();
  // And so it leaves.
  EXPECT_EQ(keymast_receiver_leave(world.context_.get(), 0, world.now_), KEYMAST_OK);
  const auto leave = world.Read(world.Take().sent.at(0));
  ASSERT_TRUE(leave);
  EXPECT_EQ(leave->report.body.kind, ReportKind::kLeave);
  EXPECT_EQ(world.Receive(world.KeysTo(leave->binding, false)), KEYMAST_OK);
  EXPECT_EQ(world.Take().left, (std::vector{std::pair{uint8_t{0}, KEYMAST_OK}}));
}

// Two tickets are kept: a third takes the place of the first to end, which a leave waits with.
TEST(CertificatesLibrary, HasLeftWhenItsTicketIsGone) {
  auto member = mikey::v2::MemberRecipe(KeyKind::kEd25519);
  auto server = ServerRecipe(KeyKind::kEd25519);
  member.until = server.until = 10 * 86400;
  CertificatesWorld world({Mode::kDh, Mode::kEarlyDhhmac, Mode::kPsk}, member, server);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_EQ(keymast_receiver_leave(world.context_.get(), 0, world.now_), KEYMAST_OK);
  world.Take();
  world.now_ += 100;
  for (uint8_t channel = 1; channel < 3; ++channel) {
    const std::string uri = kUri + std::to_string(channel);
    world.server_.Add(uri);
    ASSERT_EQ(world.Join(channel, uri), KEYMAST_OK);
    ASSERT_EQ(world.Settle().joined.size(), 1u);
  }
  world.now_ = world.deadline();
  EXPECT_EQ(world.Tick(), KEYMAST_OK);
  EXPECT_EQ(world.Take().left, (std::vector{std::pair{uint8_t{0}, KEYMAST_UNAVAILABLE}}));
}

TEST(CertificatesLibrary, TakesNoMessagesOf3gppWithoutUserKey) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  Group next = world.group_->Next();
  EXPECT_EQ(world.Receive(next.MskMessage(5, "server")), KEYMAST_UNKNOWN_IDENTITY);
}

TEST(CertificatesLibrary, RefusesCertificatesThatCannotBeUsed) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  const keymast_certificates good = world.certificates_;
  const auto refuses = [&](auto change) {
    keymast_receiver_wipe(world.context_.get());
    world.certificates_ = good;
    change(world.certificates_);
    EXPECT_EQ(world.Start(), KEYMAST_INVALID_ARGUMENT);
    world.certificates_ = good;
    EXPECT_EQ(world.Start(), KEYMAST_OK);
  };
  static const uint8_t kTwice[] = {15, 15};
  static const uint8_t kUnknown[] = {15, 2};
  static const keymast_octets kEmpty[] = {{nullptr, 0}};
  refuses([](keymast_certificates& c) { c.chain_size = 0; });
  refuses([](keymast_certificates& c) { c.chain_size = 5; });
  refuses([](keymast_certificates& c) { c.chain = nullptr; });
  refuses([](keymast_certificates& c) { c.chain = kEmpty; });
  refuses([](keymast_certificates& c) { c.signs_by = static_cast<keymast_signature>(2); });
  refuses([](keymast_certificates& c) { c.signature_size = 65; });
  refuses([](keymast_certificates& c) { c.signs_by = KEYMAST_RSA_PSS; });
  refuses([](keymast_certificates& c) { c.verifies_size = 0; });
  refuses([](keymast_certificates& c) { c.verifies_size = 4; });
  refuses([](keymast_certificates& c) { c.verifies = kTwice, c.verifies_size = 2; });
  refuses([](keymast_certificates& c) { c.verifies = kUnknown, c.verifies_size = 2; });
  refuses([](keymast_certificates& c) { c.sign = nullptr; });
  refuses([](keymast_certificates& c) { c.judge = nullptr; });
  refuses([](keymast_certificates& c) { c.verify = nullptr; });
  refuses(
      [](keymast_certificates& c) { c.open_envelope = [](void*, keymast_octets, uint8_t*) {}; });
  // Neither a key nor a certificate, and neither Diffie-Hellman nor an envelope.
  world.member_.certificates = nullptr;
  EXPECT_EQ(world.Start(), KEYMAST_INVALID_ARGUMENT);
  world.member_.certificates = &world.certificates_;
  world.table_.x25519 = nullptr;
  EXPECT_EQ(world.Start(), KEYMAST_INVALID_ARGUMENT);
}

// Of the heap only table and owner ask: what they do is counted apart.
size_t calls_of_others = 0;
const keymast_certificates* counted = nullptr;
template <class Call>
auto Counted(Call call) {
  const size_t before = HeapCalls();
  const auto result = call();
  calls_of_others += HeapCalls() - before;
  return result;
}

void CountOwner(keymast_certificates& certificates) {
  static keymast_certificates real;
  real = certificates;
  counted = &real;
  certificates.sign = [](void* user, const keymast_octets* parts, size_t count, uint8_t* out) {
    Counted([&] { return counted->sign(user, parts, count, out), 0; });
  };
  certificates.open_envelope = [](void* user, keymast_octets sealed, uint8_t* out) {
    Counted([&] { return counted->open_envelope(user, sealed, out), 0; });
  };
  certificates.judge = [](void* user, const keymast_shown* shown, keymast_octets* leaf,
                          uint32_t* seconds) {
    return Counted([&] { return counted->judge(user, shown, leaf, seconds); });
  };
  certificates.verify = [](void* user, keymast_octets leaf, keymast_signature type,
                           const keymast_octets* parts, size_t count, keymast_octets signature) {
    return Counted([&] { return counted->verify(user, leaf, type, parts, count, signature); });
  };
}

TEST(CertificatesLibrary, TouchesTheHeapNeverItself) {
  for (const Mode mode : {Mode::kRsa, Mode::kDh, Mode::kEarlyDh}) {
    CertificatesWorld world({mode}, KeyKind::kRsa);
    world.ShowHashes();
    const auto random = world.table_.random;
    world.table_ = *keymast_crypto_smartcard();
    world.table_.user = &world.rng_;
    world.table_.random = random;
    world.table_.x25519 = [](void*, const uint8_t* scalar, const uint8_t* point, uint8_t* out) {
      return Counted([&] { return keymast_crypto_openssl()->x25519(nullptr, scalar, point, out); });
    };
    CountOwner(world.certificates_);
    calls_of_others = 0;
    size_t calls = 0;
    const auto count = [&calls](auto call) {
      const size_t before = HeapCalls();
      call();
      calls += HeapCalls() - before;
    };
    keymast_receiver_wipe(world.context_.get());
    count([&] { world.Start(); });
    count([&] { world.Join(0, kUri); });
    for (int i = 0; i < 4 && world.Key(0, world.group_->Mki(1)) == nullptr; ++i) {
      const Bytes reply = world.ToServer(world.Take().sent.at(0));
      count([&] { EXPECT_EQ(world.Receive(reply), KEYMAST_OK); });
    }
    EXPECT_NE(world.Key(0, world.group_->Mki(1)), nullptr);
    count([&] { keymast_receiver_wipe(world.context_.get()); });
    EXPECT_GT(calls_of_others, 0u);
    EXPECT_EQ(calls, calls_of_others);
    world.Start();
  }
}

TEST(CertificatesLibrary, WipesWhatItHeld) {
  CertificatesWorld world({Mode::kEarlyDh}, KeyKind::kEd25519);
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_TRUE(world.Has(world.group_->Mtk(1)));
  keymast_receiver_wipe(world.context_.get());
  EXPECT_FALSE(world.Has(world.group_->Mtk(1)));
  EXPECT_FALSE(world.Has(Bytes(world.pair_.member.own[0].chain[0])));
  world.Start();
}

TEST(X509Owner, RefusesWhatItCannotUse) {
  keymast_x509* made = nullptr;
  const auto recipe = mikey::v2::MemberRecipe(KeyKind::kEd25519);
  const auto refuses = [&](keymast_reason reason, auto change) {
    OwnerFiles files(recipe);
    change(files);
    EXPECT_STREQ(keymast_reason_name(files.Make(&made)), keymast_reason_name(reason));
    EXPECT_EQ(made, nullptr);
  };
  refuses(KEYMAST_MALFORMED, [](OwnerFiles& files) { files.certificates.clear(); });
  refuses(KEYMAST_MALFORMED, [](OwnerFiles& files) { files.key.clear(); });
  refuses(KEYMAST_INVALID_ARGUMENT,
          [](OwnerFiles& files) { files.key = mikey::v2::PeerKey(KeyKind::kEd25519); });
  refuses(KEYMAST_INVALID_ARGUMENT,
          [](OwnerFiles& files) { files.key = mikey::v2::MemberKey(KeyKind::kP256); });
  refuses(KEYMAST_INVALID_ARGUMENT, [](OwnerFiles& files) { files.anchors = files.certificates; });
  refuses(KEYMAST_MALFORMED, [](OwnerFiles& files) { files.lists = Pem({1, 2, 3}, "X509 CRL"); });
  refuses(KEYMAST_MALFORMED, [](OwnerFiles& files) { files.known = Pem({1, 2, 3}); });
  refuses(KEYMAST_TOO_LONG, [](OwnerFiles& files) {
    const std::string one = files.certificates;
    for (int i = 0; i < 4; ++i) files.certificates += one;
  });
  keymast_x509_free(nullptr);
}

// MIKEYv2 §5: what is not for the key gives the same other envelope each time.
TEST(X509Owner, OpensAnyEnvelope) {
  CertificatesWorld world({Mode::kRsa}, KeyKind::kRsa);
  Bytes sealed(256, 7);
  const auto open = [&] {
    Bytes out(32);
    world.certificates_.open_envelope(world.certificates_.user, COctets(sealed), out.data());
    return out;
  };
  const Bytes first = open();
  EXPECT_EQ(open(), first);
  sealed[3] ^= 1;
  EXPECT_NE(open(), first);
  sealed.resize(20);
  EXPECT_NE(open(), first);
}

TEST(X509Owner, VerifiesNoSignatureOfAnotherType) {
  CertificatesWorld world({Mode::kDh}, KeyKind::kEd25519);
  const keymast_certificates& owner = world.certificates_;
  const Bytes text{1, 2, 3};
  const std::array<keymast_octets, 2> parts{COctets(text), COctets(text)};
  Bytes signature(owner.signature_size);
  owner.sign(owner.user, parts.data(), parts.size(), signature.data());
  const auto verify = [&](keymast_signature type, ByteView leaf, ByteView of) {
    return owner.verify(owner.user, COctets(leaf), type, parts.data(), parts.size(), COctets(of));
  };
  const ByteView leaf(owner.chain[0].data, owner.chain[0].size);
  EXPECT_EQ(verify(KEYMAST_ED25519, leaf, signature), 1);
  EXPECT_EQ(verify(KEYMAST_ECDSA_P256, leaf, signature), 0);
  EXPECT_EQ(verify(KEYMAST_RSA_PSS, leaf, signature), 0);
  EXPECT_EQ(verify(KEYMAST_ED25519, leaf.first(20), signature), 0);
  EXPECT_EQ(verify(KEYMAST_ED25519, leaf, ByteView(signature).first(63)), 0);
  signature[0] ^= 1;
  EXPECT_EQ(verify(KEYMAST_ED25519, leaf, signature), 0);
}

}  // namespace
}  // namespace keymast::receiver::library
