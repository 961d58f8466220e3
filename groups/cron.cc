// SPDX-License-Identifier: Apache-2.0
#include "groups/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

namespace keymast::groups {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};
// A leap day that falls on a given day of the week may be 28 years away, and 40 around 2100.
constexpr int kMostDays = 366 * 41;
constexpr size_t kMostText = 255;

// Field is what one of the five may hold.
struct Field {
  std::string_view name;
  unsigned low;
  unsigned high;
  std::span<const std::string_view> names;  // of values from `low` on
};

std::vector<std::string_view> SplitAt(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool IsSame(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

std::optional<unsigned> NumberOf(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<unsigned> ValueOf(const Field& field, std::string_view text) {
  for (size_t i = 0; i < field.names.size(); ++i) {
    if (IsSame(text, field.names[i])) return field.low + static_cast<unsigned>(i);
  }
  const auto value = NumberOf(text);
  return value && *value >= field.low && *value <= field.high ? value : std::nullopt;
}

// Take adds the values of one entry of a list, as `*/5`, `1-5`, `mon` or `10-50/20`.
template <size_t N>
bool Take(const Field& field, std::string_view entry, std::bitset<N>& values) {
  const std::vector<std::string_view> parts = SplitAt(entry, '/');
  if (parts.size() > 2) return false;
  const auto step = parts.size() == 2 ? NumberOf(parts[1]) : std::optional<unsigned>(1);
  if (!step || *step == 0 || *step > field.high) return false;
  unsigned first = field.low;
  unsigned last = field.high;
  if (parts[0] != "*") {
    const std::vector<std::string_view> ends = SplitAt(parts[0], '-');
    const auto begin = ValueOf(field, ends[0]);
    const auto end = ends.size() == 2 ? ValueOf(field, ends[1]) : begin;
    if (ends.size() > 2 || !begin || !end || *end < *begin) return false;
    first = *begin;
    // `5/15` begins at 5 and goes on.
    last = ends.size() == 1 && parts.size() == 2 ? field.high : *end;
  }
  for (unsigned value = first; value <= last; value += *step) values.set(value % N);
  return true;
}

template <size_t N>
std::optional<std::string> Read(const Field& field, std::string_view text, std::bitset<N>& values) {
  for (const std::string_view entry : SplitAt(text, ',')) {
    if (Take(field, entry, values)) continue;
    return std::string(field.name) + " \"" + std::string(text) + "\" is not of " +
           std::to_string(field.low) + " to " + std::to_string(field.high);
  }
  return std::nullopt;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words = SplitAt(text, ' ');
  std::erase_if(words, [](std::string_view word) { return word.empty(); });
  return words;
}

}  // namespace

tl::expected<Cron, std::string> Cron::Parse(std::string_view text) {
  const std::vector<std::string_view> words = Words(text);
  if (words.size() != 5 || text.size() > kMostText) {
    return tl::unexpected(
        std::string("must have five fields: minute, hour, day of month, month, day of week"));
  }
  Cron cron;
  // 7 is Sunday, too: it falls on the bit of 0.
  const std::array<std::optional<std::string>, 5> wrong = {
      Read({"minute", 0, 59, {}}, words[0], cron.minutes_),
      Read({"hour", 0, 23, {}}, words[1], cron.hours_),
      Read({"day of month", 1, 31, {}}, words[2], cron.days_),
      Read({"month", 1, 12, kMonths}, words[3], cron.months_),
      Read({"day of week", 0, 7, kWeekdays}, words[4], cron.weekdays_)};
  for (const auto& one : wrong) {
    if (one) return tl::unexpected(*one);
  }
  cron.any_day_ = words[2].starts_with('*');
  cron.any_weekday_ = words[4].starts_with('*');
  return cron;
}

// crontab(5): a day matches by either of its fields when both are restricted.
bool Cron::MatchesDay(std::chrono::sys_days at) const {
  const std::chrono::year_month_day date(at);
  if (!months_.test(unsigned{date.month()})) return false;
  const bool day = days_.test(unsigned{date.day()});
  const bool weekday = weekdays_.test(std::chrono::weekday(at).c_encoding());
  return any_day_ || any_weekday_ ? day && weekday : day || weekday;
}

Instant Cron::After(Instant at) const {
  const auto first = floor<minutes>(at.time_since_epoch()) + minutes(1);
  auto day = std::chrono::sys_days(floor<days>(first));
  auto from = first - day.time_since_epoch();
  for (int i = 0; i < kMostDays; ++i, day += days(1), from = minutes(0)) {
    if (!MatchesDay(day)) continue;
    for (auto hour = floor<hours>(from); hour < days(1); from = ++hour) {
      if (!hours_.test(static_cast<size_t>(hour.count()))) continue;
      for (auto minute = from - hour; minute < hours(1); ++minute) {
        if (!minutes_.test(static_cast<size_t>(minute.count()))) continue;
        return Instant(day.time_since_epoch() + hour + minute);
      }
    }
  }
  return kNever;
}

std::optional<Instant> Cron::LatestIn(Instant first, Instant last) const {
  const auto latest = floor<minutes>(last.time_since_epoch());
  auto day = std::chrono::sys_days(floor<days>(latest));
  auto from = latest - day.time_since_epoch();
  for (; Instant(day.time_since_epoch() + days(1)) > first;
       day -= days(1), from = days(1) - minutes(1)) {
    if (!MatchesDay(day)) continue;
    for (auto hour = floor<hours>(from); hour >= hours(0); from = hour - minutes(1), --hour) {
      if (!hours_.test(static_cast<size_t>(hour.count()))) continue;
      for (auto minute = from - hour; minute >= minutes(0); --minute) {
        if (!minutes_.test(static_cast<size_t>(minute.count()))) continue;
        const Instant found(day.time_since_epoch() + hour + minute);
        return found >= first ? std::optional(found) : std::nullopt;
      }
    }
  }
  return std::nullopt;
}

}  // namespace keymast::groups
