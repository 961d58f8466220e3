// SPDX-License-Identifier: Apache-2.0
// An offer or an answer of a session of two that MIKEYv2 keys (RFC 3264, MIKEYv2 §12).
#pragma once

#include "base/ids.h"
#include "base/octets.h"
#include "sdp/description.h"

namespace keymast::sdp {

inline constexpr size_t kMinSessionId = 16;
inline constexpr size_t kMaxSessionId = 32;
inline constexpr size_t kFreshOctets = 16;

// Direction of a stream as its description says it: bit 0 sends, bit 1 receives (RFC 8866 §6.7).
enum class Direction : uint8_t { kInactive = 0, kSendOnly = 1, kRecvOnly = 2, kSendRecv = 3 };

constexpr bool Sends(Direction direction) { return (static_cast<unsigned>(direction) & 1) != 0; }
constexpr bool Receives(Direction direction) { return (static_cast<unsigned>(direction) & 2) != 0; }
constexpr Direction DirectionOf(bool sends, bool receives) {
  return static_cast<Direction>((sends ? 1u : 0u) | (receives ? 2u : 0u));
}
// Reversed is the same as the other side says it.
constexpr Direction Reversed(Direction direction) {
  return DirectionOf(Receives(direction), Sends(direction));
}
constexpr Direction Common(Direction a, Direction b) {
  return DirectionOf(Sends(a) && Sends(b), Receives(a) && Receives(b));
}
std::string_view DirectionName(Direction direction);
bool DirectionFromName(std::string_view name, Direction& out);

// Format is a payload type with what it stands for (RFC 8866 §6.6, §6.15).
struct Format {
  uint8_t payload_type = 0;
  std::string rtpmap;  // `PCMU/8000`; also where the type's number alone says it
  std::string fmtp;

  friend bool operator==(const Format&, const Format&) = default;
};

// IsSame compares encoding, clock rate and channels; names of encodings have no case.
bool IsSame(const Format& a, const Format& b);

// Stream is one m= line.
struct Stream {
  std::string media;
  std::string transport = "RTP/SAVP";
  // Where it is received, in a bundle-only stream of an offer by the address that the bundle has;
  // port 0: refused, the address may then be unset.
  Endpoint at;
  Direction direction = Direction::kSendRecv;
  std::vector<Format> formats;
  std::vector<std::string> other_formats;  // of what is no RTP, in their place
  std::optional<Ssrc> ssrc;                // that its describer sends (RFC 5576)
  std::string cname = "-";                 // of that source
  std::string mid;                         // RFC 5888
  bool rtcp_mux = false;                   // RTCP comes to that port too (RFC 5761)
  bool rtcp_mux_only = false;              // and to no other; of offers alone (RFC 8858)
  bool bundle_only = false;                // has no port of its own; of offers alone (RFC 9143 §6)

  bool is_refused() const { return at.port == 0; }
  bool is_srtp() const { return transport == "RTP/SAVP" || transport == "RTP/SAVPF"; }
  // MIKEYv2 §12: an exchange keys what is SRTP, and neither refused nor inactive.
  bool is_keyed() const { return !is_refused() && direction != Direction::kInactive && is_srtp(); }
};

// Fingerprint is SHA-256 of a certificate (RFC 8122).
using Fingerprint = std::array<uint8_t, 32>;

// Keying is what MIKEYv2 §12 adds.
struct Keying {
  std::optional<Fingerprint> fingerprint;
  Octets<kMaxSessionId> session;  // a=mikeyv2-id
  Bytes capabilities;             // a=mikeyv2-cap: TLVs
  Octets<kFreshOctets> fresh;     // a=mikeyv2-fresh
  Bytes message;                  // a=key-mgmt:mikey (RFC 4567): CAP or its answer
  std::string protocols;          // of the a=key-mgmt lines in their order, `;` between them
};

// Origin is the o= line (RFC 8866 §5.2).
struct Origin {
  std::string user = "-";
  uint64_t id = 0;
  uint64_t version = 0;
  Endpoint address;
};

struct Session {
  Origin origin;
  std::string name;
  std::string time = "0 0";  // when it is, `0 0`: always (RFC 8866 §5.9)
  std::vector<Stream> streams;
  std::vector<std::string> bundle;  // mids of the streams of one address (RFC 9143)
  Keying keying;
};

// ReadSession reads an offer or an answer: what its streams and their keying need is there, once.
// Attributes that are not known are passed over; those of MIKEYv2 and RFC 4567 in a media section
// are kUnsupportedPolicy, since one exchange keys all streams. So are two SSRCs of one stream.
// Streams of other transports than RTP's may have any formats. Further kMalformed, kTooLong,
// kPayloadMissing, kUnsupportedAlgorithm (fingerprints, and none by SHA-256). Capabilities are
// whole TLVs without cookie, fresh and ticket.
tl::expected<Session, Failure> ReadSession(std::string_view text);

std::string WriteSession(const Session& session);

// JoinTarget is a=mikeyv2-join of a group's description: where its members join.
struct JoinTarget {
  std::string host;
  uint16_t port = 0;
  std::string uri;  // of the group

  friend bool operator==(const JoinTarget&, const JoinTarget&) = default;
};
// ParseJoin is kMalformed for anything but host, port and URI with one space between them.
Result<JoinTarget> ParseJoin(std::string_view value);
Attribute JoinAttribute(const JoinTarget& target);

}  // namespace keymast::sdp
