// SPDX-License-Identifier: Apache-2.0
// Fields of any message as numbers, for filters.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>

namespace keymast::server {

// NumberOf is an integer, a boolean, the number of an enumeration, or a Timestamp or Duration in
// nanoseconds; 0 for what is none of these. NumberAt is that of an element of a list.
int64_t NumberOf(const google::protobuf::Message& message,
                 const google::protobuf::FieldDescriptor& field);
int64_t NumberAt(const google::protobuf::Message& message,
                 const google::protobuf::FieldDescriptor& field, int index);

// IsSet: present, or where presence is not known not the default. Not for lists.
bool IsSet(const google::protobuf::Message& message,
           const google::protobuf::FieldDescriptor& field);

}  // namespace keymast::server
