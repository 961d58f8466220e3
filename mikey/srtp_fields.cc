// SPDX-License-Identifier: Apache-2.0
#include "mikey/srtp_fields.h"

namespace keymast::mikey {

StreamMap::StreamMap(std::span<const StreamSync> streams) : count_(streams.size()) {
  KEYMAST_CHECK(count_ <= kMaxStreams);
  Writer writer(octets_);
  WriteIo io(writer);
  for (const StreamSync& stream : streams) {
    const SrtpIdEntry entry{stream.policy, stream.ssrc.value, stream.roc.value};
    SrtpIdEntry::Describe(io, entry);
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
  // Streams are given by an SRTP-ID map; a GENERIC-ID map (RFC 6043 §6.1.1) is not of TS 33.246.
  if (header.map_type != CsIdMapType::kSrtpId || header.cs_count > kMaxStreams) {
    return Err(Error::kUnsupportedPolicy);
  }
  Reader reader(header.map);
  ReadIo io(reader);
  for (uint8_t i = 0; i < header.cs_count; ++i) {
    SrtpIdEntry entry;
    SrtpIdEntry::Describe(io, entry);
    out.streams[out.stream_count++] = {entry.policy, Ssrc(entry.ssrc), Roc(entry.roc)};
  }
  return io.Finish();
}

// All of them in one claim, where Param::Describe would make three each: an MSK message is written
// for every member.
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
  while (const std::optional<Param> param = NextParam(reader)) {
    if (param->value.size() != 1 || out.policy_count == out.policy.size()) {
      return Err(Error::kUnsupportedPolicy);
    }
    out.policy[out.policy_count++] = {param->type, param->value[0]};
  }
  return {};
}

}  // namespace keymast::mikey
