// SPDX-License-Identifier: Apache-2.0
// MSK message (TS 33.246 §6.4.5.1): HDR, EXT, T, RAND, IDi, IDr, {SP}, KEMAC under the user key.
#include "mikey/form3gpp.h"
#include "mikey/srtp_fields.h"

namespace keymast::mikey {
namespace {

constexpr uint8_t kMaxIntervalWidth = 6;  // RFC 3830 §6.14: as for a 48-bit SRTP index

// PutLimit writes SEQl or SEQu in `width` octets; the writer fails when the id does not fit.
void PutLimit(Writer& writer, MtkId id, uint8_t width) {
  const bool fits = width >= 1 && width <= kMaxIntervalWidth && (width > 1 || id.value <= 0xff);
  if (!fits) {
    writer.Claim(SIZE_MAX);
    return;
  }
  for (int octet = width - 1; octet >= 0; --octet) {
    writer.U8(octet > 1 ? 0u : static_cast<unsigned>(id.value) >> (8 * octet));
  }
}

// ReadLimit takes any width; an MTK ID fills two octets of it (TS 33.246 §6.3.3.1).
bool ReadLimit(ByteView octets, MtkId& id) {
  if (octets.empty() || octets.size() > kMaxIntervalWidth) return false;
  uint64_t value = 0;
  for (const uint8_t octet : octets) value = value << 8 | octet;
  id = MtkId(static_cast<uint16_t>(value));
  return value <= 0xffff;
}

Header HeaderOf(const Profile3gpp& profile, CsbId csb_id) {
  Header header;
  header.data_type = DataType::kPskInit;
  header.v_flag = profile.want_verification;
  header.prf = profile.prf;
  header.csb_id = csb_id.value;
  return header;
}

bool HasIdTypes(const Message& message, const Profile3gpp& profile) {
  return message.Get<IdPayload>(0)->id_type == profile.idi_type &&
         message.Get<IdPayload>(1)->id_type == profile.idr_type;
}

// ReadKey takes the one key that an MSK message carries, with its interval.
bool ReadKey(std::span<const KeyDataPayload> keys, const Profile3gpp& profile, OpenedMsk& out) {
  if (keys.size() != 1) return false;
  const KeyDataPayload& key_data = keys[0];
  if (key_data.type != profile.msk_key_type || key_data.kv.type != KvType::kInterval) return false;
  if (!IsKeyLength(key_data.key.size())) return false;
  out.msk = crypto::Key32(key_data.key);
  return ReadLimit(key_data.kv.from, out.low) && ReadLimit(key_data.kv.to, out.high);
}

}  // namespace

Result<size_t> WriteMskMessage(const crypto::Suite& suite, const Profile3gpp& profile,
                               const MskMessage& message, ByteView user_key, MutableBytes out) {
  // RFC 4563 §5: an SP has no place beside the empty map.
  if (message.streams.empty() && !message.policy.empty()) return Err(Error::kInvalidArgument);
  const StreamMap map(message.streams);
  Header header = HeaderOf(profile, message.csb_id);
  map.Describe(header);
  ChainWriter chain(out, header);
  const auto counter = CounterOctets(message.counter);
  AddKeyIdsAndT(chain, profile, {message.ids.domain, message.ids.msk, {}}, counter);
  chain.Add(RandPayload{message.rand});
  chain.Add(IdPayload{profile.idi_type, message.idi});
  chain.Add(IdPayload{profile.idr_type, message.idr});
  Scratch<3 * kMaxParams> params;
  PutParams(params.writer(), message.policy);
  if (!message.policy.empty()) chain.Add(SpPayload{0, ProtType::kSrtp, params.view()});
  Scratch<kMaxIntervalWidth> low;
  Scratch<kMaxIntervalWidth> high;
  PutLimit(low.writer(), message.low, profile.interval_width);
  PutLimit(high.writer(), message.high, profile.interval_width);
  const bool fit = params.writer().ok() && low.writer().ok() && high.writer().ok();
  if (!fit || !IsKeyLength(message.msk.size())) return Err(Error::kInvalidArgument);
  KeyDataPayload key_data;
  key_data.type = profile.msk_key_type;
  key_data.key = message.msk;
  key_data.kv = {KvType::kInterval, {}, low.view(), high.view()};
  const PskContext context{AlgorithmsOf(profile), user_key, message.csb_id, message.rand};
  return CloseWithKemac(suite, context, chain, {TsType::kCounter, counter}, {&key_data, 1});
}

Result<OpenedMsk> OpenMsk(const crypto::Suite& suite, const Profile3gpp& profile,
                          const Unverified& message, ByteView user_key) {
  KEYMAST_CHECK(message.kind == MessageKind::kMsk);
  Message parsed;
  if (Status status = ParseMessage(message.datagram, parsed); !status) return Err(status.error());
  if (!HasIdTypes(parsed, profile)) return Err(Error::kUnsupportedPolicy);
  const PskContext context{AlgorithmsOf(profile), user_key, message.csb_id, message.rand};
  OpenedKeys opened;
  if (Status status = OpenKemac(suite, context, message.datagram, parsed, opened); !status) {
    return Err(status.error());
  }
  OpenedMsk out;
  if (!ReadKey(opened.keys(), profile, out)) return Err(Error::kDecryptionFailed);
  if (Status params = ReadParams(parsed, out); !params) return Err(params.error());
  if (Status streams = ReadStreams(parsed.header, out); !streams) return Err(streams.error());
  return out;
}

}  // namespace keymast::mikey
