// SPDX-License-Identifier: Apache-2.0
#include "cli/call.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <ostream>

namespace keymast::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

const FileDescriptor* Services() {
  return google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
      "keymast/v1/service.proto");
}

const MethodDescriptor* FindMethod(const std::string& name) {
  return Services()->pool()->FindMethodByName("keymast.v1." + name);
}

std::unique_ptr<Message> Make(const Descriptor* type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

Outcome<void> ReadRequest(const std::string& text, Message& request) {
  if (text.starts_with("@")) return ReadJson(text.substr(1), request);
  const auto read = google::protobuf::util::JsonStringToMessage(text, &request);
  if (!read.ok()) return UsageProblem("request: " + read.message().as_string());
  return {};
}

}  // namespace

Outcome<void> CallMethod(Context& context, const std::string& method, const std::string& request) {
  const MethodDescriptor* found = FindMethod(method);
  if (found == nullptr || found->client_streaming()) {
    return UsageProblem("\"" + method + "\" is not a method that can be called from here",
                        "keymastctl methods lists them");
  }
  const auto message = Make(found->input_type());
  if (auto read = ReadRequest(request, *message); !read) return read;
  const auto response = Make(found->output_type());
  if (found->server_streaming()) {
    return context.session.Stream(method, *message, *response, [&] {
      WriteJson(*response, true, context.out);
      context.out.flush();
      return true;
    });
  }
  if (auto called = context.session.Call(method, *message, *response); !called) return called;
  WriteJson(*response, false, context.out);
  return {};
}

Outcome<void> ListMethods(Context& context) {
  Table table({"METHOD", "REQUEST", "RESPONSE"});
  for (int s = 0; s < Services()->service_count(); ++s) {
    const auto* service = Services()->service(s);
    for (int m = 0; m < service->method_count(); ++m) {
      const MethodDescriptor* method = service->method(m);
      table.Add({service->name() + "." + method->name(),
                 (method->client_streaming() ? "stream " : "") + method->input_type()->name(),
                 (method->server_streaming() ? "stream " : "") + method->output_type()->name()});
    }
  }
  table.Write(context.out);
  return {};
}

}  // namespace keymast::cli
