// SPDX-License-Identifier: Apache-2.0
// What a message says about SRTP: the streams of the SRTP-ID map (RFC 3830 §6.1.1) and the
// parameters of the SP payload (§6.10).
#pragma once

#include "mikey/mbms.h"
#include "mikey/message.h"

namespace keymast::mikey {

// StreamMap is a written SRTP-ID map; it lives as long as the header that points into it.
class StreamMap {
 public:
  explicit StreamMap(std::span<const StreamSync> streams);
  // Describe points the header at the map; without streams it is the empty map (RFC 4563 §5).
  void Describe(Header& header) const;

 private:
  std::array<uint8_t, kMaxStreams * kSrtpIdEntry> octets_{};
  size_t count_;
};

// ReadStreams is kUnsupportedPolicy for more streams than kMaxStreams and for another map.
Status ReadStreams(const Header& header, OpenedMsk& out);

inline constexpr size_t kMaxParams = 32;
// PutParams writes one-octet parameters; the writer fails when there are too many for it.
void PutParams(Writer& writer, std::span<const SpParam> params);

// ReadParams reads the SP payload, if there is one: kUnsupportedPolicy for another protocol than
// SRTP, for a parameter of other than one octet, and for more than kMaxParams.
Status ReadParams(const Message& message, OpenedMsk& out);

}  // namespace keymast::mikey
