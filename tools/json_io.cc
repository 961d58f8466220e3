// SPDX-License-Identifier: Apache-2.0
#include "tools/json_io.h"

#include <charconv>

namespace keymast::tools {
namespace {

std::optional<uint64_t> ReadHexNumber(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  uint64_t number = 0;
  const auto read = std::from_chars(text.begin(), text.end(), number, 16);
  if (read.ec != std::errc() || read.ptr != text.end()) return std::nullopt;
  return number;
}

// BigEndian is nothing for a number that does not fit.
std::optional<Bytes> BigEndian(uint64_t number, size_t length) {
  if (length < 8 && number >> (8 * length) != 0) return std::nullopt;
  Bytes octets(length);
  for (size_t i = 0; i < length && i < 8; ++i) {
    octets[length - 1 - i] = static_cast<uint8_t>(number >> (8 * i));
  }
  return octets;
}

}  // namespace

std::optional<uint64_t> ReadNumber(const Json& value, std::span<const mikey::CodePoint> registry) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  for (const mikey::CodePoint& point : registry) {
    if (point.name == text) return point.value;
  }
  return ReadHexNumber(text);
}

std::optional<Bytes> ReadOctets(const Json& value, std::optional<size_t> length) {
  if (value.is_string()) {
    Bytes octets;
    if (!FromHex(value.get_ref<const std::string&>(), octets)) return std::nullopt;
    return octets;
  }
  if (value.is_object() && value.size() == 1 && value.contains("text") &&
      value["text"].is_string()) {
    const ByteView text = AsBytes(value["text"].get_ref<const std::string&>());
    return Bytes(text.begin(), text.end());
  }
  if (value.is_number_unsigned() && length) return BigEndian(value.get<uint64_t>(), *length);
  return std::nullopt;
}

void FromJsonIo::Octets(const char* name, ByteView& field, size_t length) {
  known_.insert(name);
  std::optional<Bytes> octets;
  if (object_.contains(name)) {
    octets = ReadOctets(object_[name], length);
  } else if (computed_ || length == 0) {
    octets = Bytes(length);
  }
  if (!octets || octets->size() != length) {
    return Problem(std::string(name) + ": " + std::to_string(length) + " octets are wanted here");
  }
  field = arena_.emplace_back(std::move(*octets));
}

void FromJsonIo::Sized(const char* name, ByteView& field, size_t most) {
  known_.insert(name);
  if (!object_.contains(name)) return;
  std::optional<Bytes> octets = ReadOctets(object_[name], std::nullopt);
  if (!octets || octets->size() > most) {
    return Problem(std::string(name) + ": hexadecimal digits or {\"text\": …}, at most " +
                   std::to_string(most) + " octets");
  }
  field = arena_.emplace_back(std::move(*octets));
}

std::string FromJsonIo::Finish() const {
  if (!problem_.empty()) return problem_;
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) return name + ": there is no such field here";
  }
  return {};
}

}  // namespace keymast::tools
