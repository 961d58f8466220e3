// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <google/protobuf/util/time_util.h>

#include <ostream>

#include "shell/config.h"

namespace keymast::cli {
namespace {

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

void MorePages(const std::string& next_page_token, std::ostream& out) {
  if (!next_page_token.empty()) out << "more: --page-token " << next_page_token << "\n";
}

}  // namespace keymast::cli
