// SPDX-License-Identifier: Apache-2.0
#include "cli/fields.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "base/check.h"
#include "shell/config.h"
#include "shell/json_line.h"

namespace keymast::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::TimeUtil;

// Place is a field of the message that has it.
struct Place {
  Message* message;
  const FieldDescriptor* field;
};

const FieldDescriptor* FieldAt(const Message& message, const std::string& path) {
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  size_t at = 0;
  for (;;) {
    const size_t dot = path.find('.', at);
    const FieldDescriptor* field = type->FindFieldByName(path.substr(at, dot - at));
    KEYMAST_CHECK(field != nullptr);  // paths are written in this program
    if (dot == std::string::npos) return field;
    type = field->message_type();
    at = dot + 1;
  }
}

Place PlaceAt(Message& message, const std::string& path) {
  Message* at = &message;
  size_t begin = 0;
  for (size_t dot = 0; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const auto* field = at->GetDescriptor()->FindFieldByName(path.substr(begin, dot - begin));
    at = at->GetReflection()->MutableMessage(at, field);
  }
  return {at, at->GetDescriptor()->FindFieldByName(path.substr(begin))};
}

template <class Number, class Set>
Outcome<void> SetNumber(const Place& place, const std::string& value, Set set) {
  Number number{};
  if (!ReadNumber(value, number)) return UsageProblem("\"" + value + "\" is no number that fits");
  (place.message->GetReflection()->*set)(place.message, place.field, number);
  return {};
}

std::vector<std::string> ChoicesOf(const EnumDescriptor* type) {
  std::vector<std::string> choices;
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() != 0) choices.push_back(EnumeratorText(type->value(i)->name()));
  }
  return choices;
}

Outcome<void> SetEnum(const Place& place, const std::string& value) {
  const EnumDescriptor* type = place.field->enum_type();
  std::string all;
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() == 0) continue;
    const std::string choice = EnumeratorText(type->value(i)->name());
    if (choice == EnumeratorText(value)) {
      place.message->GetReflection()->SetEnum(place.message, place.field, type->value(i));
      return {};
    }
    all += (all.empty() ? "" : ", ") + choice;
  }
  return UsageProblem("\"" + value + "\" is none of " + all);
}

Outcome<void> SetMessage(const Place& place, const std::string& value) {
  const auto* reflection = place.message->GetReflection();
  if (value == "none") {
    reflection->ClearField(place.message, place.field);
    return {};
  }
  Message& into = *reflection->MutableMessage(place.message, place.field);
  if (into.GetDescriptor() == google::protobuf::Timestamp::descriptor()) {
    return ParseTime(value, into);
  }
  return ParseSpan(value, into);
}

// An etag has quotes of its own, which a shell takes away.
std::string InQuotes(const std::string& etag) {
  return etag.empty() || etag.find('"') != std::string::npos ? etag : '"' + etag + '"';
}

void AddPath(const std::string& path, google::protobuf::FieldMask& mask) {
  const auto& paths = mask.paths();
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) mask.add_paths(path);
}

bool IsOfKeymast(const FieldDescriptor* field) {
  return field->message_type() != nullptr &&
         field->message_type()->file()->package().starts_with("keymast.");
}

}  // namespace

Outcome<void> SetField(Message& message, const std::string& path, const std::string& value) {
  const Place place = PlaceAt(message, path);
  using Reflection = google::protobuf::Reflection;
  switch (place.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (!shell::IsUtf8(value)) return UsageProblem("the text is not UTF-8");
      place.message->GetReflection()->SetString(place.message, place.field, value);
      return {};
    case FieldDescriptor::CPPTYPE_BOOL:
      place.message->GetReflection()->SetBool(place.message, place.field, value == "true");
      return {};
    case FieldDescriptor::CPPTYPE_UINT32:
      return SetNumber<uint32_t>(place, value, &Reflection::SetUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetNumber<uint64_t>(place, value, &Reflection::SetUInt64);
    case FieldDescriptor::CPPTYPE_INT32:
      return SetNumber<int32_t>(place, value, &Reflection::SetInt32);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(place, value);
    default:
      return SetMessage(place, value);
  }
}

Option Fields::Of(const std::string& path, std::string name, std::string value,
                  std::string what) const {
  const FieldDescriptor* field = FieldAt(message_, path);
  const bool is_etag = field->name() == "etag";
  const Taker take = [&message = message_, mask = mask_, path, name,
                      is_etag](const std::string& typed) -> Outcome<void> {
    auto set = SetField(message, path, is_etag ? InQuotes(typed) : typed);
    if (!set) {
      set.error().message = name + ": " + set.error().message;
      return set;
    }
    if (mask != nullptr) AddPath(path, *mask);
    return {};
  };
  Option option;
  option.name = std::move(name);
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL) option.value = std::move(value);
  option.what = std::move(what);
  option.take = take;
  if (field->enum_type() != nullptr) option.choices = ChoicesOf(field->enum_type());
  return option;
}

void AddFields(Command& command, const Fields& fields, std::span<const FieldRow> rows) {
  for (const auto& [field, name, value, what] : rows) {
    command.Add(fields.Of(field, name, value, what));
  }
}

void AddToMask(const Message& given, const std::string& prefix, google::protobuf::FieldMask& mask) {
  std::vector<const FieldDescriptor*> fields;
  given.GetReflection()->ListFields(given, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = prefix + field->name();
    if (IsOfKeymast(field) && !field->is_repeated()) {
      AddToMask(given.GetReflection()->GetMessage(given, field), path + ".", mask);
    } else {
      AddPath(path, mask);
    }
  }
}

Outcome<void> ParseTime(const std::string& text, Message& time) {
  google::protobuf::Timestamp parsed;
  if (!TimeUtil::FromString(text, &parsed)) {
    return UsageProblem("\"" + text + "\" is not a time, as 2026-01-31T12:00:00Z");
  }
  time.CopyFrom(parsed);
  return {};
}

Outcome<void> ParseSpan(const std::string& text, Message& span) {
  const auto parsed = shell::ParseDuration(text);
  if (!parsed) return UsageProblem("\"" + text + "\" is not a duration, as 500ms or 2s");
  span.CopyFrom(TimeUtil::NanosecondsToDuration(parsed->count()));
  return {};
}

std::string EnumeratorText(const std::string& name) {
  std::string text = name;
  for (char& c : text) {
    if (c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

}  // namespace keymast::cli
