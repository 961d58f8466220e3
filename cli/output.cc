// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/bytes.h"
#include "cli/yaml.h"
#include "shell/files.h"

namespace keymast::cli {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kMaxJson = 4 << 20;
constexpr size_t kGap = 2;

void WritePadded(const std::string& cell, size_t width, std::ostream& out) {
  out << cell << std::string(width > cell.size() ? width - cell.size() : 0, ' ');
}

// Empties each Any that cannot be shown: what it holds is of another version.
void EmptyUnknown(google::protobuf::Message& message) {
  // By name: `call` has a pool of its own.
  if (message.GetDescriptor()->full_name() == google::protobuf::Any::descriptor()->full_name()) {
    std::string text;
    if (!google::protobuf::util::MessageToJsonString(message, &text).ok()) message.Clear();
    return;
  }
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      EmptyUnknown(*reflection->MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      EmptyUnknown(*reflection->MutableRepeatedMessage(&message, field, i));
    }
  }
}

std::string TwoDigits(int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

}  // namespace

void Table::Write(std::ostream& out) const {
  std::vector<size_t> widths(rows_[0].size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + kGap);
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i + 1 < row.size(); ++i) WritePadded(row[i], widths[i], out);
    out << row.back() << "\n";
  }
}

void WritePairs(const std::vector<std::pair<std::string, std::string>>& pairs, std::ostream& out) {
  size_t width = 0;
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) width = std::max(width, name.size() + kGap);
  }
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    WritePadded(name, width, out);
    out << value << "\n";
  }
}

void WriteLine(const std::string& line, std::ostream& out) { out << line << "\n"; }

void MorePages(const std::string& next_page_token, std::ostream& out) {
  if (!next_page_token.empty()) out << "more: --page-token " << next_page_token << "\n";
}

std::string ToJson(const google::protobuf::Message& message, bool one_line) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !one_line;
  options.always_print_primitive_fields = true;
  std::string text;
  if (google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return text;
  const std::unique_ptr<google::protobuf::Message> known(message.New());
  known->CopyFrom(message);
  EmptyUnknown(*known);
  text.clear();
  static_cast<void>(google::protobuf::util::MessageToJsonString(*known, &text, options));
  return text;
}

Outcome<void> ParseJson(const std::string& text, google::protobuf::Message& message) {
  const auto read = google::protobuf::util::JsonStringToMessage(text, &message);
  if (!read.ok()) return UsageProblem(read.message().as_string());
  return {};
}

Outcome<void> ReadJson(const std::string& path, google::protobuf::Message& message) {
  const auto text = shell::ReadFile(path, kMaxJson);
  if (!text) return UsageProblem(path + ": cannot be read (" + shell::WhyNot(text.error()) + ")");
  auto read = ParseJson(*text, message);
  if (!read) read.error().message = path + ": " + read.error().message;
  return read;
}

void WriteJsonText(const std::string& json, Format format, std::ostream& out) {
  const bool is_yaml = format == Format::kYaml;
  out << (is_yaml ? YamlOf(json) : nlohmann::ordered_json::parse(json).dump(1) + "\n");
}

void WriteDocument(const google::protobuf::Message& message, Format format, std::ostream& out) {
  out << (format == Format::kYaml ? YamlOf(ToJson(message, true)) : ToJson(message, false));
}

void WriteOneOfMany(const google::protobuf::Message& message, Format format, std::ostream& out) {
  const std::string json = ToJson(message, true);
  out << (format == Format::kYaml ? "---\n" + YamlOf(json) : json + "\n");
  out.flush();
}

std::string TimeCell(const google::protobuf::Timestamp& time, bool present) {
  return present ? TimeUtil::ToString(time) : "";
}

std::string DurationCell(const google::protobuf::Duration& duration) {
  return TimeUtil::ToString(duration);
}

std::string SpanCell(Duration duration) {
  const int64_t all = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  const int64_t hours = all / 3600, minutes = all / 60 % 60, seconds = all % 60;
  if (all < 60) return std::to_string(all) + "s";
  if (hours == 0) return std::to_string(minutes) + "m " + TwoDigits(seconds) + "s";
  return std::to_string(hours) + "h " + TwoDigits(minutes) + "m";
}

std::string YesNo(bool value) { return value ? "yes" : "no"; }

std::string HexCell(std::string_view octets) { return ToHex(AsBytes(octets)); }

Instant InstantOf(const google::protobuf::Timestamp& time) {
  return FromUnixNanos(TimeUtil::TimestampToNanoseconds(time));
}

google::protobuf::Timestamp TimestampOf(Instant time) {
  return TimeUtil::NanosecondsToTimestamp(ToUnixNanos(time));
}

}  // namespace keymast::cli
