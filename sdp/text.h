// SPDX-License-Identifier: Apache-2.0
// Pieces of lines.
#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

namespace keymast::sdp {

// Cut takes what comes before the next `separator` off the front of `text`.
inline std::string_view Cut(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view head = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return head;
}

// TakeNumber is false for anything but decimal digits of a number up to `highest`.
template <class Int>
bool TakeNumber(std::string_view text, Int& out, Int highest) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() &&
         text[0] != '-' && out <= highest;
}

inline bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet >= 0x20 && octet != 0x7f;
  });
}

}  // namespace keymast::sdp
