// SPDX-License-Identifier: Apache-2.0
#include "tools/hex_text.h"

#include <algorithm>

namespace keymast::tools {
namespace {

bool IsSpace(char letter) { return letter == ' ' || (letter >= '\t' && letter <= '\r'); }

std::string DigitsOf(std::string_view line) {
  std::string digits;
  std::copy_if(line.begin(), line.end(), std::back_inserter(digits),
               [](char letter) { return !IsSpace(letter) && letter != ':'; });
  return digits;
}

}  // namespace

std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view WithoutComment(std::string_view line) { return line.substr(0, line.find('#')); }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool IsText(ByteView octets) {
  return std::all_of(octets.begin(), octets.end(), [](uint8_t octet) {
    return (octet >= 0x20 && octet < 0x7f) || IsSpace(static_cast<char>(octet));
  });
}

tl::expected<std::vector<Bytes>, Failure> ReadHexText(std::string_view text) {
  std::vector<Bytes> messages;
  Bytes octets;
  bool open = false;  // the last message takes further lines
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    const std::string digits = DigitsOf(WithoutComment(line));
    if (Trimmed(line).empty()) open = false;
    if (digits.empty()) continue;
    if (!FromHex(digits, octets)) {
      return Fail(Error::kMalformed,
                  "line " + std::to_string(number) + ": not hexadecimal digits, two an octet");
    }
    if (!open) messages.emplace_back();
    open = true;
    messages.back().insert(messages.back().end(), octets.begin(), octets.end());
  }
  if (messages.empty()) return Fail(Error::kNotFound, "there is no message in it");
  return messages;
}

}  // namespace keymast::tools
