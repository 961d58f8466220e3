// SPDX-License-Identifier: Apache-2.0
// Where messages come from: hexadecimal text, octets, captures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/error.h"

namespace keymast::tools {

inline constexpr size_t kMaxInput = size_t{256} << 20;  // octets of a file
inline constexpr uint16_t kMikeyPort = 2269;            // IANA's port of MIKEY

// Found is one message with the place where it was found.
struct Found {
  Bytes octets;
  size_t frame = 0;  // number in the capture, from 1; 0: not from a capture
  std::optional<Endpoint> from = {};
  std::optional<Endpoint> to = {};
};

struct Input {
  std::vector<Found> messages;
  std::vector<std::string> remarks;  // what was passed over, for a person
};

// CaptureFilter says which datagrams of a capture are taken.
struct CaptureFilter {
  uint16_t port = kMikeyPort;  // at either side
  bool any_port = false;       // instead: whatever begins with 1 and is a MIKEY message
};

// IsCapture tells a pcap or pcapng file by its first octets.
bool IsCapture(ByteView octets);

// ReadCapture takes the datagrams of a capture. kMalformed with what libpcap says of it; a capture
// that breaks off gives what came before, with a remark.
tl::expected<Input, Failure> ReadCapture(ByteView octets, const CaptureFilter& filter);

// ReadInput tells the form by the content: a capture, text of hexadecimal digits, or one message as
// it is. kNotFound when there is no message in it.
tl::expected<Input, Failure> ReadInput(ByteView octets, const CaptureFilter& filter);

// LoadInput reads a file or, for `-`, standard input. The message says why not.
tl::expected<std::string, Failure> LoadInput(const std::string& path);

}  // namespace keymast::tools
