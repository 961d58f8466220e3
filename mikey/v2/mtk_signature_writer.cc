// SPDX-License-Identifier: Apache-2.0
#include "mikey/form3gpp.h"
#include "mikey/v2/mtk_signature.h"
#include "mikey/v2/zeros.h"

namespace keymast::mikey::v2 {
namespace {

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
      leaves.push_back(MtkLeaf(suite_, static_cast<uint8_t>(i), drafts[i].octets, drafts[i].Data(),
                               MacSize(messages_[i])));
    }
    const MerkleTree tree(suite_, std::move(leaves));
    std::array<uint8_t, crypto::kEcSignature> signature{};
    const SignedTick tick(signer_.id, drafts.size(), tree.root());
    const std::array<ByteView, 1> covered{tick.view()};
    const auto size =
        suite_.pk->sign(signer_.key, crypto::SignatureScheme::kEd25519, covered, signature);
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
    chain.Add(ExtPayload{ExtType::kMtkSignature, Zeros(draft.data_size)});
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

}  // namespace keymast::mikey::v2
