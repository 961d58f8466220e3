// SPDX-License-Identifier: Apache-2.0
// Filters of lists (AIP-160), over the fields of any message: docs/api.md says what is spoken.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace keymast::server {

class Filter {
 public:
  static constexpr size_t kMaxText = 2048;

  // Parse reads a filter over messages of `type`; an empty one matches everything. The failure is
  // kInvalidArgument with a violation of `filter` that says where, and what could stand there.
  static tl::expected<Filter, Failure> Parse(std::string_view text,
                                             const google::protobuf::Descriptor& type);

  bool Matches(const google::protobuf::Message& message) const;
  bool IsEmpty() const { return root_ == nullptr; }

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace keymast::server
