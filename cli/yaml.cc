// SPDX-License-Identifier: Apache-2.0
#include "cli/yaml.h"

#include <yaml-cpp/emitter.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace keymast::cli {
namespace {

using Json = nlohmann::ordered_json;

// What some reader takes for a value of another type.
bool IsReserved(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr const char* kWords[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
  return std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords);
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Names and words stand as they are; whatever else begins or holds is in quotes.
bool IsPlain(const std::string& text) {
  if (text.empty() || !IsLetter(text[0]) || IsReserved(text)) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  });
}

void Write(const Json& value, YAML::Emitter& out) {
  switch (value.type()) {
    case Json::value_t::object:
      out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
      for (const auto& [key, member] : value.items()) {
        out << YAML::Key;
        Write(key, out);
        out << YAML::Value;
        Write(member, out);
      }
      out << YAML::EndMap;
      break;
    case Json::value_t::array:
      out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
      for (const Json& element : value) Write(element, out);
      out << YAML::EndSeq;
      break;
    case Json::value_t::string: {
      const std::string text = value.get<std::string>();
      if (!IsPlain(text)) out << YAML::DoubleQuoted;
      out << text;
      break;
    }
    case Json::value_t::null:
      out << YAML::Null;
      break;
    default:
      out << value.dump();  // numbers, true, false
  }
}

}  // namespace

std::string YamlOf(const std::string& json) {
  YAML::Emitter out;
  Write(Json::parse(json), out);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace keymast::cli
