// SPDX-License-Identifier: Apache-2.0
// W3C trace context (https://www.w3.org/TR/trace-context/): which trace a call belongs to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keymast::api {

// TraceContext is what a `traceparent` says.
struct TraceContext {
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};
  bool sampled = false;

  // ToString gives version 00: `00-TRACE_ID-SPAN_ID-FLAGS`.
  std::string ToString() const;
};

// ParseTraceparent gives nothing for a text that is to be ignored (§3.2.2); of versions above 00 it
// reads what version 00 has.
std::optional<TraceContext> ParseTraceparent(std::string_view text);

// Span is one call in its trace.
struct Span {
  TraceContext context;                // its span id is the call's own
  std::array<uint8_t, 8> parent_id{};  // 0: it begins the trace
};

// BeginSpan gives a new span under `parent`, sampled as it is, or without one in a new trace,
// sampled when `samples`. Its ids come from the kernel.
Span BeginSpan(const std::optional<TraceContext>& parent, bool samples);

}  // namespace keymast::api
