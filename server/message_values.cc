// SPDX-License-Identifier: Apache-2.0
#include "server/message_values.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>

namespace keymast::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

int64_t Nanos(int64_t seconds, int32_t nanos) {
  constexpr int64_t kMost = INT64_MAX / 1'000'000'000 - 1;
  return std::clamp(seconds, -kMost, kMost) * 1'000'000'000 + nanos;
}

int64_t NumberOfMessage(const Message& message) {
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return Nanos(time->seconds(), time->nanos());
  }
  if (const auto* span = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return Nanos(span->seconds(), span->nanos());
  }
  return 0;
}

int64_t Bounded(uint64_t value) {
  return static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX));
}

}  // namespace

int64_t NumberOf(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Bounded(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? 1 : 0;
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnumValue(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return NumberOfMessage(reflection.GetMessage(message, &field));
    default:
      return 0;
  }
}

int64_t NumberAt(const Message& message, const FieldDescriptor& field, int index) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetRepeatedInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetRepeatedInt64(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetRepeatedUInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Bounded(reflection.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetRepeatedEnumValue(message, &field, index);
    default:
      return 0;
  }
}

bool IsSet(const Message& message, const FieldDescriptor& field) {
  return message.GetReflection()->HasField(message, &field);
}

}  // namespace keymast::server
