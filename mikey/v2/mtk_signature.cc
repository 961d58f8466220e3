// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/mtk_signature.h"

#include "mikey/form3gpp.h"
#include "mikey/mac_check.h"
#include "mikey/v2/extension_io.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kMaxData =
    MtkSignature::kHead + kMaxMerkleDepth * MerklePath::kNodeSize + crypto::kEcSignature;
constexpr std::array<uint8_t, kMaxData> kZeros{};

// SignedTick is what the signature covers.
class SignedTick {
 public:
  SignedTick(VerificationKeyId key, size_t leaves, const MerkleNode& root) {
    Writer writer(octets_);
    writer.Put(AsBytes("MIKEYv2 mtk"));
    writer.U8(0);
    writer.U32(key);
    writer.U8(leaves);
    writer.Put(root);
    KEYMAST_CHECK(writer.ok() && writer.size() == octets_.size());
  }
  std::array<ByteView, 1> parts() const { return {octets_}; }

 private:
  std::array<uint8_t, 12 + 4 + 1 + MerklePath::kNodeSize> octets_{};
};

// LeafOf a message: EXT 242's data as zeros, without the MAC.
MerkleNode LeafOf(const crypto::Suite& suite, uint8_t leaf, ByteView message, ByteView data,
                  size_t mac) {
  const auto at = static_cast<size_t>(data.data() - message.data());
  const ByteView behind = message.subspan(at + data.size());
  const std::array<ByteView, 3> body{message.first(at), ByteView(kZeros).first(data.size()),
                                     behind.first(behind.size() - mac)};
  return MerkleLeaf(suite, leaf, body);
}

struct Draft {
  Bytes octets;
  size_t data_at = 0;  // of EXT 242
  size_t data_size = 0;

  MutableBytes Data() { return MutableBytes(octets).subspan(data_at, data_size); }
};

class TickWriter {
 public:
  TickWriter(const crypto::Suite& suite, std::span<const TickMessage> messages,
             const SigningKey& signer)
      : suite_(suite), messages_(messages), signer_(signer) {}

  Result<std::vector<Bytes>> Write() const {
    std::vector<Draft> drafts(messages_.size());
    std::vector<MerkleNode> leaves;
    for (size_t i = 0; i < drafts.size(); ++i) {
      if (Status made = MakeDraft(i, drafts[i]); !made) return Err(made.error());
      leaves.push_back(LeafOf(suite_, static_cast<uint8_t>(i), drafts[i].octets, drafts[i].Data(),
                              MacSize(messages_[i])));
    }
    const MerkleTree tree(suite_, std::move(leaves));
    std::array<uint8_t, crypto::kEcSignature> signature{};
    const SignedTick covered(signer_.id, drafts.size(), tree.root());
    const auto size =
        suite_.pk->sign(signer_.key, crypto::SignatureScheme::kEd25519, covered.parts(), signature);
    KEYMAST_CHECK(size && *size == signature.size());
    std::vector<Bytes> written;
    for (size_t i = 0; i < drafts.size(); ++i) {
      Prove(i, tree, signature, drafts[i]);
      written.push_back(std::move(drafts[i].octets));
    }
    return written;
  }

 private:
  static size_t MacSize(const TickMessage& message) {
    return MacLength(message.profile.mac_alg).value_or(0);
  }
  static PskContext ContextOf(const TickMessage& tick) {
    return {AlgorithmsOf(tick.profile), tick.msk, tick.message.csb_id, tick.message.msk_rand};
  }

  // MakeDraft writes a message with zeros in EXT 242, which the MAC is then not yet right for.
  Status MakeDraft(size_t index, Draft& draft) const {
    const TickMessage& tick = messages_[index];
    const MtkMessage& message = tick.message;
    KEYMAST_CHECK(message.ids.mtk.has_value());
    const bool has_salt = message.salt.size() == 12 || message.salt.size() == 14;
    if (!has_salt || !IsKeyLength(message.key.size())) return Err(Error::kInvalidArgument);
    Header header;  // version 1, data type 0
    header.prf = tick.profile.prf;
    header.csb_id = message.csb_id.value;
    header.map_type = CsIdMapType::kEmpty;
    draft.octets.resize(kDefaultRekey);
    draft.data_size = MtkSignature::kHead +
                      MerklePathLength(index, messages_.size()) * MerklePath::kNodeSize +
                      crypto::kEcSignature;
    ChainWriter chain(draft.octets, header);
    const auto counter = CounterOctets(message.counter);
    Profile3gpp form;
    AddKeyIdsAndT(chain, form, message.ids, counter);
    chain.Add(ExtPayload{ExtType::kMtkSignature, ByteView(kZeros).first(draft.data_size)});
    draft.data_at = chain.size() - draft.data_size;
    KeyDataPayload key;
    key.type = KeyDataType::kTekSalt;
    key.key = message.key;
    key.salt = message.salt;
    const Result<size_t> size =
        CloseWithKemac(suite_, ContextOf(tick), chain, {TsType::kCounter, counter}, {&key, 1});
    if (!size) return Err(size.error());
    draft.octets.resize(*size);
    return {};
  }

  // EXT 242 is filled in before the MAC is computed.
  void Prove(size_t index, const MerkleTree& tree, ByteView signature, Draft& draft) const {
    const MutableBytes data = draft.Data();
    Writer writer(data);
    writer.U32(signer_.id);
    writer.U8(index);
    writer.U8(messages_.size());
    tree.PutPath(index, writer.Claim(data.size() - writer.size() - signature.size()));
    writer.Put(signature);
    const PskContext context = ContextOf(messages_[index]);
    const size_t mac = MacSize(messages_[index]);
    const std::array<ByteView, 1> covered{ByteView(draft.octets).first(draft.octets.size() - mac)};
    const crypto::Key32 key =
        DeriveAuthKey(suite_, context.algorithms, context.psk, context.csb_id, context.rand);
    Mac(suite_, context.algorithms.mac, key.view(), covered, MutableBytes(draft.octets).last(mac));
  }

  const crypto::Suite& suite_;
  std::span<const TickMessage> messages_;
  const SigningKey& signer_;
};

// SignatureIn finds EXT 242 in a message of MIKEYv2's form: EXT 3, T, EXT 242, KEMAC.
Result<const ExtPayload*> SignatureIn(const Message& message) {
  const auto chain = message.chain();
  const auto is_ext = [&chain](size_t i, ExtType type) {
    const auto* ext = std::get_if<ExtPayload>(&chain[i]);
    return ext != nullptr && ext->ext_type == type;
  };
  if (chain.size() < 4) return Err(Error::kPayloadMissing);
  const bool has_form = chain.size() == 4 && is_ext(0, ExtType::kKeyIds) &&
                        std::holds_alternative<TPayload>(chain[1]) &&
                        is_ext(2, ExtType::kMtkSignature) &&
                        std::holds_alternative<KemacPayload>(chain[3]);
  if (!has_form) return Err(Error::kPayloadUnexpected);
  return &std::get<ExtPayload>(chain[2]);
}

Status CheckSignature(const crypto::Suite& suite, ByteView datagram,
                      const VerificationKey& verifier) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return parsed;
  const auto ext = SignatureIn(message);
  if (!ext) return Err(ext.error());
  MtkSignature signature;
  if (!ReadExtension(**ext, signature)) return Err(Error::kMalformed);
  if (signature.key_id != verifier.id) return Err(Error::kUnknownKey);
  const size_t mac = message.Get<KemacPayload>()->mac.size();
  const MerkleNode leaf = LeafOf(suite, signature.leaf, datagram, (*ext)->data, mac);
  const auto root = MerkleRoot(suite, leaf, signature.leaf, signature.leaves, signature.path());
  if (!root) return Err(Error::kMalformed);
  const SignedTick covered(signature.key_id, signature.leaves, *root);
  const bool verified = suite.pk->verify(verifier.key, crypto::SignatureScheme::kEd25519,
                                         covered.parts(), signature.signature());
  return SignatureIsGood(verified) ? Status() : Err(Error::kAuthenticationFailed);
}

}  // namespace

Result<std::vector<Bytes>> WriteSignedMtkMessages(const crypto::Suite& suite,
                                                  std::span<const TickMessage> messages,
                                                  const SigningKey& signer) {
  const bool is_tick = !messages.empty() && messages.size() <= kMaxMerkleLeaves;
  if (!is_tick || signer.key.kind() != crypto::KeyKind::kEd25519) {
    return Err(Error::kInvalidArgument);
  }
  return TickWriter(suite, messages, signer).Write();
}

Result<OpenedMtk> OpenSignedMtk(const crypto::Suite& suite, const Profile3gpp& profile,
                                const Unverified& message, ByteView msk, ByteView msk_rand,
                                const VerificationKey& verifier) {
  Result<OpenedMtk> opened = OpenMtk(suite, profile, message, msk, msk_rand);
  // MAC, EXT 242, KEMAC: what could not be decrypted was behind a good MAC.
  if (!opened && opened.error() != Error::kDecryptionFailed) return opened;
  const Status checked = CheckSignature(suite, message.datagram, verifier);
  return checked ? opened : Err(checked.error());
}

}  // namespace keymast::mikey::v2
