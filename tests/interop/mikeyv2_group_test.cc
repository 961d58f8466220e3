// SPDX-License-Identifier: Apache-2.0
// The messages of a group that the independent peer in Python made (mikeyv2/group_vectors.json):
// ours have the same octets, and ours takes what that one wrote.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "mikey/v2/group_rekey_reader.h"
#include "mikey/v2/loose_keys.h"
#include "mikey/v2/mtk_signature.h"

namespace keymast::mikey::v2 {
namespace {

using Json = nlohmann::json;

const crypto::Suite& kSuite = crypto::DefaultSuite();
const Instant kNow = FromUnixNanos(1'800'000'000'000'000'000);

Bytes Hex(const Json& text) {
  Bytes octets;
  EXPECT_TRUE(FromHex(text.get<std::string>(), octets)) << text;
  return octets;
}

uint32_t Number(ByteView octets) {
  uint32_t value = 0;
  for (const uint8_t octet : octets) value = value << 8 | octet;
  return value;
}
MskId MskOf(const Json& text) { return MskId::FromValue(Number(Hex(text))); }

KeyDomainId DomainOf(const Json& text) {
  KeyDomainId domain;
  const Bytes octets = Hex(text);
  std::copy(octets.begin(), octets.end(), domain.octets.begin());
  return domain;
}

const Json& Vectors() {
  static const Json found =
      Json::parse(std::ifstream(KEYMAST_SOURCE_DIR "/tests/interop/mikeyv2/group_vectors.json"));
  return found;
}

crypto::PrivateKey SignerOf(uint32_t key_id) {
  return crypto::PrivateKey::FromEd25519(
      crypto::SecretKey<32>(Hex(Vectors()["seeds"][std::to_string(key_id)])));
}

// OneRoot is a tree whose new root is known.
class OneRoot : public TreeKeys {
 public:
  explicit OneRoot(Bytes root) : root_(std::move(root)) {}
  Found Derive(const RekeyHead&, ByteView, crypto::Key32& root) override {
    root = crypto::Key32(root_);
    return Found::kRoot;
  }
  void Commit() override { ++commits_; }
  int commits_ = 0;

 private:
  Bytes root_;
};

// UpdateVector is one update with what its views point into.
struct UpdateVector {
  explicit UpdateVector(const Json& update)
      : json(update),
        tree_id(Hex(update["tree_id"])),
        nonce(Hex(update["nonce"])),
        root(Hex(update["root"])),
        msk(Hex(update["msk"])),
        before(Hex(update["msk_before"])),
        signer_key(SignerOf(update["signer"])),
        next_key(SignerOf(2)),
        signer{update["signer"], signer_key},
        next{2, next_key} {
    for (const Json& tree : update["trees"]) trees.push_back(Hex(tree));
    views.assign(trees.begin(), trees.end());
    rekey.head.ids = {DomainOf(update["domain"]), MskOf(update["msk_id"]), std::nullopt};
    rekey.head.csb_id = CsbId(update["csb_id"]);
    rekey.head.t = update["t"];
    rekey.head.update = {static_cast<UpdateKind>(update["kind"].get<int>()),
                         tree_id,
                         update["epoch"],
                         nonce,
                         update["first_use"],
                         update["window"]};
    rekey.tree_updates = views;
    rekey.encr = static_cast<EncrAlg>(update["encr"].get<int>());
    rekey.root = root;
    rekey.msk = {KeyDataType::kTgk, msk, {}, {KvType::kInterval, {}, kFirst, kLast}};
    if (!before.empty()) rekey.before = HeldMsk{MskId::FromValue(0x00070001), before};
    if (update["roll"] != 0) rekey.next_signer = &next;
  }
  UpdateVector(const UpdateVector&) = delete;
  UpdateVector& operator=(const UpdateVector&) = delete;

  // The contents by which a member joined before the update.
  Contents Joined() const {
    Contents contents;
    contents.keys.Add({KeyDataType::kTgk, kBefore, {}, {KvType::kInterval, {}, kFirst, kLast}});
    contents.keys.Add(
        {KeyDataType::kVerificationKey, public_key_, {}, {KvType::kSpi, id_, {}, {}}});
    contents.rands.Add(nonce);
    contents.csb_id = rekey.head.csb_id;
    contents.msks.Add({rekey.head.ids.domain.octets, 0x00070001, 3});
    contents.member = MemberState{tree_id, 4, 9, 0, 0, 1400, 1000, 0, 0};
    return contents;
  }

  static constexpr uint8_t kFirst[] = {0, 1};
  static constexpr uint8_t kLast[] = {0xff, 0xfe};
  const Bytes kBefore{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const Json& json;
  Bytes tree_id, nonce, root, msk, before;
  crypto::PrivateKey signer_key, next_key;
  SigningKey signer, next;
  std::vector<Bytes> trees;
  std::vector<ByteView> views;
  Rekey rekey;

 private:
  const crypto::PublicKey public_part_ = signer_key.PublicPart();
  const ByteView public_key_ = public_part_.ed25519();
  const Bytes id_{0, 0, 0, static_cast<uint8_t>(signer.id)};
};

TEST(GroupVectors, UpdatesHaveTheSameOctets) {
  for (const Json& update : Vectors()["updates"]) {
    const UpdateVector vector(update);
    const auto packets = WriteGroupRekey(kSuite, vector.rekey, vector.signer);
    ASSERT_TRUE(packets) << update["name"];
    ASSERT_EQ(packets->size(), update["packets"].size());
    for (size_t i = 0; i < packets->size(); ++i) {
      EXPECT_EQ(ToHex((*packets)[i]), update["packets"][i]) << update["name"];
    }
  }
}

TEST(GroupVectors, UpdatesAreTaken) {
  for (const Json& update : Vectors()["updates"]) {
    const UpdateVector vector(update);
    const bool is_announcement = update["kind"] == 3;
    for (const Json& packet : update["packets"]) {
      OneRoot tree(vector.root);
      const GroupName group{vector.rekey.head.ids.domain, KeyGroup(7), vector.rekey.head.csb_id,
                            vector.rekey.encr};
      RekeyReader reader(kSuite, group, tree);
      ASSERT_TRUE(reader.Install(vector.Joined(), true));
      const auto outcome = reader.Receive(Hex(packet), kNow);
      ASSERT_TRUE(outcome.status) << update["name"] << ErrorName(outcome.status.error());
      EXPECT_EQ(outcome.event,
                is_announcement ? RekeyReader::Event::kAnnounced : RekeyReader::Event::kApplied);
      EXPECT_EQ(tree.commits_, is_announcement ? 0 : 1);
      EXPECT_EQ(reader.verification_key(), update["roll"] != 0 ? 2 : vector.signer.id);
      if (is_announcement) continue;
      EXPECT_TRUE(Equal(reader.msk().key.view(), vector.msk));
      EXPECT_EQ(reader.msk().id, vector.rekey.head.ids.msk);
      EXPECT_EQ(reader.msk().first_use_ms, update["first_use"]);
      EXPECT_EQ(reader.msk().high, MtkId(0xfffe));
    }
  }
}

Report ReportOf(const Json& json, const Bytes& member, const Bytes& group, const Bytes& tree_id,
                const Bytes& ticket) {
  Report report;
  report.csb_id = CsbId(json["csb_id"]);
  report.member = {IdType::kNai, member};
  report.group = {IdType::kUri, group};
  report.ids = {DomainOf(json["domain"]), MskOf(json["msk_id"]), std::nullopt};
  report.t = json["t"];
  report.body = {static_cast<ReportKind>(json["kind"].get<int>()),
                 tree_id,
                 json["epoch"],
                 json["last_t"],
                 report.ids.msk.value(),
                 json["held"]};
  report.ticket = ticket;
  return report;
}

// OneMember is a controller that knows the member of the vectors.
class OneMember : public ReportDirectory {
 public:
  explicit OneMember(const Bytes& r) : r_(ByteView(r)) {}
  bool Serves(const Report&) const override { return true; }
  const crypto::Key32* ReportKeyOf(const Report&) const override { return &r_; }
  uint32_t LastT(const Report&) const override { return 0; }
  Status CheckTicket(const Report&) const override { return {}; }
  Status CheckMember(const Report&) const override { return {}; }
  void Take(const Report&) override {}

 private:
  crypto::Key32 r_;
};

TEST(GroupVectors, ReportsHaveTheSameOctetsAndAreTaken) {
  const Bytes member = Hex(Vectors()["member"]);
  const Bytes group = Hex(Vectors()["group"]);
  for (const Json& json : Vectors()["reports"]) {
    const Bytes tree_id = Hex(json["tree_id"]);
    const Bytes ticket = Hex(json["ticket"]);
    const Report report = ReportOf(json, member, group, tree_id, ticket);
    const Bytes r = Hex(json["r"]);
    Bytes out(kMaxOneDatagram);
    const auto size =
        WriteReport(kSuite, report, crypto::Key32(ByteView(r)), Hex(json["rand"]), out);
    ASSERT_TRUE(size);
    out.resize(*size);
    EXPECT_EQ(ToHex(out), json["octets"]) << json["name"];
    OneMember members(r);
    crypto::SeededRng rng(1);
    const auto taken = ReportTaker(kSuite, members, rng).Receive(out);
    ASSERT_TRUE(taken) << json["name"] << ErrorName(taken.error());
    EXPECT_EQ(taken->report.t, report.t);
    EXPECT_EQ(taken->report.body.kind, report.body.kind);
    EXPECT_EQ(taken->report.body.held_ms, report.body.held_ms);
    EXPECT_TRUE(Equal(taken->report.ticket, ticket));
  }
}

TEST(GroupVectors, KeysAreTakenAndHaveTheSameOctets) {
  for (const Json& json : Vectors()["keys"]) {
    const Bytes octets = Hex(json["octets"]);
    const Bytes asked = Hex(json["report"]);
    const Bytes rand(32, 0x51);
    const Bytes r_octets = Hex(json["r"]);
    const crypto::Key32 r{ByteView(r_octets)};
    const GroupName group{DomainOf(json["domain"]), KeyGroup(7), CsbId(json["csb_id"]),
                          static_cast<EncrAlg>(json["encr"].get<int>())};
    const ReportBinding binding = BindReport(kSuite, asked, group.csb_id, rand, r);
    TakenKeys taken;
    const uint32_t t = json["t"];
    const Status opened = asked.empty() ? OpenUnaskedKeys(kSuite, octets, r, t - 1, group, taken)
                                        : OpenKeysToReport(kSuite, octets, binding, group, taken);
    ASSERT_TRUE(opened) << json["name"] << ErrorName(opened.error());
    std::vector<std::string> msks;
    for (const KeyDataPayload& key : taken.contents().keys) {
      if (key.type == KeyDataType::kTgk) msks.push_back(ToHex(key.key));
    }
    EXPECT_EQ(Json(msks.empty() ? Json::array() : Json(msks)), json["msks"]);
    const Bytes rand_r = Hex(json["rand_r"]);
    const KeysContent content{group.encr, rand_r, taken.streams(), taken.contents(), {}};
    Bytes again(kMaxOneDatagram);
    const auto size = asked.empty() ? WriteUnaskedKeys(kSuite, r, group.csb_id, t, content, again)
                                    : WriteKeysToReport(kSuite, binding, content, again);
    ASSERT_TRUE(size);
    again.resize(*size);
    EXPECT_EQ(ToHex(again), json["octets"]) << json["name"];
  }
}

// TickVector is an MTK message of a tick with what its views point into.
struct TickVector {
  explicit TickVector(const Json& json)
      : key(Hex(json["key"])),
        salt(Hex(json["salt"])),
        msk(Hex(json["msk"])),
        rand(Hex(json["rand"])),
        octets(Hex(json["octets"])) {
    profile.prf = static_cast<PrfFunc>(json["prf"].get<int>());
    profile.encr_alg = static_cast<EncrAlg>(json["encr"].get<int>());
    profile.mac_alg = static_cast<MacAlg>(json["mac"].get<int>());
    message = {{DomainOf(json["domain"]), MskOf(json["msk_id"]), MtkId(json["mtk_id"])},
               CsbId(json["csb_id"]),
               json["counter"],
               rand,
               key,
               salt};
  }
  TickVector(const TickVector&) = delete;
  TickVector& operator=(const TickVector&) = delete;
  Bytes key, salt, msk, rand, octets;
  Profile3gpp profile;
  MtkMessage message;
};

TEST(GroupVectors, SignedMtkMessagesHaveTheSameOctetsAndAreTaken) {
  const crypto::PrivateKey key = SignerOf(1);
  const crypto::PublicKey verifier = key.PublicPart();
  for (const Json& tick : Vectors()["ticks"]) {
    std::vector<std::unique_ptr<TickVector>> vectors;
    std::vector<TickMessage> messages;
    for (const Json& json : tick) {
      const TickVector& vector = *vectors.emplace_back(std::make_unique<TickVector>(json));
      messages.push_back({vector.profile, vector.message, vector.msk});
    }
    const auto written = WriteSignedMtkMessages(kSuite, messages, {1, key});
    ASSERT_TRUE(written);
    for (size_t i = 0; i < messages.size(); ++i) {
      EXPECT_EQ(ToHex((*written)[i]), ToHex(vectors[i]->octets));
      const auto unverified = Inspect((*written)[i]);
      ASSERT_TRUE(unverified);
      const auto opened = OpenSignedMtk(kSuite, vectors[i]->profile, *unverified, vectors[i]->msk,
                                        vectors[i]->rand, {1, verifier});
      ASSERT_TRUE(opened) << ErrorName(opened.error());
      EXPECT_TRUE(Equal(opened->key.view(), vectors[i]->key));
      EXPECT_TRUE(Equal(opened->salt.view(), vectors[i]->salt));
    }
  }
}

}  // namespace
}  // namespace keymast::mikey::v2
