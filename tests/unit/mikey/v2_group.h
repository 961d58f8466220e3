// SPDX-License-Identifier: Apache-2.0
// A controller and a member of one group in memory, and packets that only who has the group's keys
// could have forged.
#pragma once

#include <functional>

#include "mikey/key_ids.h"
#include "mikey/v2/closing.h"
#include "mikey/v2/group_rekey_reader.h"

namespace keymast::mikey::v2 {

inline const Bytes kTreeId(kTreeIdSize, 0x17);
inline const Bytes kOtherTreeId(kTreeIdSize, 0x18);
inline const Bytes kNonce(UpdateHead::kNonceSize, 0x2e);
inline const Bytes kNewRoot(32, 0x40);
inline const Bytes kOldMsk(16, 0x51);
inline const Bytes kNewMsk(16, 0x52);
inline const Bytes kFirstMtk{0, 1};
inline const Bytes kLastMtk{0xff, 0xff};
inline constexpr uint32_t kOldMskId = 0x00070001;
inline constexpr uint32_t kNewMskId = 0x00070002;
inline const KeyDomainId kGroupDomain{{1, 2, 3}};
inline constexpr CsbId kGroupCsb{0x4d};
inline const GroupName kGroupName{kGroupDomain, KeyGroup(7), kGroupCsb, EncrAlg::kAesCm256};
inline const Instant kGroupNow = FromUnixNanos(1'800'000'000'000'000'000);

inline crypto::PrivateKey Ed25519Of(uint8_t seed) {
  return crypto::PrivateKey::FromEd25519(crypto::SecretKey<32>(Bytes(32, seed)));
}

inline KeyDataPayload MskData(ByteView key) {
  return {KeyDataType::kTgk, key, {}, {KvType::kInterval, {}, kFirstMtk, kLastMtk}};
}

// FakeTree finds what it is told to.
class FakeTree : public TreeKeys {
 public:
  Found Derive(const RekeyHead&, ByteView tree_update, crypto::Key32& root) override {
    ++derived_;
    seen_.assign(tree_update.begin(), tree_update.end());
    if (found_ == Found::kRoot) root = crypto::Key32(root_);
    return found_;
  }
  void Commit() override { ++commits_; }

  Found found_ = Found::kRoot;
  Bytes root_ = kNewRoot;
  Bytes seen_;
  int derived_ = 0;
  int commits_ = 0;
};

// Group is both sides.
class Group {
 public:
  using Event = RekeyReader::Event;

  Group() { Join(); }

  // RekeyOf an update of some packets, 0: an announcement.
  Rekey RekeyOf(size_t packets = 1, uint32_t epoch = 5, uint32_t t = 10) const {
    static const std::vector<Bytes> kUpdates = [] {
      std::vector<Bytes> updates;
      for (uint8_t i = 0; i < kMaxLeaves + 1; ++i) updates.push_back(Bytes(30, i));
      return updates;
    }();
    static const std::vector<ByteView> kViews(kUpdates.begin(), kUpdates.end());
    Rekey rekey;
    rekey.head.ids = {kGroupDomain, MskId::FromValue(kNewMskId), std::nullopt};
    rekey.head.csb_id = kGroupCsb;
    rekey.head.t = t;
    rekey.head.update = {packets == 0 ? UpdateKind::kAnnouncement : UpdateKind::kTree,
                         kTreeId,
                         epoch,
                         kNonce,
                         2500,
                         1000};
    rekey.tree_updates = std::span(kViews).first(packets);
    rekey.root = kNewRoot;
    rekey.msk = MskData(kNewMsk);
    rekey.before = HeldMsk{MskId::FromValue(kOldMskId), kOldMsk};
    return rekey;
  }
  std::vector<Bytes> Write(const Rekey& rekey, const SigningKey& signer) const {
    const auto packets = WriteGroupRekey(suite_, rekey, signer);
    KEYMAST_CHECK(packets.has_value());
    return *packets;
  }
  std::vector<Bytes> Write(const Rekey& rekey) const { return Write(rekey, signer_); }
  Bytes One(const Rekey& rekey) const { return Write(rekey).front(); }

  Contents Place(uint32_t epoch = 4, uint32_t t = 9, uint32_t msk = kOldMskId) const {
    Contents contents;
    contents.keys.Add(MskData(kOldMsk));
    contents.keys.Add(
        {KeyDataType::kVerificationKey, public_, {}, {KvType::kSpi, ByteView(kSignerId), {}, {}}});
    contents.rands.Add(kNonce);
    contents.csb_id = kGroupCsb;
    contents.msks.Add({kGroupDomain.octets, msk, 3});
    contents.member = MemberState{kTreeId, epoch, t, 0, 0, 1400, 1000, 0, 0};
    return contents;
  }
  void Join() { KEYMAST_CHECK(reader_.Install(Place(), true).has_value()); }

  RekeyReader::Outcome Take(ByteView packet) { return reader_.Receive(packet, now_); }
  // ErrorOf what must be dropped, and must have changed nothing.
  Error ErrorOf(ByteView packet) {
    const std::string before = StateOf();
    const auto outcome = Take(packet);
    KEYMAST_CHECK(before == StateOf() && outcome.event == Event::kNone);
    return outcome.status ? Error::kInternal : outcome.status.error();
  }
  // StateOf the member, but for counters.
  std::string StateOf() const {
    return ToHex(reader_.tree_id()) + " " + std::to_string(reader_.epoch()) + " " +
           std::to_string(reader_.t()) + " " + std::to_string(reader_.window().count()) + " " +
           std::to_string(reader_.pending()) + " " +
           std::to_string(reader_.verification_key().value_or(0)) + " " +
           std::to_string(tree_.commits_) + " " + ToHex(reader_.msk().key.view());
  }

  // Forge edits header and payloads of a packet of one, and proves it anew under the group's keys.
  using Change = std::function<void(Header&, std::vector<Payload>&)>;
  Bytes Forge(const Bytes& packet, const Change& change) const;
  // ForgeContents puts other contents into its KEMAC.
  Bytes ForgeContents(const Contents& contents) const;

  const crypto::Suite& suite_ = crypto::DefaultSuite();
  const crypto::PrivateKey key_ = Ed25519Of(1);
  const crypto::PrivateKey next_key_ = Ed25519Of(2);
  const crypto::PrivateKey strangers_key_ = Ed25519Of(3);
  const SigningKey signer_{1, key_};
  const SigningKey next_{2, next_key_};
  const SigningKey stranger_{1, strangers_key_};
  FakeTree tree_;
  RekeyReader reader_{suite_, kGroupName, tree_};
  Instant now_ = kGroupNow;

 private:
  static constexpr uint8_t kSignerId[] = {0, 0, 0, 1};
  const crypto::PublicKey verifier_ = key_.PublicPart();
  const ByteView public_ = verifier_.ed25519();
};

inline Bytes Group::Forge(const Bytes& packet, const Change& change) const {
  Message message;
  KEYMAST_CHECK(ParseMessage(packet, message).has_value());
  std::vector<Payload> payloads(message.chain().begin(), message.chain().end());
  change(message.header, payloads);
  Bytes out(kDefaultRekey);
  ChainWriter chain(out, message.header);
  for (const Payload& payload : payloads) {
    std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
  }
  KEYMAST_CHECK(chain.ok());
  out.resize(chain.size());
  Message again;
  KEYMAST_CHECK(ParseMessage(out, again).has_value());
  const RekeyHead& head = RekeyOf().head;
  const auto fill = [&out](ByteView at, ByteView with) {
    std::copy(with.begin(), with.end(), out.begin() + (at.data() - out.data()));
  };
  if (const auto* kemac = again.Get<KemacPayload>(); kemac != nullptr && !kemac->mac.empty()) {
    Bytes mac(kemac->mac.size());
    const crypto::Key32 inkey = RekeyInkey(suite_, kNewRoot, head.update);
    Protection protection = OfGroupRekey(suite_, head, kemac->encr_alg, inkey);
    protection.mac = kemac->mac_alg;
    const auto before = static_cast<size_t>(kemac->mac.data() - out.data());
    ComputeMac(suite_, protection, ByteView(out).first(before), mac);
    fill(kemac->mac, mac);
  }
  ByteView filter;
  ByteView path;
  for (size_t i = 0; const auto* ext = again.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type == ExtType::kFilterMac && ext->data.size() >= 8) filter = ext->data.last(8);
    if (ext->ext_type == ExtType::kMerklePath) path = ext->data;
  }
  fill(filter, Bytes(filter.size(), 0));
  const auto* sign = again.Get<SignPayload>();
  if (path.empty() || sign == nullptr) return out;
  const PacketParts parts = PartsOf(out, filter, path);
  const MerkleNode root = MerkleLeaf(suite_, 0, parts.body);
  const SignedUpdate covered(head, 1, 1, root);
  const std::array<ByteView, 1> covers{covered.view()};
  std::array<uint8_t, 64> signature{};
  KEYMAST_CHECK(
      suite_.pk->sign(key_, crypto::SignatureScheme::kEd25519, covers, signature).has_value());
  if (sign->signature.size() == signature.size()) fill(sign->signature, signature);
  if (!filter.empty()) fill(filter, ComputeFilterMac(suite_, kOldMsk, head.update, parts));
  return out;
}

inline Bytes Group::ForgeContents(const Contents& contents) const {
  Bytes plain(kMaxPlain);
  plain.resize(*WriteContents(contents, plain));
  const RekeyHead& head = RekeyOf().head;
  const crypto::Key32 inkey = RekeyInkey(suite_, kNewRoot, head.update);
  Bytes sealed(plain.size());
  Encrypt(suite_, OfGroupRekey(suite_, head, EncrAlg::kAesCm256, inkey), plain, sealed);
  return Forge(One(RekeyOf()), [&sealed](Header&, std::vector<Payload>& payloads) {
    for (Payload& payload : payloads) {
      if (auto* kemac = std::get_if<KemacPayload>(&payload)) kemac->encr_data = sealed;
    }
  });
}

}  // namespace keymast::mikey::v2
