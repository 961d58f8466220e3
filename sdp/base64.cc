// SPDX-License-Identifier: Apache-2.0
#include "sdp/base64.h"

namespace keymast::sdp {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kPad = '=';

char Letter(uint32_t group, unsigned shift) { return kAlphabet[group >> shift & 63]; }

}  // namespace

std::string ToBase64(ByteView octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);
  for (size_t i = 0; i < octets.size(); i += 3) {
    const auto at = [&](size_t k) {
      return i + k < octets.size() ? uint32_t{octets[i + k]} : uint32_t{0};
    };
    const uint32_t group = at(0) << 16 | at(1) << 8 | at(2);
    text += Letter(group, 18);
    text += Letter(group, 12);
    text += i + 1 < octets.size() ? Letter(group, 6) : kPad;
    text += i + 2 < octets.size() ? Letter(group, 0) : kPad;
  }
  return text;
}

bool FromBase64(std::string_view text, Bytes& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  unsigned held = 0;
  size_t padding = 0;
  if (text.ends_with(kPad)) padding = text.ends_with("==") ? 2 : 1;
  for (const char c : text.substr(0, text.size() - padding)) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<uint8_t>(bits >> held));
    bits &= (1u << held) - 1;
  }
  return bits == 0;
}

}  // namespace keymast::sdp
