// SPDX-License-Identifier: Apache-2.0
#include "mikey/timestamp.h"

namespace keymast::mikey {
namespace {

constexpr uint64_t kUnixEpoch = 2208988800;  // seconds from 1900 to 1970
constexpr uint64_t kNanos = 1000000000;

}  // namespace

NtpTime ToNtp(Instant time) {
  const int64_t nanos = ToUnixNanos(time);
  int64_t seconds = nanos / int64_t{kNanos};
  int64_t rest = nanos % int64_t{kNanos};
  if (rest < 0) {
    rest += int64_t{kNanos};
    --seconds;
  }
  const auto fraction = (static_cast<uint64_t>(rest) << 32) / kNanos;
  return (static_cast<uint64_t>(seconds) + kUnixEpoch) << 32 | fraction;
}

int64_t ToNtpDistance(Duration duration) {
  const int64_t nanos = duration.count();
  return nanos / int64_t{kNanos} * (int64_t{1} << 32) +
         static_cast<int64_t>((static_cast<uint64_t>(nanos % int64_t{kNanos}) << 32) / kNanos);
}

Timestamp Timestamp::OfTime(TsType type, NtpTime time) {
  Timestamp stamp;
  stamp.type = type;
  Writer writer(stamp.octets);
  writer.U64(type == TsType::kNtpUtc32 ? time >> 32 << 32 : time);
  return stamp;
}

Timestamp Timestamp::OfCounter(uint32_t counter) {
  Timestamp stamp;
  stamp.type = TsType::kCounter;
  Writer(stamp.octets).U32(counter);
  return stamp;
}

bool Timestamp::From(const TPayload& t, Timestamp& out) {
  if (!TimeLength(t.ts_type)) return false;
  out = {};
  out.type = t.ts_type;
  std::copy(t.value.begin(), t.value.end(), out.octets.begin());
  return true;
}

NtpTime Timestamp::Time() const { return Reader(octets).U64(); }

bool IsWithin(NtpTime time, Instant now, Duration skew) {
  const int64_t distance = NtpDistance(time, ToNtp(now));
  const int64_t limit = ToNtpDistance(skew);
  return distance <= limit && distance >= -limit;
}

Timestamp Stamper::Next(TsType type, Instant now) {
  const NtpTime step = type == TsType::kNtpUtc32 ? NtpTime{1} << 32 : NtpTime{1};
  NtpTime time = ToNtp(now);
  if (used_ && NtpDistance(time, last_) < static_cast<int64_t>(step)) time = last_ + step;
  last_ = time;
  used_ = true;
  return Timestamp::OfTime(type, time);
}

}  // namespace keymast::mikey
