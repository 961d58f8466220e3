// SPDX-License-Identifier: Apache-2.0
// The writer of GROUP_REKEY: packets are drafted with zeros where proofs will be, then the tree
// over them is signed, then each gets its filter MAC (MIKEYv2 §10).
#include "mikey/key_ids.h"
#include "mikey/v2/closing.h"
#include "mikey/v2/extension_io.h"
#include "mikey/v2/group_rekey.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kMacSize = 32;  // of the KEMAC, MIKEYv2 §4.4
constexpr size_t kPathHead = 6;  // EXT 245 before the path
constexpr size_t kMaxPath = kPathHead + kMaxMerkleDepth * MerklePath::kNodeSize;
constexpr std::array<uint8_t, crypto::kEcSignature> kZeros{};

bool IsAnnouncement(const Rekey& rekey) {
  return rekey.head.update.kind == UpdateKind::kAnnouncement;
}

bool IsMsk(const KeyDataPayload& key) {
  const bool has_size = key.key.size() == 16 || key.key.size() == 32;
  return has_size && key.type == KeyDataType::kTgk && key.kv.type == KvType::kInterval &&
         key.kv.from.size() == 2 && key.kv.to.size() == 2;
}

bool IsEncr(EncrAlg encr) {
  return encr == EncrAlg::kAesCm128 || encr == EncrAlg::kAesCm256 || encr == EncrAlg::kAesKwp256;
}

bool IsEd25519(const SigningKey& signer) { return signer.key.kind() == crypto::KeyKind::kEd25519; }

Status Check(const Rekey& rekey, const SigningKey& signer) {
  const size_t packets = rekey.tree_updates.size();
  const bool is_announcement = IsAnnouncement(rekey);
  const bool belongs = is_announcement ? packets == 0
                                       : packets >= 1 && packets <= kMaxLeaves &&
                                             IsMsk(rekey.msk) && !rekey.root.empty();
  const bool can_sign =
      IsEd25519(signer) && (rekey.next_signer == nullptr || IsEd25519(*rekey.next_signer));
  const UpdateHead& update = rekey.head.update;
  const bool has_head =
      update.tree_id.size() == kTreeIdSize && update.nonce.size() == UpdateHead::kNonceSize;
  if (!belongs || !can_sign || !has_head || !IsEncr(rekey.encr))
    return Err(Error::kInvalidArgument);
  return {};
}

void SignBy(const crypto::Suite& suite, const SigningKey& signer, ByteView octets,
            MutableBytes out) {
  const std::array<ByteView, 1> parts{octets};
  const Result<size_t> size =
      suite.pk->sign(signer.key, crypto::SignatureScheme::kEd25519, parts, out);
  KEYMAST_CHECK(size && *size == out.size());
}

// Draft is a packet whose proofs are zeros, with where they begin.
struct Draft {
  Bytes octets;
  size_t filter_at = 0;  // 0: no EXT 243
  size_t path_at = 0;    // EXT 245's data
  size_t path_size = 0;

  PacketParts Parts() const {
    const ByteView packet(octets);
    const ByteView mac =
        filter_at == 0 ? ByteView() : packet.subspan(filter_at, FilterMac::kMacSize);
    return PartsOf(packet, mac, packet.subspan(path_at, path_size));
  }
  MutableBytes At(size_t offset, size_t size) { return MutableBytes(octets).subspan(offset, size); }
};

class RekeyWriter {
 public:
  RekeyWriter(const crypto::Suite& suite, const Rekey& rekey, const SigningKey& signer)
      : suite_(suite), rekey_(rekey), signer_(signer) {}

  Result<std::vector<Bytes>> Write() {
    SealMsk();
    MakeRoll();
    const size_t count = IsAnnouncement(rekey_) ? 1 : rekey_.tree_updates.size();
    std::vector<Draft> drafts(count);
    for (size_t i = 0; i < count; ++i) {
      if (!MakeDraft(i, count, drafts[i])) return Err(Error::kTooLong);
    }
    Prove(drafts);
    std::vector<Bytes> packets;
    packets.reserve(count);
    for (Draft& draft : drafts) packets.push_back(std::move(draft.octets));
    return packets;
  }

 private:
  // All packets of an update have the same Encr data.
  void SealMsk() {
    if (IsAnnouncement(rekey_)) return;
    inkey_ = RekeyInkey(suite_, rekey_.root, rekey_.head.update);
    Contents contents;
    contents.keys.Add(rekey_.msk);
    crypto::SecretScratch<128> plain;
    const Result<size_t> size = WriteContents(contents, plain.Room());
    KEYMAST_CHECK(size.has_value());
    const ByteView octets = plain.Keep(*size);
    sealed_.resize(EncryptedSize(rekey_.encr, octets.size()));
    Encrypt(suite_, Protect(), octets, sealed_);
  }
  Protection Protect() const { return OfGroupRekey(suite_, rekey_.head, rekey_.encr, inkey_); }

  void MakeRoll() {
    if (rekey_.next_signer == nullptr) return;
    const SigningKey& next = *rekey_.next_signer;
    roll_.key_id = next.id;
    const crypto::PublicKey next_public = next.key.PublicPart();
    std::copy_n(next_public.ed25519().begin(), public_.size(), public_.begin());
    roll_.public_key = public_;
    SignBy(suite_, next, SignedRoll(rekey_.head, signer_.id, next.id, public_).view(),
           roll_signature_);
    roll_.signature = roll_signature_;
  }

  bool MakeDraft(size_t index, size_t count, Draft& draft) const {
    Header header;
    header.version = kVersion2;
    header.data_type = DataType::kGroupRekey;
    header.prf = PrfFunc::kHmacSha256;  // MIKEYv2 §3.1
    header.csb_id = rekey_.head.csb_id.value;
    draft.octets.resize(rekey_.largest);
    ChainWriter chain(draft.octets, header);
    AddHead(chain);
    if (!IsAnnouncement(rekey_)) {
      chain.Add(ExtPayload{ExtType::kTreeUpdate, rekey_.tree_updates[index]});
    }
    AddRoll(chain);
    const size_t mac_end = AddKemac(chain);
    AddFilter(chain, draft);
    AddProofs(index, count, chain, draft);
    if (!chain.ok()) return false;
    draft.octets.resize(chain.size());
    // The MAC covers the type of the payload behind it, too: all before it is written now.
    if (mac_end != 0) {
      const size_t mac_at = mac_end - kMacSize;
      ComputeMac(suite_, Protect(), ByteView(draft.octets).first(mac_at),
                 draft.At(mac_at, kMacSize));
    }
    return true;
  }

  void AddHead(ChainWriter& chain) const {
    std::array<uint8_t, 4> t{};
    Writer(t).U32(rekey_.head.t);
    chain.Add(TPayload{TsType::kCounter, t});
    std::array<uint8_t, kMaxKeyIds> ids{};
    Writer writer(ids);
    PutKeyIds(writer, {rekey_.head.ids.domain, rekey_.head.ids.msk, std::nullopt});
    chain.Add(ExtPayload{ExtType::kKeyIds, writer.written()});
    chain.Add(WrittenExtension(ExtType::kUpdate, rekey_.head.update).payload());
  }
  void AddRoll(ChainWriter& chain) const {
    if (rekey_.next_signer == nullptr) return;
    chain.Add(WrittenExtension<KeyRoll, 128>(ExtType::kKeyRoll, roll_).payload());
  }
  // AddKemac returns where its MAC ends.
  size_t AddKemac(ChainWriter& chain) const {
    if (IsAnnouncement(rekey_)) return 0;
    chain.Add(KemacPayload{rekey_.encr, sealed_, MacAlg::kHmacSha256_256,
                           ByteView(kZeros).first(kMacSize)});
    return chain.size();
  }
  void AddFilter(ChainWriter& chain, Draft& draft) const {
    if (!rekey_.before) return;
    const FilterMac filter{rekey_.before->id.value(), ByteView(kZeros).first(FilterMac::kMacSize)};
    chain.Add(WrittenExtension(ExtType::kFilterMac, filter).payload());
    draft.filter_at = chain.size() - FilterMac::kMacSize;
  }
  void AddProofs(size_t index, size_t count, ChainWriter& chain, Draft& draft) const {
    static constexpr std::array<uint8_t, kMaxPath> kNoPath{};
    MerklePath path;
    path.key_id = signer_.id;
    path.leaf = static_cast<uint8_t>(index);
    path.leaves = static_cast<uint8_t>(count);
    path.path = ByteView(kNoPath).first(MerklePathLength(index, count) * MerklePath::kNodeSize);
    const WrittenExtension<MerklePath, kMaxPath> ext(ExtType::kMerklePath, path);
    chain.Add(ext.payload());
    draft.path_size = ext.payload().data.size();
    draft.path_at = chain.size() - draft.path_size;
    chain.Add(SignPayload{SignatureType::kEd25519, kZeros});
  }

  void Prove(std::vector<Draft>& drafts) const {
    std::vector<MerkleNode> leaves;
    for (size_t i = 0; i < drafts.size(); ++i) {
      leaves.push_back(MerkleLeaf(suite_, static_cast<uint8_t>(i), drafts[i].Parts().body));
    }
    const MerkleTree tree(suite_, std::move(leaves));
    std::array<uint8_t, crypto::kEcSignature> signature{};
    const SignedUpdate covered(rekey_.head, signer_.id, drafts.size(), tree.root());
    SignBy(suite_, signer_, covered.view(), signature);
    for (size_t i = 0; i < drafts.size(); ++i) {
      Draft& draft = drafts[i];
      tree.PutPath(i, draft.At(draft.path_at + kPathHead, draft.path_size - kPathHead));
      std::copy(signature.begin(), signature.end(), draft.octets.end() - signature.size());
      AddFilterMac(draft);
    }
  }
  void AddFilterMac(Draft& draft) const {
    if (draft.filter_at == 0) return;
    const FilterOctets mac =
        ComputeFilterMac(suite_, rekey_.before->key, rekey_.head.update, draft.Parts());
    std::copy(mac.begin(), mac.end(), draft.At(draft.filter_at, mac.size()).begin());
  }

  const crypto::Suite& suite_;
  const Rekey& rekey_;
  const SigningKey& signer_;
  crypto::Key32 inkey_;
  Bytes sealed_;
  KeyRoll roll_;
  std::array<uint8_t, crypto::kEd25519Key> public_{};
  std::array<uint8_t, crypto::kEcSignature> roll_signature_{};
};

}  // namespace

Result<std::vector<Bytes>> WriteGroupRekey(const crypto::Suite& suite, const Rekey& rekey,
                                           const SigningKey& signer) {
  if (Status checked = Check(rekey, signer); !checked) return Err(checked.error());
  return RekeyWriter(suite, rekey, signer).Write();
}

}  // namespace keymast::mikey::v2
