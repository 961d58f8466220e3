// SPDX-License-Identifier: Apache-2.0
// call, list, describe: by what the server says of itself, so that they serve any version of it.
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <istream>
#include <ostream>

#include "cli/commands.h"
#include "cli/methods.h"
#include "cli/reflection.h"
#include "shell/files.h"

namespace keymast::cli {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

struct CallOptions {
  std::string method;
  std::string request;
};

struct SymbolOptions {
  std::string symbol;
};

constexpr size_t kMaxFile = 4 << 20;

// The texts of the requests: what was typed, a file, or each line of standard input.
Outcome<std::vector<std::string>> RequestTexts(Context& context, const std::string& typed,
                                               bool is_stream) {
  if (typed.starts_with('@')) {
    auto text = shell::ReadFile(typed.substr(1), kMaxFile);
    if (!text)
      return UsageProblem(typed.substr(1) + ": cannot be read (" + shell::WhyNot(text.error()) +
                          ")");
    return std::vector<std::string>{std::move(*text)};
  }
  if (!typed.empty()) return std::vector<std::string>{typed};
  if (!is_stream) return std::vector<std::string>{"{}"};
  std::vector<std::string> texts;
  for (std::string line; std::getline(context.around.in, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) texts.push_back(line);
  }
  return texts;
}

Outcome<std::vector<std::unique_ptr<Message>>> ReadRequests(Reflection& reflection,
                                                            const MethodDescriptor* method,
                                                            const std::vector<std::string>& texts) {
  std::vector<std::unique_ptr<Message>> requests;
  for (const std::string& text : texts) {
    requests.push_back(reflection.New(method->input_type()));
    if (auto read = ParseJson(text, *requests.back()); !read) {
      return UsageProblem(
          "request: " + read.error().message,
          "keymastctl describe " + method->input_type()->full_name() + " tells its fields");
    }
  }
  return requests;
}

// A table has no form for any message: JSON stands in for it.
Format FormatOf(const Context& context) {
  return context.format == Format::kYaml ? Format::kYaml : Format::kJson;
}

Outcome<void> Call(Context& context, const CallOptions& options) {
  Reflection reflection(context.session);
  const auto name = reflection.Find(options.method);
  if (!name) return tl::unexpected(name.error());
  const MethodDescriptor* method = reflection.pool().FindMethodByName(*name);
  if (method == nullptr) {
    return UsageProblem("\"" + options.method + "\" is not a method",
                        "keymastctl list SERVICE shows the methods of one");
  }
  const auto texts = RequestTexts(context, options.request, method->client_streaming());
  if (!texts) return tl::unexpected(texts.error());
  const auto requests = ReadRequests(reflection, method, *texts);
  if (!requests) return tl::unexpected(requests.error());
  const std::string path = "/" + method->service()->full_name() + "/" + method->name();
  const auto response = reflection.New(method->output_type());
  if (!method->client_streaming() && !method->server_streaming()) {
    auto called = context.session.Call(path, *requests->front(), *response);
    if (called) WriteDocument(*response, FormatOf(context), context.out);
    return called;
  }
  auto next = requests->begin();
  return context.session.Converse(
      path, Session::Deadline::kNone,
      [&] { return next == requests->end() ? nullptr : (next++)->get(); }, *response,
      [&] {
        WriteOneOfMany(*response, FormatOf(context), context.out);
        return context.out.good();
      });
}

std::string TypeCell(bool is_stream, const google::protobuf::Descriptor* type) {
  return (is_stream ? "stream " : "") + type->full_name();
}

void WriteMethods(const ServiceDescriptor* service, std::ostream& out) {
  Table table({"METHOD", "REQUEST", "RESPONSE"});
  for (int m = 0; m < service->method_count(); ++m) {
    const MethodDescriptor* method = service->method(m);
    table.Add({method->full_name(), TypeCell(method->client_streaming(), method->input_type()),
               TypeCell(method->server_streaming(), method->output_type())});
  }
  table.Write(out);
}

Outcome<void> ListMethods(Context& context, const std::string& typed) {
  Reflection reflection(context.session);
  const auto name = reflection.Find(typed);
  if (!name) return tl::unexpected(name.error());
  const ServiceDescriptor* service = reflection.pool().FindServiceByName(*name);
  if (service == nullptr) return UsageProblem("\"" + typed + "\" is not a service");
  google::protobuf::ServiceDescriptorProto description;
  service->CopyTo(&description);
  return Show(context, description, [&](const google::protobuf::Message&, std::ostream& out) {
    WriteMethods(service, out);
  });
}

Outcome<void> List(Context& context, const SymbolOptions& options) {
  if (!options.symbol.empty()) return ListMethods(context, options.symbol);
  const auto services = Reflection(context.session).Services();
  if (!services) return tl::unexpected(services.error());
  google::protobuf::ListValue names;
  for (const std::string& service : *services) names.add_values()->set_string_value(service);
  return Show(context, names, [&](const google::protobuf::Message&, std::ostream& out) {
    for (const std::string& service : *services) WriteLine(service, out);
  });
}

// The symbol in the form of a .proto file; empty when there is none of the name.
std::string Declaration(const DescriptorPool& pool, const std::string& name) {
  if (const auto* service = pool.FindServiceByName(name)) return service->DebugString();
  if (const auto* method = pool.FindMethodByName(name)) return method->DebugString();
  if (const auto* message = pool.FindMessageTypeByName(name)) return message->DebugString();
  if (const auto* values = pool.FindEnumTypeByName(name)) return values->DebugString();
  if (const auto* field = pool.FindFieldByName(name)) return field->DebugString();
  return {};
}

Outcome<void> Describe(Context& context, const SymbolOptions& options) {
  Reflection reflection(context.session);
  const auto name = reflection.Find(options.symbol);
  if (!name) return tl::unexpected(name.error());
  const std::string declaration = Declaration(reflection.pool(), *name);
  if (declaration.empty()) {
    return UsageProblem("\"" + options.symbol + "\" is no service, method, message, enum or field");
  }
  google::protobuf::StringValue text;
  text.set_value(declaration);
  return Show(context, text,
              [&](const google::protobuf::Message&, std::ostream& out) { out << declaration; });
}

}  // namespace

void AddCall(Command& program) {
  Command& call = program.Add("call", "Call any method, as the server describes it");
  auto& options = OptionsOf<CallOptions>(call, Call);
  call.Add(Word("METHOD", "As Channels.GetChannel", Into(options.method)));
  call.Add(Word("REQUEST", "Protobuf JSON, or @FILE; of client streams each line of standard input",
                Into(options.request))
               .Optional());
  call.Example("keymastctl call Channels.GetChannel '{\"name\": \"channels/news\"}'");
  Command& list = program.Add("list", "List the server's services, or the methods of one");
  list.Add(
      Word("SERVICE", "As Channels", Into(OptionsOf<SymbolOptions>(list, List).symbol)).Optional());
  list.Example("keymastctl list Channels");
  Command& describe = program.Add(
      "describe", "Print a service, method, message, enum or field as in a .proto file");
  describe.Add(Word("SYMBOL", "As Channel, or keymast.v1.Channels.GetChannel",
                    Into(OptionsOf<SymbolOptions>(describe, Describe).symbol)));
  describe.Example("keymastctl describe KeyPolicy");
}

}  // namespace keymast::cli
