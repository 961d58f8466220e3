// SPDX-License-Identifier: Apache-2.0
// What commands print: tables for people, protobuf JSON for programs.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "cli/problem.h"

namespace keymast::cli {

enum class Format { kTable, kJson };

// Table writes rows under their headings, each column as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void Write(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// WritePairs writes `name  value` lines; pairs with an empty value are left out.
void WritePairs(const std::vector<std::pair<std::string, std::string>>& pairs, std::ostream& out);

// WriteJson writes one message as protobuf JSON, unset fields included: indented, or on one line.
void WriteJson(const google::protobuf::Message& message, bool one_line, std::ostream& out);

// ReadJson reads protobuf JSON from a file into `message`; unknown fields are refused.
Outcome<void> ReadJson(const std::string& path, google::protobuf::Message& message);

// Cells.
std::string LastSegment(const std::string& name);  // of a resource name
std::string TimeCell(const google::protobuf::Timestamp& time,
                     bool present);                                    // 2026-01-31T12:00:00Z
std::string DurationCell(const google::protobuf::Duration& duration);  // "1.5s"
std::string YesNo(bool value);
std::string HexCell(std::string_view octets);

}  // namespace keymast::cli
