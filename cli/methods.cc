// SPDX-License-Identifier: Apache-2.0
#include "cli/methods.h"

namespace keymast::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr FieldRow kRows[] = {
    {"page_size", "--page-size", "N", "Fetch one page of at most N, 1 to 1000"},
    {"page_token", "--page-token", "TOKEN", "Fetch the page of this token"},
    {"filter", "--filter", "EXPRESSION",
     "Only what this is true of, as 'joined AND delivery=KEYS'"},
    {"order_by", "--order-by", "FIELD",
     "Sort by a field, or several with commas between them; 'FIELD desc' the other way round"},
    {"after", "--after", "SEQUENCE", "Only records behind this one"},
    {"etag", "--etag", "ETAG", "Only while it still has this etag"},
    {"allow_missing", "--allow-missing", "", "What is not there counts as done"},
    {"validate_only", "--validate-only", "", "Check everything, and change nothing"},
};

Outcome<void> TakePageSize(Message& request, const FieldDescriptor* field,
                           const std::string& value) {
  if (auto set = SetField(request, field->name(), value); !set) return set;
  const int32_t size = request.GetReflection()->GetInt32(request, field);
  if (size >= 1 && size <= 1000) return {};
  return UsageProblem("\"" + value + "\" is not 1 to 1000");
}

Option FieldsOption(Message& request, const FieldDescriptor* field) {
  const Taker take = [&request, field](const std::string& typed) -> Outcome<void> {
    auto& mask = dynamic_cast<google::protobuf::FieldMask&>(
        *request.GetReflection()->MutableMessage(&request, field));
    size_t at = 0;
    for (size_t comma = 0; comma != std::string::npos; at = comma + 1) {
      comma = typed.find(',', at);
      const std::string path = typed.substr(at, comma - at);
      if (path.empty()) return UsageProblem("\"" + typed + "\" has a field without a name");
      mask.add_paths(path);
    }
    return {};
  };
  return Valued("--fields", "FIELD,...", "Answer with these fields alone", take);
}

Option RequestIdOption(Message& request, const FieldDescriptor* field) {
  const Taker take = [&request, field](const std::string& typed) -> Outcome<void> {
    if (!IsUuid(typed)) return UsageProblem("\"" + typed + "\" is not a UUID");
    request.GetReflection()->SetString(&request, field, typed);
    return {};
  };
  return Valued("--request-id", "UUID", "Of a request that is repeated; a new one when not given",
                take);
}

// An update without a mask replaces all that may change: nobody means that who gives nothing.
bool IsWithoutChange(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("update_mask");
  if (field == nullptr) return false;
  const Message& mask = request.GetReflection()->GetMessage(request, field);
  return dynamic_cast<const google::protobuf::FieldMask&>(mask).paths().empty();
}

}  // namespace

bool IsCheck(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("validate_only");
  return field != nullptr && request.GetReflection()->GetBool(request, field);
}

void AddStandardOptions(Command& command, Message& request) {
  const auto* type = request.GetDescriptor();
  for (const FieldRow& row : kRows) {
    const FieldDescriptor* field = type->FindFieldByName(row.field);
    if (field == nullptr) continue;
    Option option = Fields(request).Of(row.field, row.name, row.value, row.what);
    if (field->name() == "page_size") {
      option.take = [&request, field](const std::string& value) {
        return TakePageSize(request, field, value);
      };
    }
    command.Add(std::move(option).Common());
  }
  if (const FieldDescriptor* field = type->FindFieldByName("read_mask")) {
    command.Add(FieldsOption(request, field).Common());
  }
  if (const FieldDescriptor* field = type->FindFieldByName("request_id")) {
    command.Add(RequestIdOption(request, field).Common());
  }
}

Outcome<void> Send(Context& context, const std::string& method, Message& request,
                   Message& response) {
  if (IsWithoutChange(request)) return UsageProblem("nothing is given that would change");
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr) return context.session.Call(method, request, response);
  const auto* reflection = request.GetReflection();
  if (reflection->GetString(request, field).empty()) {
    reflection->SetString(&request, field, NewRequestId());
  }
  auto called = context.session.Call(method, request, response);
  // A check changes nothing, whatever became of it.
  if (!called && !IsCheck(request)) {
    AdviseRepetition(reflection->GetString(request, field), called.error());
  }
  return called;
}

}  // namespace keymast::cli
