// SPDX-License-Identifier: Apache-2.0
// GROUP_REKEY and signed MTK messages at libkeymast-receiver-full: those of the independent peer in
// Python (tests/interop/mikeyv2/group_vectors.json), and each check of MIKEYv2 §10 by a packet that
// it alone stands against.
#include <fstream>
#include <nlohmann/json.hpp>

#include "mikey/v2/group_rekey.h"
#include "mikey/v2/mtk_signature.h"
#include "tests/unit/mikey/v2_group.h"
#include "tests/unit/receiver/full/full_world.h"

namespace keymast::receiver::library {
namespace {

using Json = nlohmann::json;

Bytes Octets(const Json& hex) {
  Bytes octets;
  EXPECT_TRUE(FromHex(hex.get<std::string>(), octets));
  return octets;
}

const Json& Vectors() {
  static const Json kVectors =
      Json::parse(std::ifstream(KEYMAST_SOURCE_DIR "/tests/interop/mikeyv2/group_vectors.json"));
  return kVectors;
}

const Json& Update(std::string_view name) {
  for (const Json& update : Vectors()["updates"]) {
    if (update["name"] == name) return update;
  }
  ADD_FAILURE() << name;
  return Vectors()["updates"][0];
}

crypto::PrivateKey KeyOf(uint8_t seed) {
  return crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, seed)));
}

// Tree is an owner that finds the root that it is told.
struct Tree {
  static Tree& Of(void* user) { return *static_cast<Tree*>(user); }

  keymast_tree table{this, 1,
                     [](void* user, const keymast_tree_key* key) {
                       Of(user).keys.push_back({key->key.data, key->key.data + key->key.size});
                     },
                     [](void* user, const keymast_tree_update* update, uint8_t* out, size_t* size) {
                       Tree& tree = Of(user);
                       tree.seen = {update->update.data, update->update.data + update->update.size};
                       std::copy(tree.root.begin(), tree.root.end(), out);
                       *size = tree.root.size();
                       return tree.found;
                     },
                     [](void* user) { ++Of(user).commits; }};
  keymast_tree_found found = KEYMAST_TREE_ROOT;
  Bytes root = Bytes(32, 0x72);
  Bytes seen;
  std::vector<Bytes> keys;
  int commits = 0;
};

// RekeyWorld is a member of the vectors' group, at the epoch before the update.
class RekeyWorld : public FullWorld {
 public:
  explicit RekeyWorld(uint8_t signer = 1, uint8_t encr = 3, bool is_signed = false,
                      const Bytes& msk_before = Octets(Update("1 packets")["msk_before"]),
                      std::string_view tree_id = "treetree") {
    tree_ = &tree.table;
    if (is_signed) server_.features_ = 0xffffffff;
    policy_.encrs.clear();
    policy_.encrs.Add(encr);
    group_->csb = CsbId(77);
    group_->fixed_msk = msk_before;
    group_->tree_id.assign(tree_id.begin(), tree_id.end());
    group_->epoch = 4;
    group_->rekey_t = 9;
    group_->path_keys = Bytes(32, 0x31);
    const auto public_key = KeyOf(signer).PublicPart();
    group_->verifier.assign(public_key.ed25519().begin(), public_key.ed25519().end());
    EXPECT_EQ(JoinAndSettle().joined.size(), 1u);
    EXPECT_EQ(tree.keys, std::vector<Bytes>{Bytes(32, 0x31)});
  }

  // The vectors' controller has keys of the numbers 1 and 2; ID 1 was given to both.
  keymast_reason Take(const Json& update, size_t i = 0) {
    return Receive(Octets(update["packets"][i]));
  }
  bool HoldsNewMsk() {
    Group after = *group_;
    after.msk.number = KeyNumber(2);
    after.fixed_msk = Octets(Update("1 packets")["msk"]);
    mikey::Profile3gpp profile = JoinedProfile();
    const Bytes rand = Octets(Update("1 packets")["nonce"]);
    const Bytes salt = after.Salt(9);
    const Bytes key = after.Mtk(9);
    const mikey::MtkMessage message{
        {after.domain, after.msk, MtkId(9)}, after.csb, 1, rand, key, salt};
    Bytes out(512);
    out.resize(
        mikey::WriteMtkMessage(crypto::DefaultSuite(), profile, message, after.Msk(), out).value());
    return Receive(out) == KEYMAST_OK && LibraryWorld::Take().installed.size() == 1;
  }
  // Written is a packet of our own controller.
  Bytes Written(uint32_t epoch, uint32_t t, const mikey::v2::SigningKey& signer,
                bool is_filtered = true, std::string_view tree_id = "treetree",
                uint32_t first_use = mikey::v2::UpdateHead::kByMki, uint32_t window = 1000) const {
    using namespace mikey::v2;
    const Bytes nonce(16, 0x60);
    const Bytes key(16, 0x19);
    const Bytes low{0, 1};
    const Bytes high{0xff, 0xff};
    const Bytes update(20);
    const std::array<ByteView, 1> updates{update};
    const bool is_here = tree_id == "treetree";
    Rekey rekey;
    rekey.head.ids = {group_->domain, MskId{KeyGroup(7), KeyNumber(2)}, std::nullopt};
    rekey.head.csb_id = group_->csb;
    rekey.head.t = t;
    rekey.head.update = {is_here ? UpdateKind::kTree : UpdateKind::kAnnouncement,
                         AsBytes(tree_id),
                         epoch,
                         nonce,
                         first_use,
                         window};
    if (is_here) rekey.tree_updates = updates;
    rekey.root = tree.root;
    rekey.msk = {mikey::KeyDataType::kTgk, key, {}, {mikey::KvType::kInterval, {}, low, high}};
    if (is_filtered) rekey.before = HeldMsk{group_->msk, group_->fixed_msk};
    return WriteGroupRekey(crypto::DefaultSuite(), rekey, signer).value().front();
  }

  Tree tree;
};

const crypto::PrivateKey kSigner = KeyOf(1);
const crypto::PrivateKey kStranger = KeyOf(3);
const mikey::v2::SigningKey kController{1, kSigner};
const mikey::v2::SigningKey kForger{1, kStranger};

TEST(LibraryRekey, TakesEveryPacketOfThePeersUpdates) {
  size_t taken = 0;
  for (const Json& update : Vectors()["updates"]) {
    const auto encr = update["encr"].get<uint8_t>();
    const bool is_offered = encr != 241 && update["signer"] == 1 && update["kind"] != 3;
    for (size_t i = 0; is_offered && i < update["packets"].size(); ++i) {
      RekeyWorld world(1, encr);
      world.tree.root = Octets(update["root"]);
      ASSERT_EQ(world.Take(update, i), KEYMAST_OK) << update["name"] << i;
      EXPECT_EQ(world.tree.seen, Octets(update["trees"][i]));
      EXPECT_EQ(world.tree.commits, 1);
      EXPECT_TRUE(encr != 3 || world.HoldsNewMsk());
      EXPECT_EQ(world.Take(update, i), KEYMAST_ALREADY_HELD);
      ++taken;
    }
  }
  EXPECT_GT(taken, 40u);
}

TEST(LibraryRekey, RefusesTheEncryptionOfAnotherGroup) {
  RekeyWorld world;
  EXPECT_EQ(world.Take(Update("AES-CM-128")), KEYMAST_UNSUPPORTED_ALGORITHM);
  EXPECT_EQ(world.Take(Update("key wrap, 256 bits")), KEYMAST_UNSUPPORTED_ALGORITHM);
  EXPECT_EQ(world.tree.commits, 0);
}

TEST(LibraryRekey, DropsEveryFlippedOctetAndEveryCut) {
  RekeyWorld world;
  for (const char* name : {"key roll", "no filter MAC"}) {
    const Bytes packet = Octets(Update(name)["packets"][0]);
    for (size_t i = 0; i < packet.size(); ++i) {
      Bytes changed = packet;
      changed[i] ^= 1;
      EXPECT_NE(world.Receive(changed), KEYMAST_OK) << name << i;
      EXPECT_NE(world.Receive(Bytes(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(i))),
                KEYMAST_OK);
      world.now_ += 1000;
    }
  }
  EXPECT_EQ(world.tree.commits, 0);
  EXPECT_TRUE(world.LibraryWorld::Take().kinds.empty());
  EXPECT_EQ(world.Take(Update("key roll")), KEYMAST_OK);
}

TEST(LibraryRekey, FollowsAKeyRollFromAnyOfItsPackets) {
  RekeyWorld world;
  const Json& roll = Update("key roll");
  world.tree.found = KEYMAST_TREE_NOTHING;
  EXPECT_EQ(world.Take(roll, 0), KEYMAST_OK);  // of another part of the tree, and the roll counts
  world.tree.found = KEYMAST_TREE_ROOT;
  EXPECT_EQ(world.Receive(world.Written(6, 11, kController)), KEYMAST_UNKNOWN_KEY);
  EXPECT_EQ(world.Take(roll, 1), KEYMAST_OK);  // the old key, for its other packets alone
  EXPECT_EQ(world.tree.commits, 1);
  // Its filter MAC is of an MSK that is held still.
  EXPECT_EQ(world.Take(Update("by the next key")), KEYMAST_OK);
  EXPECT_EQ(world.tree.commits, 2);
}

// What only who has the group's keys could have forged.
TEST(LibraryRekey, RefusesWhatStandsBehindAGoodSignature) {
  using namespace mikey::v2;
  const mikey::v2::Group forger;
  RekeyWorld world(1, 3, false, kOldMsk, AsText(kTreeId));
  world.tree.root = kNewRoot;
  Rekey rekey = forger.RekeyOf();
  rekey.next_signer = &forger.next_;
  const Bytes roll = forger.One(rekey);
  const auto with_another = [](mikey::Header&, std::vector<mikey::Payload>& payloads) {
    static Bytes changed;
    for (mikey::Payload& payload : payloads) {
      auto* ext = std::get_if<mikey::ExtPayload>(&payload);
      if (ext == nullptr || ext->ext_type != mikey::ExtType::kKeyRoll) continue;
      changed.assign(ext->data.begin(), ext->data.end());
      changed.back() ^= 1;
      ext->data = changed;
    }
  };
  EXPECT_EQ(world.Receive(forger.Forge(roll, with_another)), KEYMAST_AUTHENTICATION_FAILED);
  EXPECT_EQ(world.Receive(forger.ForgeContents({})), KEYMAST_MALFORMED);
  Contents contents;
  contents.keys.Add(MskData(kNewMsk));
  std::swap(contents.keys.mutable_view()[0].kv.from, contents.keys.mutable_view()[0].kv.to);
  EXPECT_EQ(world.Receive(forger.ForgeContents(contents)), KEYMAST_MALFORMED);
  EXPECT_EQ(world.tree.commits, 0);
  // Of another update, also of one with its epoch, the key before a roll is none.
  EXPECT_EQ(world.Receive(roll), KEYMAST_OK);
  EXPECT_EQ(world.tree.commits, 1);
  EXPECT_EQ(world.Receive(forger.One(forger.RekeyOf(1, 6, 11))), KEYMAST_UNKNOWN_KEY);
}

TEST(LibraryRekey, KeepsTheKeyBeforeARollForItsUpdateAlone) {
  RekeyWorld world;
  world.tree.found = KEYMAST_TREE_NOTHING;
  EXPECT_EQ(world.Take(Update("key roll")), KEYMAST_OK);
  EXPECT_EQ(world.Receive(world.Written(5, 11, kController)), KEYMAST_UNKNOWN_KEY);
  EXPECT_EQ(world.Receive(world.Written(6, 10, kController)), KEYMAST_UNKNOWN_KEY);
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController)), KEYMAST_OK);
}

// MIKEYv2 §10: whoever has the key before a roll has it still.
TEST(LibraryRekey, KeepsARollThatKeysOfBeforeDoNotKnow) {
  RekeyWorld world;
  world.tree.found = KEYMAST_TREE_NOTHING;
  EXPECT_EQ(world.Take(Update("key roll")), KEYMAST_OK);
  EXPECT_EQ(world.Receive(world.UnaskedKeys(5)), KEYMAST_OK);  // of the epoch before, held back
  world.LibraryWorld::Take();
  EXPECT_EQ(world.Receive(world.Written(6, 11, kController)), KEYMAST_UNKNOWN_KEY);
}

TEST(LibraryRekey, KeepsToEpochAndT) {
  RekeyWorld world;
  EXPECT_EQ(world.Receive(world.Written(4, 10, kController)), KEYMAST_ALREADY_HELD);
  EXPECT_EQ(world.Receive(world.Written(5, 9, kController)), KEYMAST_REPLAYED);
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController)), KEYMAST_OK);
  EXPECT_EQ(world.Receive(world.Written(6, 10, kController)), KEYMAST_REPLAYED);
  EXPECT_EQ(world.tree.commits, 1);
}

TEST(LibraryRekey, AsksTheFilterBeforeTheSignatureAndNothingOfOthers) {
  RekeyWorld world;
  Bytes filtered = world.Written(5, 10, kController);
  world.group_->fixed_msk[0] ^= 1;
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController)), KEYMAST_AUTHENTICATION_FAILED);
  EXPECT_EQ(world.Receive(world.Written(5, 10, kForger, false)), KEYMAST_AUTHENTICATION_FAILED);
  world.group_->csb = CsbId(78);
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController)), KEYMAST_UNKNOWN_CHANNEL);
  EXPECT_EQ(world.tree.seen, Bytes());
  EXPECT_EQ(world.Receive(filtered), KEYMAST_OK);
}

TEST(LibraryRekey, ComputesTwentyWrongSignaturesASecondAtMost) {
  RekeyWorld world;
  const Bytes forged = world.Written(5, 10, kForger, false);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(world.Receive(forged), KEYMAST_AUTHENTICATION_FAILED) << i;
  }
  EXPECT_EQ(world.Receive(forged), KEYMAST_RATE_LIMITED);
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController, false)), KEYMAST_RATE_LIMITED);
  // What is filtered is not limited.
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController)), KEYMAST_OK);
  world.now_ += 1000;
  EXPECT_EQ(world.Receive(world.Written(6, 11, kForger, false)), KEYMAST_AUTHENTICATION_FAILED);
}

TEST(LibraryRekey, WaitsForKeysOfTheTree) {
  RekeyWorld world;
  world.tree.found = KEYMAST_TREE_NOT_YET;
  const Bytes packet = world.Written(5, 10, kController);
  EXPECT_EQ(world.Receive(packet), KEYMAST_UNAVAILABLE);
  world.tree.found = KEYMAST_TREE_ROOT;
  EXPECT_EQ(world.Receive(packet), KEYMAST_OK);
  EXPECT_EQ(world.tree.commits, 1);
}

TEST(LibraryRekey, AsksForWhatItHasMissed) {
  const Bytes other_root(32, 1);
  for (const char* why : {"far", "stale", "tree"}) {
    RekeyWorld world;
    if (why == std::string_view("far")) {
      EXPECT_EQ(world.Receive(world.Written(4 + 65, 80, kController)), KEYMAST_OK);
    } else if (why == std::string_view("stale")) {
      const Bytes packet = world.Written(5, 10, kController);
      world.tree.root = other_root;
      EXPECT_EQ(world.Receive(packet), KEYMAST_OK);
    } else {
      const Bytes packet = world.Written(1, 10, kController, true, "treetre2");
      EXPECT_EQ(world.Receive(packet), KEYMAST_OK);
      EXPECT_EQ(world.Receive(packet), KEYMAST_REPLAYED);
    }
    EXPECT_EQ(world.tree.commits, 0);
    EXPECT_LE(world.deadline(), world.now_ + 1000) << why << ": as the packet says";
    const auto taken = world.Read(world.NextReport());
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->report.body.kind, ReportKind::kMissing);
    EXPECT_EQ(taken->report.body.epoch, 4u);
  }
}

// MIKEYv2 §10: after a restore the whole audience must not ask within the window of before.
TEST(LibraryRekey, AsksInTheWindowThatIsAnnounced) {
  RekeyWorld world;
  world.server_.window_ms_ = 500;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  const auto say = [&](uint32_t epoch, uint32_t t, std::string_view tree_id, uint32_t window) {
    return world.Receive(
        world.Written(epoch, t, kController, true, tree_id, mikey::v2::UpdateHead::kByMki, window));
  };
  // What is not applied yet tells it too, and played again takes nothing back.
  world.tree.found = KEYMAST_TREE_NOT_YET;
  EXPECT_EQ(say(5, 11, "treetree", 110'000), KEYMAST_UNAVAILABLE);
  EXPECT_EQ(say(6, 10, "treetree", 500), KEYMAST_UNAVAILABLE);
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
  world.MissFor(0, world.group_->Next().Mki(1));
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER) << "it was told of for 500 ms alone";
  EXPECT_EQ(say(1, 12, "treetre2", 120'000), KEYMAST_OK);
  EXPECT_GT(world.deadline(), world.now_ + 500);
  EXPECT_LE(world.deadline(), world.now_ + 120'000);
}

TEST(LibraryRekey, AnnouncementOfTheTreeThatIsHeldCallsForNothing) {
  RekeyWorld world;
  EXPECT_EQ(world.Take(Update("announcement")), KEYMAST_OK);
  EXPECT_EQ(world.Take(Update("announcement without filter MAC")), KEYMAST_OK);
  EXPECT_EQ(world.deadline(), KEYMAST_NEVER);
  EXPECT_EQ(world.Take(Update("1 packets")), KEYMAST_OK);  // its T was not moved
}

TEST(LibraryRekey, RetiresTheMskBeforeWhenItsTimeHasCome) {
  RekeyWorld world;
  const Bytes before = world.group_->Mki(1);
  EXPECT_EQ(world.Receive(world.Written(5, 10, kController, true, "treetree", 2500)), KEYMAST_OK);
  EXPECT_EQ(world.deadline(), world.now_ + 2500);
  world.now_ += 2500;
  world.Tick();
  const Bytes message = world.group_->MtkMessage(2, JoinedProfile());
  EXPECT_EQ(world.Receive(message), KEYMAST_UNKNOWN_KEY);
  EXPECT_NE(world.Key(0, before), nullptr);
  world.now_ += 2000;
  world.Tick();
  EXPECT_EQ(world.Key(0, before), nullptr);
}

TEST(LibraryRekey, WithoutATreeTheGroupIsFollowedWithoutUpdates) {
  FullWorld world;
  ASSERT_EQ(world.JoinAndSettle().joined.size(), 1u);
  EXPECT_EQ(world.Receive(Octets(Update("1 packets")["packets"][0])), KEYMAST_UNKNOWN_CHANNEL);
}

TEST(LibraryRekey, TakesSignedMtkMessagesAloneWhereTheGroupSigns) {
  RekeyWorld world(1, 3, true);
  const Group& group = *world.group_;
  EXPECT_EQ(world.Receive(world.group_->MtkMessage(2, JoinedProfile())), KEYMAST_PAYLOAD_MISSING);
  const Bytes rand = group.Rand();
  const Bytes key = group.Mtk(3);
  const Bytes salt = group.Salt(3);
  mikey::v2::TickMessage tick;
  tick.profile = JoinedProfile();
  tick.message = {{group.domain, group.msk, MtkId(3)}, group.csb, 5, rand, key, salt};
  const Bytes msk = group.Msk();
  tick.msk = msk;
  mikey::v2::TickMessage other = tick;
  other.message.ids.msk.group = KeyGroup(8);
  const std::array<mikey::v2::TickMessage, 2> messages{tick, other};
  const auto write = [&](const mikey::v2::SigningKey& signer) {
    return WriteSignedMtkMessages(crypto::DefaultSuite(), messages, signer).value().front();
  };
  EXPECT_EQ(world.Receive(write(kForger)), KEYMAST_AUTHENTICATION_FAILED);
  EXPECT_EQ(world.Receive(write({2, kSigner})), KEYMAST_UNKNOWN_KEY);
  const Bytes good = write(kController);
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes changed = good;
    changed[i] ^= 1;
    EXPECT_NE(world.Receive(changed), KEYMAST_OK) << i;
  }
  EXPECT_TRUE(world.LibraryWorld::Take().installed.empty());
  EXPECT_EQ(world.Receive(good), KEYMAST_OK);
  EXPECT_EQ(world.LibraryWorld::Take().installed, std::vector<Bytes>{group.Mki(3)});
  EXPECT_EQ(world.Receive(good), KEYMAST_REPLAYED);
}

TEST(LibraryRekey, TakesTreeKeysThatComeAlone) {
  RekeyWorld world;
  mikey::v2::Contents contents;
  const Bytes node(9, 1);
  const Bytes key(32, 0x44);
  contents.keys.Add({mikey::KeyDataType::kTreeKey, key, {}, {mikey::KvType::kSpi, node, {}, {}}});
  const auto unasked = [&](uint32_t t, ByteView tree_id, uint32_t epoch) {
    contents.member = mikey::v2::MemberState{tree_id, epoch, 9, 7, 1, 1400, 3000, 0, 0};
    Bytes out(1232);
    const mikey::v2::Streams none;
    out.resize(WriteUnaskedKeys(crypto::DefaultSuite(), world.members_.r_, world.group_->csb, t,
                                world.ContentOf(none, contents), out)
                   .value());
    return out;
  };
  EXPECT_EQ(world.Receive(unasked(1, AsBytes("treetre2"), 4)), KEYMAST_UNEXPECTED);
  EXPECT_EQ(world.Receive(unasked(1, AsBytes("treetree"), 3)), KEYMAST_REPLAYED);
  EXPECT_EQ(world.tree.keys.size(), 1u);
  EXPECT_EQ(world.Receive(unasked(1, AsBytes("treetree"), 4)), KEYMAST_OK);
  EXPECT_EQ(world.tree.keys.back(), key);
}

}  // namespace
}  // namespace keymast::receiver::library
