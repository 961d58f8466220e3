// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/group_rekey.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kExtHead = 4;  // next payload, type, length: RFC 3830 §6.15
constexpr FilterOctets kNoFilterMac{};

void PutText(Writer& writer, std::string_view text) {
  writer.Put(AsBytes(text));
  writer.U8(0);
}

// TreeAndEpoch fills the fields of the keys that belong to an update.
std::array<uint8_t, kTreeIdSize + 4> TreeAndEpoch(const UpdateHead& update) {
  std::array<uint8_t, kTreeIdSize + 4> fields{};
  Writer writer(fields);
  writer.Put(update.tree_id);
  writer.U32(update.epoch);
  KEYMAST_CHECK(writer.ok() && writer.size() == fields.size());
  return fields;
}

crypto::Key32 OfUpdate(const crypto::Suite& suite, ByteView key, std::string_view name,
                       const UpdateHead& update) {
  const auto tree = TreeAndEpoch(update);
  const std::array<ByteView, 1> fields{tree};
  return Kdf(suite, key, name, fields);
}

}  // namespace

std::array<uint8_t, kUpdateNameSize> RekeyHead::Name() const {
  std::array<uint8_t, kUpdateNameSize> name{};
  Writer writer(name);
  writer.Put(ids.domain.octets);
  writer.U16(ids.msk.group.value);
  writer.Put(update.tree_id);
  writer.U32(update.epoch);
  KEYMAST_CHECK(writer.ok() && writer.size() == name.size());
  return name;
}

crypto::Key32 RekeyInkey(const crypto::Suite& suite, ByteView root, const UpdateHead& update) {
  return OfUpdate(suite, root, "rekey", update);
}

Protection OfGroupRekey(const crypto::Suite& suite, const RekeyHead& head, EncrAlg encr,
                        const crypto::Key32& inkey) {
  Protection protection;
  protection.encr = encr;
  protection.inkey = inkey.view();
  protection.csb_id = head.csb_id;
  protection.type = DataType::kGroupRekey;
  protection.rand_i = head.update.nonce;
  protection.context = HashOf(suite, head.Name());
  protection.t = head.t;
  return protection;
}

PacketParts PartsOf(ByteView packet, ByteView mac, ByteView path) {
  const auto path_at = static_cast<size_t>(path.data() - packet.data()) - kExtHead;
  const ByteView before = packet.first(path_at);
  // EXT 243 ends with its MAC, right before EXT 245.
  if (mac.empty()) return {{before, {}}, packet.subspan(path_at)};
  return {{before.first(path_at - mac.size()), kNoFilterMac}, packet.subspan(path_at)};
}

FilterOctets ComputeFilterMac(const crypto::Suite& suite, ByteView msk_before,
                              const UpdateHead& update, const PacketParts& parts) {
  const crypto::Key32 key = OfUpdate(suite, msk_before, "filter", update);
  const std::array<ByteView, 3> covered{parts.body[0], parts.body[1], parts.rest};
  std::array<uint8_t, 32> whole{};
  suite.hmac(crypto::Hash::kSha256, key.view(), covered, whole);
  FilterOctets cut{};
  std::copy_n(whole.begin(), cut.size(), cut.begin());
  return cut;
}

SignedUpdate::SignedUpdate(const RekeyHead& head, VerificationKeyId key, size_t leaves,
                           const MerkleNode& root) {
  Writer writer(octets_);
  PutText(writer, "MIKEYv2 group_rekey");
  writer.Put(head.Name());
  writer.U32(head.t);
  writer.U32(key);
  writer.U8(leaves);
  writer.Put(root);
  KEYMAST_CHECK(writer.ok() && writer.size() == octets_.size());
}

SignedRoll::SignedRoll(const RekeyHead& head, VerificationKeyId old_key, VerificationKeyId new_key,
                       ByteView public_key) {
  Writer writer(octets_);
  PutText(writer, "MIKEYv2 key_roll");
  writer.Put(head.Name());
  writer.U32(head.t);
  writer.U32(old_key);
  writer.U32(new_key);
  writer.Put(public_key);
  KEYMAST_CHECK(writer.ok() && writer.size() == octets_.size());
}

}  // namespace keymast::mikey::v2
