// SPDX-License-Identifier: Apache-2.0
// The value of a T payload (RFC 3830 §6.6) and how far it may lie from our clock (§5.4).
#pragma once

#include "base/time.h"
#include "mikey/payloads.h"

namespace keymast::mikey {

// NtpTime is seconds since 1900 in the upper half, their fraction in the lower (RFC 5905 §6). It
// wraps in 2036: differences count, not values.
using NtpTime = uint64_t;
NtpTime ToNtp(Instant time);

// NtpDistance is a minus b, as a signed count of 2^-32 seconds: right while they are within 68
// years.
inline int64_t NtpDistance(NtpTime a, NtpTime b) { return static_cast<int64_t>(a - b); }
int64_t ToNtpDistance(Duration duration);

// Timestamp owns a T payload.
struct Timestamp {
  TsType type = TsType::kNtpUtc;
  std::array<uint8_t, 8> octets{};

  static Timestamp OfTime(TsType type, NtpTime time);  // of a type that tells the time
  static Timestamp OfCounter(uint32_t counter);
  // False for a T payload of a type without number.
  static bool From(const TPayload& t, Timestamp& out);

  bool IsCounter() const { return type == TsType::kCounter; }
  ByteView view() const { return ByteView(octets).first(TimeLength(type).value_or(0)); }
  TPayload Payload() const { return {type, view()}; }
  // Of a type that tells the time; NTP-UTC-32 has whole seconds (RFC 6043 §6.3).
  NtpTime Time() const;
  uint32_t Counter() const { return Reader(octets).U32(); }
};

// IsWithin is true when the time lies at most `skew` from `now`, either way.
bool IsWithin(NtpTime time, Instant now, Duration skew);

// Stamper gives every message of one party a timestamp of its own (RFC 3830 §5.2), also when two
// fall on one instant.
class Stamper {
 public:
  Timestamp Next(TsType type, Instant now);

 private:
  NtpTime last_ = 0;
  bool used_ = false;
};

}  // namespace keymast::mikey
