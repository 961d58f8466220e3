// SPDX-License-Identifier: Apache-2.0
#include "server/filter.h"

#include <algorithm>

#include "server/filter_tree.h"
#include "server/message_values.h"

namespace keymast::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Node = Filter::Node;
using Operator = FilterOperator;

template <class T>
bool Compare(const T& value, Operator op, const T& with) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kHas:
      return value == with;
    case Operator::kNotEqual:
      return value != with;
    case Operator::kLess:
      return value < with;
    case Operator::kAtMost:
      return value <= with;
    case Operator::kMore:
      return value > with;
    case Operator::kAtLeast:
      return value >= with;
    case Operator::kIsSet:
      break;
  }
  return true;
}

// A text with `*` in front or behind stands for any beginning or end.
bool IsLike(std::string_view value, std::string_view pattern) {
  const bool any_front = pattern.starts_with('*');
  if (any_front) pattern.remove_prefix(1);
  const bool any_back = pattern.ends_with('*');
  if (any_back) pattern.remove_suffix(1);
  if (any_front && any_back) return value.find(pattern) != std::string_view::npos;
  if (any_front) return value.ends_with(pattern);
  return any_back ? value.starts_with(pattern) : value == pattern;
}

bool CompareText(const std::string& value, Operator op, const std::string& with) {
  if (op == Operator::kHas) return value.find(with) != std::string::npos;
  if (op == Operator::kEqual) return IsLike(value, with);
  if (op == Operator::kNotEqual) return !IsLike(value, with);
  return Compare(value, op, with);
}

bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

bool MatchesList(const Message& message, const FieldDescriptor& field, const Node& term) {
  const auto& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, &field);
  if (term.op == Operator::kIsSet) return size > 0;
  for (int i = 0; i < size; ++i) {
    const bool same = IsText(field)
                          ? IsLike(reflection.GetRepeatedString(message, &field, i), term.text)
                          : NumberAt(message, field, i) == term.number;
    if (same) return true;
  }
  return false;
}

bool MatchesTerm(const Message& root, const Node& term) {
  const Message* message = &root;
  for (size_t i = 0; i + 1 < term.path.size(); ++i) {
    const auto& reflection = *message->GetReflection();
    if (!reflection.HasField(*message, term.path[i])) return term.op == Operator::kNotEqual;
    message = &reflection.GetMessage(*message, term.path[i]);
  }
  const FieldDescriptor& field = *term.path.back();
  if (field.is_repeated()) return MatchesList(*message, field, term);
  const auto& reflection = *message->GetReflection();
  if (term.op == Operator::kIsSet) return IsSet(*message, field);
  const bool is_absent = field.has_presence() && !reflection.HasField(*message, &field);
  if (is_absent) return term.op == Operator::kNotEqual;
  if (IsText(field)) {
    return CompareText(reflection.GetString(*message, &field), term.op, term.text);
  }
  return Compare(NumberOf(*message, field), term.op, term.number);
}

bool MatchesNode(const Message& message, const Node& node) {
  const auto matches = [&message](const Node& child) { return MatchesNode(message, child); };
  switch (node.kind) {
    case Node::Kind::kAll:
      return std::all_of(node.children.begin(), node.children.end(), matches);
    case Node::Kind::kAny:
      return std::any_of(node.children.begin(), node.children.end(), matches);
    case Node::Kind::kNot:
      return !MatchesNode(message, node.children.front());
    case Node::Kind::kTerm:
      break;
  }
  return MatchesTerm(message, node);
}

}  // namespace

bool Filter::Matches(const Message& message) const {
  return root_ == nullptr || MatchesNode(message, *root_);
}

}  // namespace keymast::server
