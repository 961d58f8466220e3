// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <google/protobuf/util/time_util.h>

#include <ostream>
#include <sstream>

#include "shell/config.h"
#include "shell/files.h"

namespace keymast::cli {
namespace {

constexpr size_t kMaxCsv = 256 << 20;  // a million members, with room

std::string Qualified(const std::string& collection, const std::string& typed) {
  return typed.starts_with(collection) ? typed : collection + typed;
}

}  // namespace

std::string ChannelName(const std::string& channel) { return Qualified("channels/", channel); }
std::string SubscriberName(const std::string& subscriber) {
  return Qualified("subscribers/", subscriber);
}
std::string HeadendName(const std::string& headend) { return Qualified("headends/", headend); }
std::string MemberName(const std::string& channel, const std::string& subscriber) {
  return ChannelName(channel) + "/members/" + LastSegment(subscriber);
}

Outcome<void> ParseTime(const std::string& option, const std::string& text,
                        google::protobuf::Timestamp& time) {
  if (google::protobuf::util::TimeUtil::FromString(text, &time)) return {};
  return UsageProblem(option + ": \"" + text + "\" is not a time, as 2026-01-31T12:00:00Z");
}

Outcome<void> ParseSpan(const std::string& option, const std::string& text,
                        google::protobuf::Duration& span) {
  const auto parsed = shell::ParseDuration(text);
  if (!parsed) return UsageProblem(option + ": \"" + text + "\" is not a duration, as 500ms or 2s");
  span = google::protobuf::util::TimeUtil::NanosecondsToDuration(parsed->count());
  return {};
}

Outcome<std::vector<std::vector<std::string>>> ReadCsv(const std::string& path, size_t least,
                                                       size_t most) {
  const auto text = shell::ReadFile(path, kMaxCsv);
  if (!text) return UsageProblem(path + ": cannot be read (" + shell::WhyNot(text.error()) + ")");
  std::istringstream file(*text);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> cells;
    std::istringstream rest(line);
    for (std::string cell; std::getline(rest, cell, ',');) cells.push_back(cell);
    if (cells.size() < least || cells.size() > most) {
      return UsageProblem(path + ":" + std::to_string(number) + ": " +
                          std::to_string(cells.size()) + " cells where " + std::to_string(least) +
                          " to " + std::to_string(most) + " belong");
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

void MorePages(const std::string& next_page_token, std::ostream& out) {
  if (!next_page_token.empty()) out << "more: --page-token " << next_page_token << "\n";
}

}  // namespace keymast::cli
