// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/mtk_signature.h"

#include "mikey/form3gpp.h"
#include "mikey/mac_check.h"
#include "mikey/v2/extension_io.h"
#include "mikey/v2/zeros.h"

namespace keymast::mikey::v2 {
namespace {

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

}  // namespace

MerkleNode MtkLeaf(const crypto::Suite& suite, uint8_t leaf, ByteView message, ByteView data,
                   size_t mac) {
  const auto at = static_cast<size_t>(data.data() - message.data());
  const ByteView behind = message.subspan(at + data.size());
  const std::array<ByteView, 3> body{message.first(at), Zeros(data.size()),
                                     behind.first(behind.size() - mac)};
  return MerkleLeaf(suite, leaf, body);
}

SignedTick::SignedTick(VerificationKeyId key, size_t leaves, const MerkleNode& root) {
  Writer writer(octets_);
  writer.Put(AsBytes("MIKEYv2 mtk"));
  writer.U8(0);
  writer.U32(key);
  writer.U8(leaves);
  writer.Put(root);
  KEYMAST_CHECK(writer.ok() && writer.size() == octets_.size());
}

Result<MtkClaim> ReadMtkClaim(const crypto::Suite& suite, ByteView datagram) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Err(parsed.error());
  const auto ext = SignatureIn(message);
  if (!ext) return Err(ext.error());
  MtkSignature signature;
  if (!ReadExtension(**ext, signature)) return Err(Error::kMalformed);
  const size_t mac = message.Get<KemacPayload>()->mac.size();
  const MerkleNode leaf = MtkLeaf(suite, signature.leaf, datagram, (*ext)->data, mac);
  const auto root = MerkleRoot(suite, leaf, signature.leaf, signature.leaves, signature.path());
  if (!root) return Err(Error::kMalformed);
  return MtkClaim{signature, SignedTick(signature.key_id, signature.leaves, *root)};
}

Result<OpenedMtk> OpenSignedMtk(const crypto::Suite& suite, const Profile3gpp& profile,
                                const Unverified& message, ByteView msk, ByteView msk_rand,
                                const VerificationKey& verifier) {
  Result<OpenedMtk> opened = OpenMtk(suite, profile, message, msk, msk_rand);
  // MAC, EXT 242, KEMAC: what could not be decrypted was behind a good MAC.
  if (!opened && opened.error() != Error::kDecryptionFailed) return opened;
  const Result<MtkClaim> claim = ReadMtkClaim(suite, message.datagram);
  if (!claim) return Err(claim.error());
  if (claim->signature.key_id != verifier.id) return Err(Error::kUnknownKey);
  const std::array<ByteView, 1> covered{claim->covered.view()};
  const bool verified = suite.pk->verify(verifier.key, crypto::SignatureScheme::kEd25519, covered,
                                         claim->signature.signature());
  return SignatureIsGood(verified) ? opened : Err(Error::kAuthenticationFailed);
}

}  // namespace keymast::mikey::v2
