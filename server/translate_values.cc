// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>

#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr int64_t kNanos = 1'000'000'000;
// No resource has it.
constexpr groups::Version kForeignEtag;
// Seconds that fit into 64 bits of nanoseconds.
constexpr int64_t kMaxSeconds = std::numeric_limits<int64_t>::max() / kNanos - 1;

bool Fits(int64_t seconds, int32_t nanos) {
  return seconds >= -kMaxSeconds && seconds <= kMaxSeconds && nanos > -kNanos && nanos < kNanos;
}

}  // namespace

tl::unexpected<Failure> Violations::Failed(std::string resource) && {
  std::string message = "the request has " + std::to_string(list_.size()) +
                        (list_.size() == 1 ? " invalid field" : " invalid fields");
  if (!list_.empty()) message += ": " + list_[0].field + ": " + list_[0].description;
  return tl::unexpected<Failure>(
      {Error::kInvalidArgument, std::move(message), std::move(list_), std::move(resource), 0});
}

Failure Wrong(std::string field, std::string description) {
  std::string message = field + " " + description;
  return {Error::kInvalidArgument,
          std::move(message),
          {{std::move(field), std::move(description)}},
          {},
          0};
}

Failure NotThere(std::string_view name) {
  return {Error::kNotFound, "there is no " + std::string(name), {}, std::string(name), 0};
}

Failure NoSuch(std::string_view name, std::string field, const NameForm& form) {
  if (form.is_of(name)) return NotThere(name);
  return Wrong(std::move(field), "must be " + std::string(form.text) + ", whose ids " +
                                     std::string(groups::kResourceIdRule));
}

google::protobuf::Timestamp ToProto(Instant instant) {
  google::protobuf::Timestamp timestamp;
  const int64_t nanos = ToUnixNanos(instant);
  int64_t seconds = nanos / kNanos;
  if (nanos % kNanos < 0) --seconds;  // nanos count forward also before the epoch
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(nanos - seconds * kNanos));
  return timestamp;
}

google::protobuf::Duration ToProto(Duration duration) {
  google::protobuf::Duration message;
  message.set_seconds(duration.count() / kNanos);
  message.set_nanos(static_cast<int32_t>(duration.count() % kNanos));
  return message;
}

Duration FromProto(const google::protobuf::Duration& duration, const std::string& field,
                   Violations& violations) {
  if (!Fits(duration.seconds(), duration.nanos()) || duration.seconds() < 0 ||
      duration.nanos() < 0) {
    violations.Add(field, "must be a duration of at most 292 years, not below zero");
    return {};
  }
  return Duration(duration.seconds() * kNanos + duration.nanos());
}

Instant FromProto(const google::protobuf::Timestamp& timestamp, const std::string& field,
                  Violations& violations) {
  if (!Fits(timestamp.seconds(), timestamp.nanos()) || timestamp.nanos() < 0) {
    violations.Add(field, "must be an instant between the years 1678 and 2262");
    return {};
  }
  return FromUnixNanos(timestamp.seconds() * kNanos + timestamp.nanos());
}

std::string ToProto(MskId msk) {
  std::array<uint8_t, 4> octets{};
  for (size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<uint8_t>(msk.value() >> (24 - 8 * i));
  }
  return ToHex(octets);
}

std::string EtagOf(const groups::Version& version) {
  return '"' + std::to_string(version.revision) + '-' +
         std::to_string(ToUnixNanos(version.created)) + '"';
}

std::optional<groups::Version> VersionOf(const std::string& etag) {
  if (etag.empty()) return std::nullopt;
  groups::Version version;
  int64_t created = 0;
  const char* const end = etag.data() + etag.size();
  const auto revision = std::from_chars(etag.data() + 1, end, version.revision);
  if (revision.ptr == end || *revision.ptr != '-') return kForeignEtag;
  std::from_chars(revision.ptr + 1, end, created);
  version.created = FromUnixNanos(created);
  return EtagOf(version) == etag ? version : kForeignEtag;
}

}  // namespace keymast::server
