// SPDX-License-Identifier: Apache-2.0
// The receiver's half of mbms.h: inspect without a key, then verify, then decrypt.
#include "mikey/grammar.h"
#include "mikey/mbms.h"
#include "mikey/prf.h"

namespace keymast::mikey {
namespace {

constexpr size_t kMaxKeyData = 96;

bool ReadKeyId(Reader& reader, KeyIds& ids, unsigned& seen) {
  const uint8_t type = reader.U8();
  const ByteView id = reader.Take(reader.U8());
  if (!reader.ok() || type > static_cast<uint8_t>(KeyIdType::kMtk) || (seen & 1u << type) != 0) {
    return false;
  }
  seen |= 1u << type;
  Reader value(id);
  switch (static_cast<KeyIdType>(type)) {
    case KeyIdType::kDomain:
      for (uint8_t& octet : ids.domain.octets) octet = value.U8();
      break;
    case KeyIdType::kMsk:
      ids.msk = MskId::FromValue(value.U32());
      break;
    case KeyIdType::kMtk:
      ids.mtk = MtkId(value.U16());
      break;
  }
  return value.Finish().has_value();
}

// ParseKeyIds reads the Key ID information (RFC 4563 §4): domain and MSK ID always, each once.
Status ParseKeyIds(ByteView data, KeyIds& ids) {
  Reader reader(data);
  unsigned seen = 0;
  while (!reader.empty()) {
    if (!ReadKeyId(reader, ids, seen)) return Err(Error::kMalformed);
  }
  if ((seen & 3u) != 3u) return Err(Error::kPayloadMissing);
  return {};
}

const ExtPayload* FindKeyIds(const Message& message) {
  const ExtPayload* found = nullptr;
  for (size_t i = 0; const ExtPayload* ext = message.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type != kExtKeyIds) continue;
    if (found != nullptr) return nullptr;
    found = ext;
  }
  return found;
}

Status InspectCounter(const Message& message, Unverified& out) {
  const TPayload* t = message.Get<TPayload>();
  if (t == nullptr) return Err(Error::kPayloadMissing);
  if (t->ts_type != TsType::kCounter) return Err(Error::kUnsupportedAlgorithm);
  out.counter = Reader(t->value).U32();
  return {};
}

Status InspectVerification(const Message& message, Unverified& out) {
  out.kind = MessageKind::kVerification;
  if (Status form = CheckGrammar(message, Form::kVerification); !form) return form;
  const IdPayload* idr = message.Get<IdPayload>();
  if (idr == nullptr) return Err(Error::kPayloadMissing);
  if (idr->data.size() > kMaxIdentity) return Err(Error::kTooLong);
  out.idr = idr->data;
  return InspectCounter(message, out);
}

// An EXT with MTK ID announces an MTK, one without it an MSK (TS 33.246 §6.4.6).
Status InspectDelivery(const Message& message, Unverified& out) {
  const ExtPayload* ext = FindKeyIds(message);
  if (ext == nullptr) return Err(Error::kPayloadMissing);
  if (Status ids = ParseKeyIds(ext->data, out.ids); !ids) return ids;
  out.kind = out.ids.mtk ? MessageKind::kMtk : MessageKind::kMsk;
  const Form form = out.ids.mtk ? Form::kMtk : Form::kMsk;
  if (Status checked = CheckGrammar(message, form); !checked) return checked;
  if (Status counter = InspectCounter(message, out); !counter) return counter;
  if (out.kind == MessageKind::kMtk) return {};
  out.rand = message.Get<RandPayload>()->rand;
  out.idi = message.Get<IdPayload>(0)->data;
  out.idr = message.Get<IdPayload>(1)->data;
  if (out.rand.size() < kMinRand) return Err(Error::kMalformed);
  if (out.idi.size() > kMaxIdentity || out.idr.size() > kMaxIdentity) return Err(Error::kTooLong);
  return {};
}

Algorithms AlgorithmsOf(const Profile3gpp& profile) {
  return {profile.prf, profile.encr_alg, profile.mac_alg};
}

// Opened is a KEMAC that verified: its key data in clear, and the sub-payload that points into it.
struct Opened {
  crypto::SecretKey<kMaxKeyData> plain;
  KeyDataPayload key_data;
};

Status OpenKemac(const crypto::Suite& suite, const Profile3gpp& profile, const Unverified& message,
                 const Message& parsed, ByteView psk, ByteView rand, Opened& opened) {
  const KemacPayload* kemac = parsed.Get<KemacPayload>();
  const bool expected = kemac != nullptr && parsed.header.prf == profile.prf &&
                        kemac->encr_alg == profile.encr_alg && kemac->mac_alg == profile.mac_alg;
  if (!expected) return Err(Error::kUnsupportedAlgorithm);
  if (kemac->encr_data.size() > kMaxKeyData) return Err(Error::kTooLong);
  const TransportKeys keys =
      DeriveTransportKeys(suite, AlgorithmsOf(profile), psk, message.csb_id, rand);
  if (profile.mac_alg != MacAlg::kNull) {
    auto mac = crypto::Key32::OfSize(kemac->mac.size());
    const std::array<ByteView, 1> covered{
        message.datagram.first(message.datagram.size() - kemac->mac.size())};
    Mac(suite, profile.mac_alg, keys.auth.view(), covered, mac.mutable_view());
    if (!crypto::ConstantTimeEqual(mac.view(), kemac->mac)) {
      return Err(Error::kAuthenticationFailed);
    }
  }
  opened.plain = crypto::SecretKey<kMaxKeyData>(kemac->encr_data);
  if (profile.encr_alg != EncrAlg::kNull) {
    CryptKeyData(suite, keys, message.csb_id, parsed.Get<TPayload>()->value,
                 opened.plain.mutable_view());
  }
  const Result<KeyDataPayload> key_data = ParseKeyData(opened.plain.view());
  if (!key_data) return Err(Error::kDecryptionFailed);
  opened.key_data = *key_data;
  return {};
}

// ReadLimit reads SEQl or SEQu, 1 to 6 octets, of which an MTK ID fills two.
bool ReadLimit(ByteView octets, MtkId& id) {
  if (octets.empty() || octets.size() > 6) return false;
  uint64_t value = 0;
  for (const uint8_t octet : octets) value = value << 8 | octet;
  id = MtkId(static_cast<uint16_t>(value));
  return value <= 0xffff;
}

bool ReadParams(const Message& message, OpenedMsk& out) {
  const SpPayload* sp = message.Get<SpPayload>();
  if (sp == nullptr) return true;
  if (sp->prot_type != kProtTypeSrtp) return false;
  Reader reader(sp->params);
  while (!reader.empty()) {
    const uint8_t type = reader.U8();
    const ByteView value = reader.Take(reader.U8());
    if (value.size() != 1 || out.policy_count == out.policy.size()) return false;
    out.policy[out.policy_count++] = {type, value[0]};
  }
  return reader.ok();
}

bool ReadStreams(const Header& header, OpenedMsk& out) {
  if (header.map_type == CsIdMapType::kEmpty) return true;
  if (header.cs_count > kMaxStreams) return false;
  Reader reader(header.map);
  while (!reader.empty()) {
    StreamSync& stream = out.streams[out.stream_count++];
    stream.policy = reader.U8();
    stream.ssrc = Ssrc(reader.U32());
    stream.roc = Roc(reader.U32());
  }
  return reader.ok();
}

bool IsKeyLength(size_t length) { return length >= 16 && length <= 32; }

}  // namespace

Result<Unverified> Inspect(ByteView datagram) {
  Message message;
  if (Status parsed = ParseMessage(datagram, message); !parsed) return Err(parsed.error());
  Unverified out;
  out.datagram = datagram;
  out.csb_id = CsbId(message.header.csb_id);
  out.prf = message.header.prf;
  out.wants_verification = message.header.v_flag;
  const Status inspected = message.header.data_type == DataType::kPskVerification
                               ? InspectVerification(message, out)
                               : InspectDelivery(message, out);
  if (!inspected) return Err(inspected.error());
  return out;
}

Result<OpenedMsk> OpenMsk(const crypto::Suite& suite, const Profile3gpp& profile,
                          const Unverified& message, ByteView user_key) {
  Message parsed;
  if (Status status = ParseMessage(message.datagram, parsed); !status) return Err(status.error());
  Opened opened;
  if (Status status = OpenKemac(suite, profile, message, parsed, user_key, message.rand, opened);
      !status) {
    return Err(status.error());
  }
  const KeyDataPayload& key_data = opened.key_data;
  OpenedMsk out;
  if (key_data.type != profile.msk_key_type || key_data.kv != KvType::kInterval ||
      !IsKeyLength(key_data.key.size()) || !ReadLimit(key_data.from, out.low) ||
      !ReadLimit(key_data.to, out.high)) {
    return Err(Error::kDecryptionFailed);
  }
  if (!ReadParams(parsed, out) || !ReadStreams(parsed.header, out)) {
    return Err(Error::kUnsupportedPolicy);
  }
  out.msk = crypto::Key32(key_data.key);
  return out;
}

Result<OpenedMtk> OpenMtk(const crypto::Suite& suite, const Profile3gpp& profile,
                          const Unverified& message, ByteView msk, ByteView msk_rand) {
  Message parsed;
  if (Status status = ParseMessage(message.datagram, parsed); !status) return Err(status.error());
  if (parsed.header.map_type != profile.mtk_map || parsed.header.cs_count != 0) {
    return Err(Error::kUnsupportedPolicy);
  }
  Opened opened;
  if (Status status = OpenKemac(suite, profile, message, parsed, msk, msk_rand, opened); !status) {
    return Err(status.error());
  }
  const KeyDataPayload& key_data = opened.key_data;
  const bool is_tek = key_data.type == KeyDataType::kTek || key_data.type == KeyDataType::kTekSalt;
  if (!is_tek || key_data.kv != KvType::kNull || !IsKeyLength(key_data.key.size()) ||
      key_data.salt.size() > 14) {
    return Err(Error::kDecryptionFailed);
  }
  return OpenedMtk{crypto::Key32(key_data.key), crypto::Salt14(key_data.salt)};
}

Status CheckVerification(const crypto::Suite& suite, const Profile3gpp& profile,
                         const Unverified& message, ByteView idi, ByteView rand,
                         ByteView user_key) {
  Message parsed;
  if (Status status = ParseMessage(message.datagram, parsed); !status) return status;
  const VPayload* v = parsed.Get<VPayload>();
  if (v == nullptr || v->auth_alg != profile.mac_alg || parsed.header.prf != profile.prf) {
    return Err(Error::kUnsupportedAlgorithm);
  }
  const auto key = DeriveAuthKey(suite, AlgorithmsOf(profile), user_key, message.csb_id, rand);
  const ByteView covered = message.datagram.first(message.datagram.size() - v->ver_data.size());
  const ByteView t = parsed.Get<TPayload>()->value;
  auto mac = crypto::Key32::OfSize(v->ver_data.size());
  if (profile.ids_in_verification) {  // RFC 3830 §5.2
    const std::array<ByteView, 4> parts{covered, idi, message.idr, t};
    Mac(suite, profile.mac_alg, key.view(), parts, mac.mutable_view());
  } else {
    const std::array<ByteView, 2> parts{covered, t};
    Mac(suite, profile.mac_alg, key.view(), parts, mac.mutable_view());
  }
  if (!crypto::ConstantTimeEqual(mac.view(), v->ver_data)) {
    return Err(Error::kAuthenticationFailed);
  }
  return {};
}

}  // namespace keymast::mikey
