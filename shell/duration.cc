// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <limits>

#include "shell/config.h"

namespace keymast::shell {
namespace {

struct Unit {
  std::string_view suffix;
  Duration length;
};
constexpr std::array<Unit, 7> kUnits{{
    {"ns", std::chrono::nanoseconds(1)},
    {"us", std::chrono::microseconds(1)},
    {"ms", std::chrono::milliseconds(1)},
    {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
    {"d", std::chrono::hours(24)},
}};

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem != std::errc() || count < 0) return Err(Error::kMalformed);
  const std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (unit.suffix != suffix) continue;
    if (count > std::numeric_limits<int64_t>::max() / unit.length.count()) {
      return Err(Error::kMalformed);
    }
    return unit.length * count;
  }
  return Err(Error::kMalformed);
}

}  // namespace keymast::shell
