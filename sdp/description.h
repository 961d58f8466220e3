// SPDX-License-Identifier: Apache-2.0
// A session description as lines (RFC 8866): what may stand where, whatever it is used for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/error.h"

namespace keymast::sdp {

inline constexpr size_t kMaxText = 32 * 1024;
// Octets of a line: a message of MIKEYv2 of any length fits, as base64.
inline constexpr size_t kMaxLine = 13 * 1024 + 512;
inline constexpr size_t kMaxMedia = 32;
inline constexpr size_t kMaxAttributes = 64;  // of a section
inline constexpr size_t kMaxFormats = 16;     // of an m= line

// Attribute is an a= line: `name` or `name:value` (RFC 8866 §5.13).
struct Attribute {
  std::string name;
  std::string value;
  size_t line = 0;  // from 1; 0: not read
};
using Attributes = std::vector<Attribute>;

// Connection is a c= line with a numeric address, port 0 (RFC 8866 §5.7).
struct Connection {
  Endpoint address;
  uint8_t ttl = 0;  // of IPv4 multicast

  friend bool operator==(const Connection&, const Connection&) = default;
};

// Media is an m= line with what follows it (RFC 8866 §5.14).
struct Media {
  std::string media;  // audio, video, application, text
  uint16_t port = 0;  // 0: refused (RFC 3264 §6)
  std::string transport;
  std::vector<std::string> formats;  // one at least; of RTP, payload types
  std::optional<Connection> connection;
  Attributes attributes;
  size_t line = 0;
};

struct Description {
  std::string origin;        // of the o= line
  std::string name;          // of the s= line
  std::string time = "0 0";  // of the t= line
  std::optional<Connection> connection;
  Attributes attributes;
  std::vector<Media> media;
  size_t lines = 0;

  // The c= line that counts for a media section; null when there is none.
  const Connection* ConnectionOf(const Media& section) const;
};

// Read takes v= first; lines end in CRLF or LF. v=, o=, s=, t= and in each section c= stand at most
// once; lines of other types are passed over. The error's message names line and reason:
// kMalformed, kTooLong, kUnknownVersion, kPayloadMissing (no v= line at all).
tl::expected<Description, Failure> Read(std::string_view text);

// Write is the text. Line breaks and control characters in it become spaces.
std::string Write(const Description& description);

// Find is null when a section has no attribute of a name, the first one otherwise.
const Attribute* Find(const Attributes& attributes, std::string_view name);

// Refusal names a line of a description.
tl::unexpected<Failure> Refusal(Error error, size_t line);

}  // namespace keymast::sdp
