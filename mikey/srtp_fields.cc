// SPDX-License-Identifier: Apache-2.0
#include "mikey/srtp_fields.h"

namespace keymast::mikey {

StreamMap::StreamMap(std::span<const StreamSync> streams) : count_(streams.size()) {
  KEYMAST_CHECK(count_ <= kMaxStreams);
  Writer writer(octets_);
  for (const StreamSync& stream : streams) {
    writer.U8(stream.policy);
    writer.U32(stream.ssrc.value);
    writer.U32(stream.roc.value);
  }
}

void StreamMap::Describe(Header& header) const {
  if (count_ == 0) return;
  header.cs_count = static_cast<uint8_t>(count_);
  header.map_type = CsIdMapType::kSrtpId;
  header.map = ByteView(octets_).first(count_ * kSrtpIdEntry);
}

Status ReadStreams(const Header& header, OpenedMsk& out) {
  if (header.map_type == CsIdMapType::kEmpty) return {};
  if (header.cs_count > kMaxStreams) return Err(Error::kUnsupportedPolicy);
  Reader reader(header.map);
  while (!reader.empty()) {
    StreamSync& stream = out.streams[out.stream_count++];
    stream.policy = reader.U8();
    stream.ssrc = Ssrc(reader.U32());
    stream.roc = Roc(reader.U32());
  }
  return {};
}

void PutParams(Writer& writer, std::span<const SpParam> params) {
  const MutableBytes room = writer.Claim(3 * params.size());
  if (room.empty()) return;
  auto octet = room.begin();
  for (const SpParam& param : params) {
    *octet++ = param.type;
    *octet++ = 1;
    *octet++ = param.value;
  }
}

Status ReadParams(const Message& message, OpenedMsk& out) {
  const SpPayload* sp = message.Get<SpPayload>();
  if (sp == nullptr) return {};
  if (sp->prot_type != ProtType::kSrtp) return Err(Error::kUnsupportedPolicy);
  Reader reader(sp->params);
  while (!reader.empty()) {
    const uint8_t type = reader.U8();
    const ByteView value = reader.Take(reader.U8());
    if (value.size() != 1 || out.policy_count == out.policy.size()) {
      return Err(Error::kUnsupportedPolicy);
    }
    out.policy[out.policy_count++] = {type, value[0]};
  }
  if (!reader.ok()) return Err(Error::kUnsupportedPolicy);
  return {};
}

}  // namespace keymast::mikey
