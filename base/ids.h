// SPDX-License-Identifier: Apache-2.0
// Strong identifiers of the field. Widths are those on the wire; comparison is by value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"

namespace keymast {

// StrongInt tells integers of different meaning apart; Tag is never defined.
template <class Tag, class Int>
struct StrongInt {
  Int value = 0;
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Int v) : value(v) {}
  friend constexpr auto operator<=>(const StrongInt&, const StrongInt&) = default;
};

// StrongName tells names of different resources apart: the last segment of a resource name.
template <class Tag>
struct StrongName {
  std::string value;
  StrongName() = default;
  explicit StrongName(std::string v) : value(std::move(v)) {}
  bool empty() const { return value.empty(); }
  friend auto operator<=>(const StrongName&, const StrongName&) = default;
};

using ChannelId = StrongName<struct ChannelIdTag>;
using SubscriberId = StrongName<struct SubscriberIdTag>;
using HeadendId = StrongName<struct HeadendIdTag>;

using ScheduleId = StrongName<struct ScheduleIdTag>;
using OperationId = StrongName<struct OperationIdTag>;

using CsbId = StrongInt<struct CsbIdTag, uint32_t>;          // RFC 3830 §6.1
using Ssrc = StrongInt<struct SsrcTag, uint32_t>;            // RFC 3550 §8
using Roc = StrongInt<struct RocTag, uint32_t>;              // RFC 3711 §3.2.1
using MtkId = StrongInt<struct MtkIdTag, uint16_t>;          // TS 33.246 §6.3.3.1; 0 is never used
using KeyGroup = StrongInt<struct KeyGroupTag, uint16_t>;    // first half of an MSK ID
using KeyNumber = StrongInt<struct KeyNumberTag, uint16_t>;  // second half; 0 means "the current"

// Octets16 tells 16 octets of different meaning apart.
template <class Tag>
struct Octets16 {
  std::array<uint8_t, 16> octets{};
  friend auto operator<=>(const Octets16&, const Octets16&) = default;
};
using RequestId = Octets16<struct RequestIdTag>;          // UUID of a request (AIP-155)
using RequestDigest = Octets16<struct RequestDigestTag>;  // of what the request asked for
using TraceId = Octets16<struct TraceIdTag>;              // W3C Trace Context §3.2.2.3

// KeyDomainId is MCC || MNC as 3 octets (RFC 4563 §4, TS 33.246 §6.3.2.1).
struct KeyDomainId {
  std::array<uint8_t, 3> octets{};
  friend auto operator<=>(const KeyDomainId&, const KeyDomainId&) = default;
};

// MskId is Key Group || Key Number, 4 octets on the wire.
struct MskId {
  KeyGroup group;
  KeyNumber number;
  uint32_t value() const { return static_cast<uint32_t>(group.value) << 16 | number.value; }
  static MskId FromValue(uint32_t v) {
    return {KeyGroup(static_cast<uint16_t>(v >> 16)), KeyNumber(static_cast<uint16_t>(v))};
  }
  friend auto operator<=>(const MskId&, const MskId&) = default;
};

// PacketIndex is the 48-bit SRTP index ROC || SEQ (RFC 3711 §3.3.1).
using PacketIndex = StrongInt<struct PacketIndexTag, uint64_t>;

// SrtpProfile numbers are IANA's DTLS-SRTP protection profiles (RFC 5764 §4.1.2, RFC 7714 §14.2);
// AES_256_CM_HMAC_SHA1_80 never got one, so it takes a number of the unassigned range.
enum class SrtpProfile : uint16_t {
  kAesCm128HmacSha1_80 = 0x0001,
  kAesCm128HmacSha1_32 = 0x0002,
  kAeadAes128Gcm = 0x0007,
  kAeadAes256Gcm = 0x0008,
  kAesCm256HmacSha1_80 = 0xff01,
};

}  // namespace keymast

template <class Tag>
struct std::hash<keymast::StrongName<Tag>> {
  size_t operator()(const keymast::StrongName<Tag>& name) const {
    return std::hash<std::string>{}(name.value);
  }
};

template <class Tag, class Int>
struct std::hash<keymast::StrongInt<Tag, Int>> {
  size_t operator()(const keymast::StrongInt<Tag, Int>& id) const {
    return std::hash<Int>{}(id.value);
  }
};
