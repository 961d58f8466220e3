// SPDX-License-Identifier: Apache-2.0
// The sender's half of mbms.h.
#include "mikey/mbms.h"
#include "mikey/message.h"
#include "mikey/prf.h"

namespace keymast::mikey {
namespace {

constexpr size_t kMaxKeyData = 96;  // key 32, salt 14, interval 2 × 6, with their lengths
constexpr size_t kMaxPolicy = 96;   // 32 parameters of 3 octets
constexpr size_t kMaxKeyIds = 32;

Algorithms AlgorithmsOf(const Profile3gpp& profile) {
  return {profile.prf, profile.encr_alg, profile.mac_alg};
}

// Octets of fixed capacity that a payload view can point at.
template <size_t Capacity>
class Scratch {
 public:
  Scratch() : writer_(octets_) {}
  Writer& writer() { return writer_; }
  ByteView view() const { return writer_.written(); }

 private:
  std::array<uint8_t, Capacity> octets_{};
  Writer writer_;
};

void PutKeyIds(Writer& writer, const KeyIds& ids) {  // RFC 4563 §4
  writer.U8(static_cast<uint8_t>(KeyIdType::kDomain));
  writer.U8(ids.domain.octets.size());
  writer.Put(ids.domain.octets);
  writer.U8(static_cast<uint8_t>(KeyIdType::kMsk));
  writer.U8(4);
  writer.U32(ids.msk.value());
  if (!ids.mtk) return;
  writer.U8(static_cast<uint8_t>(KeyIdType::kMtk));
  writer.U8(2);
  writer.U16(ids.mtk->value);
}

void PutStreams(Writer& writer, std::span<const StreamSync> streams) {  // RFC 3830 §6.1.1
  for (const StreamSync& stream : streams) {
    writer.U8(stream.policy);
    writer.U32(stream.ssrc.value);
    writer.U32(stream.roc.value);
  }
}

void PutParams(Writer& writer, std::span<const SpParam> params) {  // RFC 3830 §6.10
  for (const SpParam& param : params) {
    writer.U8(param.type);
    writer.U8(1);
    writer.U8(param.value);
  }
}

void AddKeyIdsAndT(ChainWriter& chain, const Profile3gpp& profile, const KeyIds& ids,
                   ByteView counter) {
  Scratch<kMaxKeyIds> key_ids;
  PutKeyIds(key_ids.writer(), ids);
  const ExtPayload ext{kExtKeyIds, key_ids.view()};
  const TPayload t{TsType::kCounter, counter};
  if (profile.key_id_before_t) chain.Add(ext);
  chain.Add(t);
  if (!profile.key_id_before_t) chain.Add(ext);
}

// CloseWithKemac encrypts the key data and closes the message with its MAC over everything before
// (RFC 3830 §5.2, §6.2).
Result<size_t> CloseWithKemac(const crypto::Suite& suite, const Profile3gpp& profile,
                              ChainWriter& chain, MutableBytes out, const TransportKeys& keys,
                              CsbId csb_id, ByteView counter, const KeyDataPayload& key_data) {
  auto plain = crypto::SecretKey<kMaxKeyData>::OfSize(kMaxKeyData);
  Writer writer(plain.mutable_view());
  writer.U8(static_cast<uint8_t>(PayloadType::kLast));
  WriteIo io(writer);
  Describe(io, key_data);
  if (!writer.ok()) return Err(Error::kTooLong);
  const MutableBytes encrypted = plain.mutable_view().first(writer.size());
  CryptKeyData(suite, keys, csb_id, counter, encrypted);

  const std::array<uint8_t, 32> no_mac{};
  const size_t mac_length = MacLength(profile.mac_alg).value_or(0);
  chain.Add(KemacPayload{profile.encr_alg, encrypted, profile.mac_alg,
                         ByteView(no_mac).first(mac_length)});
  if (!chain.ok()) return Err(Error::kTooLong);
  const std::array<ByteView, 1> covered{out.first(chain.size() - mac_length)};
  Mac(suite, profile.mac_alg, keys.auth.view(), covered,
      out.subspan(chain.size() - mac_length, mac_length));
  return chain.size();
}

std::array<uint8_t, 4> CounterOctets(uint32_t counter) {
  std::array<uint8_t, 4> octets{};
  Writer(octets).U32(counter);
  return octets;
}

// SEQl or SEQu in as many octets as the profile sends.
template <size_t Capacity>
void PutLimit(Scratch<Capacity>& limit, MtkId id, uint8_t width) {
  for (int i = 2; i < width; ++i) limit.writer().U8(0);
  if (width == 1) {
    limit.writer().U8(id.value);
  } else {
    limit.writer().U16(id.value);
  }
}

}  // namespace

Result<size_t> WriteMskMessage(const crypto::Suite& suite, const Profile3gpp& profile,
                               const MskMessage& message, ByteView user_key, MutableBytes out) {
  KEYMAST_CHECK(message.streams.size() <= kMaxStreams && message.rand.size() >= kMinRand);
  Scratch<kMaxStreams * kSrtpIdEntry> map;
  PutStreams(map.writer(), message.streams);
  Header header;
  header.data_type = DataType::kPskInit;
  header.v_flag = profile.want_verification;
  header.prf = profile.prf;
  header.csb_id = profile.csb_id.value;
  if (!message.streams.empty()) {  // otherwise the empty map, RFC 4563 §5
    header.cs_count = static_cast<uint8_t>(message.streams.size());
    header.map_type = CsIdMapType::kSrtpId;
    header.map = map.view();
  }
  ChainWriter chain(out, header);
  const auto counter = CounterOctets(message.counter);
  AddKeyIdsAndT(chain, profile, message.ids, counter);
  chain.Add(RandPayload{message.rand});
  chain.Add(IdPayload{profile.idi_type, message.idi});
  chain.Add(IdPayload{profile.idr_type, message.idr});
  Scratch<kMaxPolicy> params;
  PutParams(params.writer(), message.policy);
  if (!message.policy.empty()) chain.Add(SpPayload{0, kProtTypeSrtp, params.view()});

  Scratch<6> low;
  Scratch<6> high;
  PutLimit(low, message.low, profile.interval_width);
  PutLimit(high, message.high, profile.interval_width);
  KeyDataPayload key_data;
  key_data.type = profile.msk_key_type;
  key_data.kv = KvType::kInterval;
  key_data.key = message.msk;
  key_data.from = low.view();
  key_data.to = high.view();
  const TransportKeys keys =
      DeriveTransportKeys(suite, AlgorithmsOf(profile), user_key, profile.csb_id, message.rand);
  return CloseWithKemac(suite, profile, chain, out, keys, profile.csb_id, counter, key_data);
}

Result<size_t> WriteMtkMessage(const crypto::Suite& suite, const Profile3gpp& profile,
                               const MtkMessage& message, ByteView msk, MutableBytes out) {
  KEYMAST_CHECK(message.ids.mtk.has_value());
  Header header;
  header.prf = profile.prf;
  header.csb_id = message.csb_id.value;
  header.map_type = profile.mtk_map;  // with #CS 0 both maps are empty
  ChainWriter chain(out, header);
  const auto counter = CounterOctets(message.counter);
  AddKeyIdsAndT(chain, profile, message.ids, counter);
  KeyDataPayload key_data;
  key_data.type = message.salt.empty() ? KeyDataType::kTek : KeyDataType::kTekSalt;
  key_data.key = message.key;
  key_data.salt = message.salt;
  const TransportKeys keys =
      DeriveTransportKeys(suite, AlgorithmsOf(profile), msk, message.csb_id, message.msk_rand);
  return CloseWithKemac(suite, profile, chain, out, keys, message.csb_id, counter, key_data);
}

Result<size_t> WriteVerification(const crypto::Suite& suite, const Profile3gpp& profile,
                                 const Verification& message, ByteView user_key, MutableBytes out) {
  KEYMAST_CHECK(message.streams.size() <= kMaxStreams);
  Scratch<kMaxStreams * kSrtpIdEntry> map;
  PutStreams(map.writer(), message.streams);
  Header header;
  header.data_type = DataType::kPskVerification;
  header.prf = profile.prf;
  header.csb_id = message.csb_id.value;
  if (!message.streams.empty()) {
    header.cs_count = static_cast<uint8_t>(message.streams.size());
    header.map_type = CsIdMapType::kSrtpId;
    header.map = map.view();
  }
  ChainWriter chain(out, header);
  const auto counter = CounterOctets(message.counter);
  chain.Add(TPayload{TsType::kCounter, counter});
  chain.Add(IdPayload{profile.idr_type, message.idr});
  const size_t mac_length = MacLength(profile.mac_alg).value_or(0);
  const std::array<uint8_t, 32> no_mac{};
  chain.Add(VPayload{profile.mac_alg, ByteView(no_mac).first(mac_length)});
  if (!chain.ok()) return Err(Error::kTooLong);
  const auto key =
      DeriveAuthKey(suite, AlgorithmsOf(profile), user_key, message.csb_id, message.rand);
  const ByteView covered = out.first(chain.size() - mac_length);
  const MutableBytes mac = out.subspan(chain.size() - mac_length, mac_length);
  if (profile.ids_in_verification) {  // RFC 3830 §5.2: ... || Identity_i || Identity_r || Timestamp
    const std::array<ByteView, 4> parts{covered, message.idi, message.idr, counter};
    Mac(suite, profile.mac_alg, key.view(), parts, mac);
  } else {
    const std::array<ByteView, 2> parts{covered, counter};
    Mac(suite, profile.mac_alg, key.view(), parts, mac);
  }
  return chain.size();
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
