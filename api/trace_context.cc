// SPDX-License-Identifier: Apache-2.0
#include "api/trace_context.h"

#include <sys/random.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace keymast::api {
namespace {

// 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
constexpr size_t kLength = 55;
constexpr uint8_t kForbiddenVersion = 0xff;
constexpr uint8_t kSampled = 1;

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Reads the hexadecimal digits at `at`; false for upper case too, as §3.2.2 wants.
template <size_t N>
bool ReadHex(std::string_view text, size_t at, std::array<uint8_t, N>& out) {
  const std::string_view digits = text.substr(at, 2 * N);
  Bytes octets;
  if (!std::all_of(digits.begin(), digits.end(), IsLowerHex) || !FromHex(digits, octets)) {
    return false;
  }
  std::copy(octets.begin(), octets.end(), out.begin());
  return true;
}

template <size_t N>
bool IsZero(const std::array<uint8_t, N>& id) {
  return std::all_of(id.begin(), id.end(), [](uint8_t octet) { return octet == 0; });
}

template <size_t N>
void Draw(std::array<uint8_t, N>& id) {
  // Of so few octets all come at once, as soon as the kernel has any.
  do {
    KEYMAST_CHECK(getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()));
  } while (IsZero(id));
}

}  // namespace

std::string TraceContext::ToString() const {
  return "00-" + ToHex(trace_id) + "-" + ToHex(span_id) + (sampled ? "-01" : "-00");
}

std::optional<TraceContext> ParseTraceparent(std::string_view text) {
  if (text.size() < kLength) return std::nullopt;
  for (const size_t dash : {size_t{2}, size_t{35}, size_t{52}}) {
    if (text[dash] != '-') return std::nullopt;
  }
  std::array<uint8_t, 1> version, flags;
  TraceContext context;
  if (!ReadHex(text, 0, version) || !ReadHex(text, 3, context.trace_id) ||
      !ReadHex(text, 36, context.span_id) || !ReadHex(text, 53, flags)) {
    return std::nullopt;
  }
  const bool ends_well = text.size() == kLength || (version[0] != 0 && text[kLength] == '-');
  if (version[0] == kForbiddenVersion || !ends_well) return std::nullopt;
  if (IsZero(context.trace_id) || IsZero(context.span_id)) return std::nullopt;
  context.sampled = (flags[0] & kSampled) != 0;
  return context;
}

Span BeginSpan(const std::optional<TraceContext>& parent, bool samples) {
  Span span;
  if (parent) {
    span.context = *parent;
    span.parent_id = parent->span_id;
  } else {
    Draw(span.context.trace_id);
    span.context.sampled = samples;
  }
  Draw(span.context.span_id);
  return span;
}

}  // namespace keymast::api
