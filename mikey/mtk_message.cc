// SPDX-License-Identifier: Apache-2.0
// MTK message (TS 33.246 §6.4.5.3): HDR, EXT, T, KEMAC under the MSK; and the MKI under which SRTP
// packets name the key.
#include "mikey/form3gpp.h"

namespace keymast::mikey {
namespace {

bool IsSaltLength(size_t length) { return length == 0 || length == 12 || length == 14; }

bool IsTek(KeyDataType type) { return type == KeyDataType::kTek || type == KeyDataType::kTekSalt; }

// MTK messages bring no policy: #CS is 0 and the map as the profile has it.
bool HasMap(const Header& header, const Profile3gpp& profile) {
  return header.map_type == profile.mtk_map && header.cs_count == 0;
}

}  // namespace

Result<size_t> WriteMtkMessage(const crypto::Suite& suite, const Profile3gpp& profile,
                               const MtkMessage& message, ByteView msk, MutableBytes out) {
  KEYMAST_CHECK(message.ids.mtk.has_value());
  if (!IsKeyLength(message.key.size()) || !IsSaltLength(message.salt.size())) {
    return Err(Error::kInvalidArgument);
  }
  Header header;
  header.prf = profile.prf;
  header.csb_id = message.csb_id.value;
  header.map_type = profile.mtk_map;
  ChainWriter chain(out, header);
  const auto counter = CounterOctets(message.counter);
  AddKeyIdsAndT(chain, profile, message.ids, counter);
  KeyDataPayload key_data;
  key_data.type = message.salt.empty() ? KeyDataType::kTek : KeyDataType::kTekSalt;
  key_data.key = message.key;
  key_data.salt = message.salt;
  // RFC 3830 §4.5: an update has no RAND of its own, the MSK message's keeps its effect.
  const PskContext context{AlgorithmsOf(profile), msk, message.csb_id, message.msk_rand};
  return CloseWithKemac(suite, context, chain, {TsType::kCounter, counter}, {&key_data, 1});
}

Result<OpenedMtk> OpenMtk(const crypto::Suite& suite, const Profile3gpp& profile,
                          const Unverified& message, ByteView msk, ByteView msk_rand) {
  KEYMAST_CHECK(message.kind == MessageKind::kMtk);
  Message parsed;
  if (Status status = ParseMessage(message.datagram, parsed); !status) return Err(status.error());
  if (!HasMap(parsed.header, profile)) return Err(Error::kUnsupportedPolicy);
  const PskContext context{AlgorithmsOf(profile), msk, message.csb_id, msk_rand};
  OpenedKeys opened;
  if (Status status = OpenKemac(suite, context, message.datagram, parsed, opened); !status) {
    return Err(status.error());
  }
  if (opened.keys().size() != 1) return Err(Error::kDecryptionFailed);
  const KeyDataPayload& key_data = opened.keys()[0];
  if (!IsTek(key_data.type) || key_data.kv.type != KvType::kNull ||
      !IsKeyLength(key_data.key.size()) || !IsSaltLength(key_data.salt.size())) {
    return Err(Error::kDecryptionFailed);
  }
  return OpenedMtk{crypto::Key32(key_data.key), crypto::Salt14(key_data.salt)};
}

size_t WriteMki(const Profile3gpp& profile, const KeyIds& ids, std::span<uint8_t, 9> out) {
  KEYMAST_CHECK(ids.mtk.has_value());
  Writer writer(out);
  if (profile.mki_with_domain) writer.Put(ids.domain.octets);
  writer.U32(ids.msk.value());
  writer.U16(ids.mtk->value);
  return writer.size();
}

}  // namespace keymast::mikey
