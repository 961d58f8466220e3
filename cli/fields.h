// SPDX-License-Identifier: Apache-2.0
// Options that fill fields of a request: what may be typed follows from the field's type.
#pragma once

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <span>

#include "cli/tree.h"

namespace keymast::cli {

// Fields makes options of the fields of one message. With a mask, the path of each field that is
// typed goes into it.
class Fields {
 public:
  explicit Fields(google::protobuf::Message& message, google::protobuf::FieldMask* mask = nullptr)
      : message_(message), mask_(mask) {}

  // Of gives an option `name VALUE` of the field at `path`, as `policy.mtk_period`: text, a number
  // (hexadecimal after 0x), an enumerator as `next-msk`, a duration as `2s`, a time as
  // 2026-01-31T12:00:00Z; a duration or time `none` clears the field. Of a bool it is a flag.
  Option Of(const std::string& path, std::string name, std::string value, std::string what) const;

 private:
  google::protobuf::Message& message_;
  google::protobuf::FieldMask* mask_;
};

// ReadNumber takes all of `text` as a number, hexadecimal after 0x; false where it is none that
// fits.
template <class Number>
bool ReadNumber(std::string_view text, Number& number) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, hex ? 16 : 10);
  return !text.empty() && read.ec == std::errc() && read.ptr == end;
}

// FieldRow is one option of a table of them.
struct FieldRow {
  const char* field;
  const char* name;
  const char* value;
  const char* what;
};
void AddFields(Command& command, const Fields& fields, std::span<const FieldRow> rows);

// SetField reads `value` into the field at `path`, as above.
Outcome<void> SetField(google::protobuf::Message& message, const std::string& path,
                       const std::string& value);

// AddToMask names each field that `given` has set, down to those that are no messages of keymast.
void AddToMask(const google::protobuf::Message& given, const std::string& prefix,
               google::protobuf::FieldMask& mask);

// ParseTime reads RFC 3339, as 2026-01-31T12:00:00Z.
Outcome<void> ParseTime(const std::string& text, google::protobuf::Message& time);
// ParseSpan reads "500ms", "2s", "10m", "1h".
Outcome<void> ParseSpan(const std::string& text, google::protobuf::Message& span);
// EnumeratorText gives a name as it is typed: `next-msk` of NEXT_MSK.
std::string EnumeratorText(const std::string& name);

}  // namespace keymast::cli
