// SPDX-License-Identifier: Apache-2.0
// A channel's session description as the server makes it (RFC 8866, RFC 3711 §8, docs/receiver.md).
#pragma once

#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/error.h"
#include "base/ids.h"
#include "sdp/description.h"

namespace keymast::receiver {

inline constexpr size_t kMaxSdp = 16 * 1024;
inline constexpr size_t kMaxSdpLine = sdp::kMaxLine;

struct SdpStream {
  std::string media;  // video, audio, application, text
  Endpoint group;     // multicast address and RTP port
  uint8_t ttl = 0;
  uint8_t payload_type = 0;
  std::string rtpmap;  // `H264/90000`
  std::string fmtp;    // may be empty
  Ssrc ssrc;
};

struct ChannelSdp {
  std::string origin;  // of the o= line
  std::string name;    // of the s= line
  std::string channel;
  KeyDomainId domain;
  KeyGroup key_group;
  Endpoint mtk;  // where MTK messages come
  // Where packets come from alone, port 0 (RFC 4570); none: anywhere.
  std::vector<Endpoint> sources;
  // Where the channel is joined by MIKEYv2 (MIKEYv2 §12); without a URI it is not.
  std::string join_host;
  uint16_t join_port = 0;
  std::string join_uri;
  std::vector<SdpStream> streams;
};

// ParseSdp reads a description strictly (sdp/description.h): unknown attributes are passed over,
// everything that a receiver needs is there once. The error's message names line and reason:
// kMalformed, kTooLong, kUnknownVersion, kPayloadMissing, kSsrcInUse, kUnsupportedPolicy (a
// transport that is not RTP/SAVP).
tl::expected<ChannelSdp, Failure> ParseSdp(std::string_view text);

// MediaGroups lists where media comes: the RTP port of each stream and the next one for RTCP
// (RFC 3550 §11), each once, MTK messages apart.
std::vector<Endpoint> MediaGroups(const ChannelSdp& channel);

// PlainTarget is where the plain packets of a stream go.
struct PlainTarget {
  size_t stream = 0;  // index into ChannelSdp::streams
  Endpoint to;
};

// PlainSdp describes the plain RTP that is handed on, for any player: one m= line a target.
std::string PlainSdp(const ChannelSdp& channel, const std::vector<PlainTarget>& targets);

}  // namespace keymast::receiver
