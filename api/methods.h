// SPDX-License-Identifier: Apache-2.0
// Every method of keymast.v1, and where its request and reply lie in a frame to keymastd: read from
// the descriptors, so that a new method needs no code here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/reach.h"
#include "api/roles.h"
#include "private/core.pb.h"

namespace keymast::api {

struct Method {
  std::string name;  // `Channels.CreateChannel`
  size_t index = 0;  // in Methods()
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  const google::protobuf::FieldDescriptor* request_field = nullptr;  // of CoreRequest
  const google::protobuf::FieldDescriptor* reply_field = nullptr;    // of CoreReply
  unsigned roles = 0;  // bit per Role that may call it
  Reach reach = {};
};

// Methods lists all of them.
const std::vector<Method>& Methods();

// MethodOf finds one by name; the name must exist.
const Method& MethodOf(std::string_view name);

// PutRequest copies a request into its field; TakeReply swaps the reply out of its field and is
// false when the frame holds something else.
void PutRequest(const Method& method, const google::protobuf::Message& request,
                core::CoreRequest& frame);
bool TakeReply(const Method& method, core::CoreReply& frame, google::protobuf::Message& reply);

}  // namespace keymast::api
