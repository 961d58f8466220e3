// SPDX-License-Identifier: Apache-2.0
// Who may call what, written down beside the code and read from none of its tables.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>

namespace keymast::api {

struct MatrixRow {
  std::string_view method;
  // Roles that may call it for all channels.
  std::string_view roles;
  // What these may for some channels: `-` nothing, `new` make them, `named` call it with one of
  // them in each of its names, `shown` call it and see these alone, `part` call it and see a part.
  std::string_view scoped;
  // A request in protobuf's text format, with $ for a channel's id.
  std::string_view request;
};

const std::vector<MatrixRow>& Matrix();

// RequestOf makes the request of a row for a channel.
std::unique_ptr<google::protobuf::Message> RequestOf(const MatrixRow& row,
                                                     const std::string& channel);

}  // namespace keymast::api
