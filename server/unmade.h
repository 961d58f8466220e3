// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/message.h>

namespace keymast::server {

// LeaveOutUnmade takes out of an answer, of the resources in it that are not there, what only their
// making gives them: create_time and etag.
void LeaveOutUnmade(google::protobuf::Message& answer);

}  // namespace keymast::server
