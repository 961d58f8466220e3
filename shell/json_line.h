// SPDX-License-Identifier: Apache-2.0
// One JSON object on one line, written field by field. Values are never key material.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keymast::shell {

// AppendJsonText appends a JSON string. Text from outside may be no UTF-8: replaced, so that every
// line stays JSON.
void AppendJsonText(std::string& json, std::string_view text);

// IsUtf8 says whether it would be replaced by nothing.
bool IsUtf8(std::string_view text);

class JsonLine {
 public:
  JsonLine& Text(std::string_view name, std::string_view value);
  JsonLine& Number(std::string_view name, uint64_t value);
  JsonLine& Signed(std::string_view name, int64_t value);
  JsonLine& Boolean(std::string_view name, bool value);
  JsonLine& Null(std::string_view name);
  // Object nests: `inner` must be whole.
  JsonLine& Object(std::string_view name, const JsonLine& inner);
  // str gives the object, without a line feed.
  std::string str() const { return "{" + body_ + "}"; }

 private:
  void Name(std::string_view name);
  std::string body_;
};

}  // namespace keymast::shell
