// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/group_rekey_packet.h"

#include "mikey/key_ids.h"
#include "mikey/mac_check.h"
#include "mikey/v2/extension_io.h"
#include "mikey/v2/party.h"
#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {

Status RekeyPacket::Read(ByteView packet) {
  octets = packet;
  if (Status parsed = ParseMessage(packet, message); !parsed) return parsed;
  const Result<Parts> found = ReadParts(message, Form::kGroupRekey);
  if (!found) return Err(found.error());
  parts = *found;
  if (message.header.prf != PrfFunc::kHmacSha256) return Err(Error::kUnsupportedAlgorithm);
  if (Status read = ReadHead(); !read) return read;
  if (Status read = ReadExtensions(); !read) return read;
  const bool is_plain = parts.kemac == nullptr && parts.tree_update == nullptr;
  const bool is_full = parts.kemac != nullptr && parts.tree_update != nullptr;
  if (IsAnnouncement() ? !is_plain : !is_full) return Err(Error::kMalformed);
  const bool is_signed = parts.sign->s_type == SignatureType::kEd25519 &&
                         parts.sign->signature.size() == crypto::kEcSignature;
  if (!is_signed) return Err(Error::kUnsupportedAlgorithm);
  covered = PartsOf(octets, filter ? filter->mac : ByteView(), parts.merkle_path->data);
  return {};
}

Status RekeyPacket::ReadHead() {
  const Result<KeyIds> ids = FindKeyIds(message);
  if (!ids) return Err(ids.error());
  if (ids->mtk) return Err(Error::kMalformed);
  head.ids = *ids;
  head.csb_id = CsbId(message.header.csb_id);
  head.t = Reader(parts.t->value).U32();
  return ReadExtension(*parts.update, head.update) ? Status() : Err(Error::kMalformed);
}

Status RekeyPacket::ReadExtensions() {
  bool is_read = ReadExtension(*parts.merkle_path, path);
  if (parts.filter_mac != nullptr) {
    is_read = is_read && ReadExtension(*parts.filter_mac, filter.emplace());
  }
  if (parts.key_roll != nullptr) {
    is_read = is_read && ReadExtension(*parts.key_roll, roll.emplace());
  }
  return is_read ? Status() : Err(Error::kMalformed);
}

bool RekeyPacket::FilterIsGood(const crypto::Suite& suite, ByteView msk) const {
  return MacIsGood(ComputeFilterMac(suite, msk, head.update, covered), filter->mac);
}

Result<SignedUpdate> RekeyPacket::Signed(const crypto::Suite& suite) const {
  const MerkleNode leaf = MerkleLeaf(suite, path.leaf, covered.body);
  const auto root = MerkleRoot(suite, leaf, path.leaf, path.leaves, path.path);
  if (!root) return Err(Error::kMalformed);
  return SignedUpdate(head, path.key_id, path.leaves, *root);
}

SignedRoll RekeyPacket::SignedByNext() const {
  return SignedRoll(head, path.key_id, roll->key_id, roll->public_key);
}

Status RekeyPacket::CheckAlgorithms(EncrAlg encr) const {
  if (parts.kemac == nullptr) return {};
  const bool is_groups =
      parts.kemac->mac_alg == MacAlg::kHmacSha256_256 && parts.kemac->encr_alg == encr;
  return is_groups ? Status() : Err(Error::kUnsupportedAlgorithm);
}

Status RekeyPacket::Open(const crypto::Suite& suite, EncrAlg encr, ByteView root,
                         GivenMsk& given) const {
  const crypto::Key32 inkey = RekeyInkey(suite, root, head.update);
  const Protection protection = OfGroupRekey(suite, head, encr, inkey);
  const KemacPayload& kemac = *parts.kemac;
  const ByteView before_mac = HeadUpTo(octets, kemac.mac);
  if (!CheckMac(suite, protection, before_mac, kemac.mac_alg, kemac.mac)) {
    return Err(Error::kAuthenticationFailed);
  }
  if (kemac.encr_data.size() > kMaxEncrypted) return Err(Error::kTooLong);
  crypto::SecretScratch<kMaxEncrypted> plain;
  const Result<size_t> size = Decrypt(suite, protection, kemac.encr_data, plain.Room());
  if (!size) return Err(Error::kDecryptionFailed);
  return ReadKey(plain.Keep(*size), given);
}

Status RekeyPacket::ReadKey(ByteView plain, GivenMsk& given) const {
  Contents contents;
  if (!ReadContents(plain, false, contents)) return Err(Error::kDecryptionFailed);
  const bool is_one_key = contents.keys.size() == 1 && contents.rands.empty() &&
                          contents.msks.empty() && !contents.csb_id && !contents.member;
  if (!is_one_key) return Err(Error::kMalformed);
  const KeyDataPayload& msk = contents.keys[0];
  const bool is_msk = msk.type == KeyDataType::kTgk && msk.kv.type == KvType::kInterval &&
                      msk.kv.from.size() == 2 && msk.kv.to.size() == 2;
  if (!is_msk) return Err(Error::kMalformed);
  const UpdateHead& update = head.update;
  given.id = head.ids.msk;
  given.key = crypto::Key32(msk.key);
  given.low = MtkId(Reader(msk.kv.from).U16());
  given.high = MtkId(Reader(msk.kv.to).U16());
  std::copy_n(update.nonce.begin(), given.rand.size(), given.rand.begin());
  given.epoch = update.epoch;
  given.first_use_ms = update.first_use_ms;
  return {};
}

}  // namespace keymast::mikey::v2
