// SPDX-License-Identifier: Apache-2.0
#include "cli/masked.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace keymast::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using Json = nlohmann::ordered_json;

// The resources of an answer that lists several; null of one that is a resource, which has a name.
const FieldDescriptor* ListOf(const Descriptor* type) {
  if (type->FindFieldByName("name") != nullptr) return nullptr;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated() && field->message_type() != nullptr) return field;
  }
  return nullptr;
}

// Names of JSON along a path, as `policy.mtk_period`.
std::vector<std::string> StepsOf(const Descriptor* type, const std::string& path) {
  std::vector<std::string> steps;
  for (size_t at = 0; type != nullptr;) {
    const size_t dot = path.find('.', at);
    const FieldDescriptor* field = type->FindFieldByName(path.substr(at, dot - at));
    if (field == nullptr) break;
    steps.push_back(field->json_name());
    if (dot == std::string::npos) break;
    type = field->message_type();
    at = dot + 1;
  }
  return steps;
}

using Paths = std::vector<std::vector<std::string>>;

// What stands at the end of the steps; null where nothing does.
const Json* At(const Json& whole, const std::vector<std::string>& steps) {
  const Json* at = &whole;
  for (const std::string& step : steps) {
    const auto found = at->find(step);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

Json PartOf(const Json& whole, const Paths& paths) {
  Json part = Json::object();
  for (const auto& steps : paths) {
    const Json* value = At(whole, steps);
    if (value == nullptr) continue;
    Json* into = &part;
    for (const std::string& step : steps) into = &(*into)[step];
    *into = *value;
  }
  return part;
}

std::string CellOf(const Json& whole, const std::vector<std::string>& steps) {
  const Json* value = At(whole, steps);
  if (value == nullptr) return "";
  return value->is_string() ? value->get<std::string>() : value->dump();
}

std::string HeadingOf(std::string path) {
  std::transform(path.begin(), path.end(), path.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c == '_' ? ' ' : c;
  });
  return path;
}

void WriteTable(const Json& rows, const FieldMask& mask, const Paths& paths, std::ostream& out) {
  std::vector<std::string> headings;
  for (const std::string& path : mask.paths()) headings.push_back(HeadingOf(path));
  Table table(std::move(headings));
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    for (const auto& steps : paths) cells.push_back(CellOf(row, steps));
    table.Add(std::move(cells));
  }
  table.Write(out);
}

}  // namespace

const FieldMask* ReadMaskOf(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("read_mask");
  if (field == nullptr) return nullptr;
  const auto& mask =
      dynamic_cast<const FieldMask&>(request.GetReflection()->GetMessage(request, field));
  const auto& paths = mask.paths();
  const bool is_whole = paths.empty() || std::find(paths.begin(), paths.end(), "*") != paths.end();
  return is_whole ? nullptr : &mask;
}

Outcome<void> ShowMasked(Context& context, const Message& response, const FieldMask& mask) {
  const FieldDescriptor* list = ListOf(response.GetDescriptor());
  const Descriptor* type = list == nullptr ? response.GetDescriptor() : list->message_type();
  Paths paths;
  for (const std::string& path : mask.paths()) paths.push_back(StepsOf(type, path));
  Json answer = Json::parse(ToJson(response, true));
  if (context.format == Format::kTable && list != nullptr) {
    WriteTable(answer[list->json_name()], mask, paths, context.out);
    MorePages(answer.value("nextPageToken", ""), context.out);
    return {};
  }
  if (context.format == Format::kTable) {
    Pairs pairs;
    for (size_t i = 0; i < paths.size(); ++i) {
      pairs.emplace_back(mask.paths(static_cast<int>(i)), CellOf(answer, paths[i]));
    }
    WritePairs(pairs, context.out);
    return {};
  }
  if (list == nullptr) {
    answer = PartOf(answer, paths);
  } else {
    for (Json& row : answer[list->json_name()]) row = PartOf(row, paths);
  }
  WriteJsonText(answer.dump(), context.format, context.out);
  return {};
}

}  // namespace keymast::cli
