// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <ostream>

#include "base/bytes.h"
#include "base/check.h"
#include "shell/files.h"

namespace keymast::cli {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kMaxJson = 4 << 20;
constexpr size_t kGap = 2;

void WritePadded(const std::string& cell, size_t width, std::ostream& out) {
  out << cell << std::string(width > cell.size() ? width - cell.size() : 0, ' ');
}

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

void WriteJson(const google::protobuf::Message& message, bool one_line, std::ostream& out) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !one_line;
  options.always_print_primitive_fields = true;
  std::string text;
  KEYMAST_CHECK(google::protobuf::util::MessageToJsonString(message, &text, options).ok());
  out << text;
  if (one_line) out << "\n";
}

Outcome<void> ReadJson(const std::string& path, google::protobuf::Message& message) {
  const auto text = shell::ReadFile(path, kMaxJson);
  if (!text) return UsageProblem(path + ": cannot be read (" + shell::WhyNot(text.error()) + ")");
  const auto read = google::protobuf::util::JsonStringToMessage(*text, &message);
  if (!read.ok()) return UsageProblem(path + ": " + read.message().as_string());
  return {};
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

std::string TimeCell(const google::protobuf::Timestamp& time, bool present) {
  return present ? TimeUtil::ToString(time) : "";
}

std::string DurationCell(const google::protobuf::Duration& duration) {
  return TimeUtil::ToString(duration);
}

std::string YesNo(bool value) { return value ? "yes" : "no"; }

std::string HexCell(std::string_view octets) { return ToHex(AsBytes(octets)); }

}  // namespace keymast::cli
