// SPDX-License-Identifier: Apache-2.0
// A filter as a tree: what its parser makes, and its matcher walks.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>

#include "server/filter.h"

namespace keymast::server {

enum class FilterOperator : uint8_t {
  kIsSet,
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kMore,
  kAtLeast,
  kHas
};

struct Filter::Node {
  enum class Kind : uint8_t { kAll, kAny, kNot, kTerm };
  Kind kind = Kind::kTerm;
  std::vector<Node> children;  // of all but kTerm

  // Of a term: a path of fields, and what the last one is compared with. `number` is of integers,
  // enumerations (their number), booleans, and times and durations in nanoseconds.
  std::vector<const google::protobuf::FieldDescriptor*> path;
  FilterOperator op = FilterOperator::kIsSet;
  std::string text;
  int64_t number = 0;
};

}  // namespace keymast::server
