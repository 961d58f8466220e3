// SPDX-License-Identifier: Apache-2.0
#include "shell/json_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace keymast::shell {
namespace {

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

}  // namespace

void AppendJsonText(std::string& json, std::string_view text) {
  if (IsPlain(text)) {
    json.append(1, '"').append(text).append(1, '"');
  } else {
    json += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

bool IsUtf8(std::string_view text) {
  if (IsPlain(text)) return true;
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

void JsonLine::Name(std::string_view name) {
  if (!body_.empty()) body_ += ',';
  AppendJsonText(body_, name);
  body_ += ':';
}

JsonLine& JsonLine::Text(std::string_view name, std::string_view value) {
  Name(name);
  AppendJsonText(body_, value);
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
