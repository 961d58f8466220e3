// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/group_contents.h"

namespace keymast::mikey::v2 {
namespace {

constexpr size_t kMki = 6;  // MSK ID 4, MTK ID 2

bool IsMsk(const KeyDataPayload& key) {
  return key.kv.type == KvType::kInterval && key.kv.from.size() == 2 && key.kv.to.size() == 2;
}

// Keys of neighbouring levels: the SPI has the lowest node, then a version and a step for each.
bool IsPath(const KeyDataPayload& key) {
  constexpr size_t kNode = 4;
  constexpr size_t kOfKey = 5;
  if (key.kv.spi.size() < kNode + kOfKey || (key.kv.spi.size() - kNode) % kOfKey != 0) return false;
  const size_t count = (key.kv.spi.size() - kNode) / kOfKey;
  return count <= kMaxPathKeys && (key.key.size() == 16 * count || key.key.size() == 32 * count);
}

Status CheckKeys(const Contents& contents, const GroupName& group) {
  size_t msks = 0;
  for (const KeyDataPayload& key : contents.keys) {
    const bool is_msk = key.type == KeyDataType::kTgk;
    msks += is_msk ? 1u : 0u;
    if (is_msk && !IsMsk(key)) return Err(Error::kMalformed);
    if (key.type == KeyDataType::kTreeKey && !IsPath(key)) return Err(Error::kMalformed);
    if (key.type == KeyDataType::kMtk && Reader(key.kv.spi).U16() != group.key_group.value) {
      return Err(Error::kUnknownChannel);
    }
  }
  // The k-th RAND and the k-th EXT 247 belong to the k-th MSK: ReadContents compares those two.
  return msks == contents.msks.size() ? Status() : Err(Error::kMalformed);
}

bool IsOfGroup(const MskState& state, const GroupName& group) {
  return Equal(state.domain, group.domain.octets) &&
         MskId::FromValue(state.msk).group == group.key_group;
}

bool HasMtk(const Contents& contents, ByteView mki) {
  return std::ranges::any_of(contents.keys.view(), [mki](const KeyDataPayload& key) {
    return key.type == KeyDataType::kMtk && Equal(key.kv.spi, mki);
  });
}

// CS IDs from 1, S set, SPI the current MKI, SSRCs all different.
bool HasStreams(const Streams& streams, const Contents& contents) {
  if (streams.sessions.empty()) return false;
  for (size_t i = 0; i < streams.sessions.size(); ++i) {
    const CsbSession& session = streams.sessions[i];
    const bool is_complete = session.cs_id == i + 1 && session.has_seq &&
                             session.spi.size() == kMki && HasMtk(contents, session.spi.view());
    if (!is_complete) return false;
    for (size_t j = 0; j < i; ++j) {
      if (streams.sessions[j].ssrc == session.ssrc) return false;
    }
  }
  return true;
}

}  // namespace

Status CheckGroupContents(const Contents& contents, const Streams& streams,
                          const GroupName& group) {
  if (Status checked = CheckKeys(contents, group); !checked) return checked;
  for (const MskState& state : contents.msks) {
    if (!IsOfGroup(state, group)) return Err(Error::kUnknownChannel);
  }
  if (contents.csb_id && *contents.csb_id != group.csb_id) return Err(Error::kUnknownChannel);
  if (contents.msks.empty()) {
    // MIKEYv2 §3.1: map and policies stand exactly where an MSK does.
    const bool is_told = contents.keys.empty() || contents.member.has_value();
    return is_told && streams.sessions.empty() ? Status() : Err(Error::kMalformed);
  }
  const bool is_told = contents.member.has_value() && contents.csb_id.has_value();
  return is_told && HasStreams(streams, contents) ? Status() : Err(Error::kMalformed);
}

}  // namespace keymast::mikey::v2
