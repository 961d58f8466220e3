// SPDX-License-Identifier: Apache-2.0
#include "tools/spell.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/cursor.h"
#include "mikey/payloads.h"

namespace keymast::tools {
namespace {

using mikey::Field;

constexpr size_t kShortestText = 8;  // shorter ones are text by chance

bool IsPrintable(uint8_t octet) { return octet >= 0x20 && octet < 0x7f; }

bool IsPrintable(ByteView octets) {
  return std::all_of(octets.begin(), octets.end(), [](uint8_t o) { return IsPrintable(o); });
}

// Utc spells seconds since the Unix epoch.
std::string Utc(int64_t seconds, uint32_t fraction) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  const auto millis = static_cast<unsigned>(uint64_t{fraction} * 1000 >> 32);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03uZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), millis);
  return text.data();
}

std::string SpellNtp(uint32_t seconds, uint32_t fraction) {
  constexpr int64_t kFrom1900To1970 = 2'208'988'800;
  constexpr int64_t kEra = int64_t{1} << 32;
  const int64_t since_1900 = seconds >> 31 == 1 ? seconds : seconds + kEra;
  return Utc(since_1900 - kFrom1900To1970, fraction);
}

std::string SpellBigEndian(ByteView octets) {
  uint64_t number = 0;
  for (const uint8_t octet : octets) number = number << 8 | octet;
  return std::to_string(number);
}

}  // namespace

std::string Quoted(ByteView octets) {
  std::string text = "\"";
  for (const uint8_t octet : octets) {
    if (octet == '"' || octet == '\\') text += '\\';
    if (IsPrintable(octet)) {
      text += static_cast<char>(octet);
    } else {
      text += "\\x" + ToHex({&octet, 1});
    }
  }
  return text + '"';
}

std::string Harmless(std::string_view text) {
  std::string out;
  uint8_t before = 0;
  for (const uint8_t octet : AsBytes(text)) {
    const bool is_c1 = before == 0xc2 && octet < 0xa0;  // U+0080 to U+009F
    const bool is_control = octet < 0x20 || octet == 0x7f || is_c1;
    out += is_control ? "\\x" + ToHex({&octet, 1}) : std::string(1, static_cast<char>(octet));
    before = octet;
  }
  return out;
}

std::string SpellTime(mikey::TsType type, ByteView value) {
  if (mikey::TimeLength(type) != value.size()) return {};
  Reader reader(value);
  const uint32_t seconds = reader.U32();
  if (type == mikey::TsType::kCounter) return std::to_string(seconds);
  // RFC 6043 §6.3: NTP-UTC-32 is the seconds alone.
  return SpellNtp(seconds, value.size() == 8 ? reader.U32() : 0);
}

std::string SpellOctets(std::string_view field, ByteView octets) {
  if (field == "key" || field == "salt") return {};  // never in memory that nobody wipes
  const bool is_number = field == "value" || field == "valid_from" || field == "valid_to";
  if (is_number && !octets.empty() && octets.size() <= 8) return SpellBigEndian(octets);
  const bool is_text = field == "id" || octets.size() >= kShortestText;
  return is_text && IsPrintable(octets) ? Quoted(octets) : std::string();
}

std::string SpellNumber(const Field& field) {
  std::string number = std::to_string(field.number);
  if (field.kind != Field::Kind::kNumber || field.length != 4) return number;
  std::array<char, 16> hex{};
  std::snprintf(hex.data(), hex.size(), " (0x%08x)", static_cast<unsigned>(field.number));
  return number + hex.data();
}

std::string SpellPlace(size_t offset, size_t length, unsigned bits) {
  std::string place = std::to_string(offset);
  if (length > 1) place += "-" + std::to_string(offset + length - 1);
  if (length == 0) place = "-";
  if (bits != 0) place += " (" + std::to_string(bits) + (bits == 1 ? " bit)" : " bits)");
  return place;
}

}  // namespace keymast::tools
