// SPDX-License-Identifier: Apache-2.0
#include "server/unmade.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <vector>

namespace keymast::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Timestamp;

// What is not made has all its instants at zero.
bool IsAtZero(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->message_type() != Timestamp::descriptor()) return false;
  const auto& reflection = *message.GetReflection();
  if (!reflection.HasField(message, field)) return false;
  return reflection.GetMessage(message, field).ByteSizeLong() == 0;
}

void Clear(Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field != nullptr) message.GetReflection()->ClearField(&message, field);
}

}  // namespace

void LeaveOutUnmade(Message& answer) {
  if (IsAtZero(answer, "create_time")) {
    Clear(answer, "create_time");
    Clear(answer, "etag");
  }
  const auto& reflection = *answer.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(answer, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      LeaveOutUnmade(*reflection.MutableMessage(&answer, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(answer, field); ++i) {
      LeaveOutUnmade(*reflection.MutableRepeatedMessage(&answer, field, i));
    }
  }
}

}  // namespace keymast::server
