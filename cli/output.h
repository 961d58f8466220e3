// SPDX-License-Identifier: Apache-2.0
// What commands print: tables for people; JSON or YAML, of protobuf's JSON form, for programs.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/problem.h"

namespace keymast::cli {

enum class Format { kTable, kJson, kYaml };

// Table writes rows under their headings, each column as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void Write(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;
// WritePairs writes `name  value` lines; pairs with an empty value are left out.
void WritePairs(const Pairs& pairs, std::ostream& out);
void WriteLine(const std::string& line, std::ostream& out);
// MorePages tells how to go on when a table shows one page of several.
void MorePages(const std::string& next_page_token, std::ostream& out);

// ToJson gives protobuf JSON, unset fields included, on one line or indented. An Any of a type that
// is not known here becomes an empty one.
std::string ToJson(const google::protobuf::Message& message, bool one_line);
// ParseJson reads it; unknown fields are refused.
Outcome<void> ParseJson(const std::string& text, google::protobuf::Message& message);
// ReadJson reads protobuf JSON from a file.
Outcome<void> ReadJson(const std::string& path, google::protobuf::Message& message);

// WriteJsonText writes a JSON text that was made here in a format that is no table.
void WriteJsonText(const std::string& json, Format format, std::ostream& out);
// WriteDocument writes one message in a format that is no table.
void WriteDocument(const google::protobuf::Message& message, Format format, std::ostream& out);
// WriteOneOfMany writes one message of a stream: a line of JSON, or a YAML document after `---`.
void WriteOneOfMany(const google::protobuf::Message& message, Format format, std::ostream& out);

// Cells.
std::string TimeCell(const google::protobuf::Timestamp& time,
                     bool present);                                    // 2026-01-31T12:00:00Z
std::string DurationCell(const google::protobuf::Duration& duration);  // "1.5s"
std::string SpanCell(Duration duration);                               // "1h 02m", "2m 05s", "7s"
std::string YesNo(bool value);
std::string HexCell(std::string_view octets);

Instant InstantOf(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp TimestampOf(Instant time);

}  // namespace keymast::cli
