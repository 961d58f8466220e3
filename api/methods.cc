// SPDX-License-Identifier: Apache-2.0
#include "api/methods.h"

#include <algorithm>

#include "base/check.h"
#include "keymast/v1/service.pb.h"

namespace keymast::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

const FieldDescriptor* FieldOfType(const Descriptor* frame, const Descriptor* type) {
  for (int i = 0; i < frame->field_count(); ++i) {
    if (frame->field(i)->message_type() == type) return frame->field(i);
  }
  return nullptr;
}

std::vector<Method> ReadMethods() {
  std::vector<Method> methods;
  const auto* file = v1::CreateChannelRequest::descriptor()->file()->pool()->FindFileByName(
      "keymast/v1/service.proto");
  KEYMAST_CHECK(file != nullptr);
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      Method method;
      method.descriptor = file->service(s)->method(m);
      method.name = file->service(s)->name() + "." + method.descriptor->name();
      method.index = methods.size();
      method.request_field =
          FieldOfType(core::CoreRequest::descriptor(), method.descriptor->input_type());
      method.reply_field =
          FieldOfType(core::CoreReply::descriptor(), method.descriptor->output_type());
      for (const Role role : kRoles) {
        if (MayCall(role, method.name)) method.roles |= RoleBit(role);
      }
      method.reach = ReachOf(method.name, *method.descriptor);
      methods.push_back(std::move(method));
    }
  }
  return methods;
}

}  // namespace

const std::vector<Method>& Methods() {
  static const std::vector<Method> methods = ReadMethods();
  return methods;
}

const Method& MethodOf(std::string_view name) {
  const auto found = std::find_if(Methods().begin(), Methods().end(),
                                  [&](const Method& method) { return method.name == name; });
  KEYMAST_CHECK(found != Methods().end());
  return *found;
}

void PutRequest(const Method& method, const google::protobuf::Message& request,
                core::CoreRequest& frame) {
  KEYMAST_CHECK(method.request_field != nullptr);
  frame.GetReflection()->MutableMessage(&frame, method.request_field)->CopyFrom(request);
}

bool TakeReply(const Method& method, core::CoreReply& frame, google::protobuf::Message& reply) {
  KEYMAST_CHECK(method.reply_field != nullptr);
  const auto* reflection = frame.GetReflection();
  if (!reflection->HasField(frame, method.reply_field)) return false;
  reply.GetReflection()->Swap(&reply, reflection->MutableMessage(&frame, method.reply_field));
  return true;
}

}  // namespace keymast::api
