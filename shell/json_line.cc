// SPDX-License-Identifier: Apache-2.0
#include "shell/json_line.h"

namespace keymast::shell {
namespace {

// Quoted escapes what RFC 8259 §7 asks for; other octets are passed on as UTF-8.
std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20) {
      out += "\\u00";
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

void JsonLine::Name(std::string_view name) {
  if (!body_.empty()) body_ += ',';
  body_ += Quoted(name) + ":";
}

JsonLine& JsonLine::Text(std::string_view name, std::string_view value) {
  Name(name);
  body_ += Quoted(value);
  return *this;
}

JsonLine& JsonLine::Number(std::string_view name, uint64_t value) {
  Name(name);
  body_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::Signed(std::string_view name, int64_t value) {
  Name(name);
  body_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::Boolean(std::string_view name, bool value) {
  Name(name);
  body_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::Null(std::string_view name) {
  Name(name);
  body_ += "null";
  return *this;
}

JsonLine& JsonLine::Object(std::string_view name, const JsonLine& inner) {
  Name(name);
  body_ += inner.str();
  return *this;
}

}  // namespace keymast::shell
