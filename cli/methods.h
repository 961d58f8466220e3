// SPDX-License-Identifier: Apache-2.0
// Commands that call a method. The options that every such method has follow from the fields of its
// request, so that no command is without them.
#pragma once

#include <memory>

#include "cli/context.h"
#include "cli/fields.h"
#include "cli/masked.h"
#include "cli/names.h"
#include "cli/request_id.h"

namespace keymast::cli {

// AddStandardOptions adds the options of what the request has: --fields of read_mask, --page-size,
// --page-token, --filter and --order-by, --etag, --allow-missing, --validate-only and --request-id.
void AddStandardOptions(Command& command, google::protobuf::Message& request);

// Send calls the method. A request that has a place for an id and none in it is given a new one;
// when nobody knows what became of it, the problem says how to repeat it.
Outcome<void> Send(Context& context, const std::string& method, google::protobuf::Message& request,
                   google::protobuf::Message& response);

// Show prints the response: as JSON or YAML, or by `as_table`.
template <class Response, class AsTable>
Outcome<void> Show(Context& context, const Response& response, AsTable as_table) {
  if (context.format == Format::kTable) {
    as_table(response, context.out);
  } else {
    WriteDocument(response, context.format, context.out);
  }
  return {};
}

inline constexpr const char* kOnlyChecked = "only checked: nothing was changed";
// IsCheck says whether the request only checks.
bool IsCheck(const google::protobuf::Message& request);

// ShowAnswer is Show of what was asked for: fields, or what a check has found.
template <class Response, class AsTable>
Outcome<void> ShowAnswer(Context& context, const google::protobuf::Message& request,
                         const Response& response, AsTable as_table) {
  if (const auto* mask = ReadMaskOf(request)) return ShowMasked(context, response, *mask);
  return Show(context, response, [&](const Response& answer, std::ostream& out) {
    as_table(answer, out);
    if (IsCheck(request)) WriteLine(kOnlyChecked, out);
  });
}

// Calls has `command` call `method` with a request that its options fill, and show the response.
// The request lives as long as the command's action.
template <class Request, class Response>
Request& Calls(Command& command, const std::string& method,
               void (*as_table)(const Response&, std::ostream&)) {
  auto request = std::make_shared<Request>();
  AddStandardOptions(command, *request);
  command.action = [request, method, as_table](Context& context) -> Outcome<void> {
    Response response;
    if (auto sent = Send(context, method, *request, response); !sent) return sent;
    return ShowAnswer(context, *request, response, as_table);
  };
  return *request;
}

// Deletes is Calls for what answers with nothing: the table is `deleted NAME`, or `may be deleted`.
template <class Request, class Response>
Request& Deletes(Command& command, const std::string& method) {
  auto request = std::make_shared<Request>();
  AddStandardOptions(command, *request);
  command.action = [request, method](Context& context) -> Outcome<void> {
    Response response;
    if (auto sent = Send(context, method, *request, response); !sent) return sent;
    return Show(context, response, [&](const Response&, std::ostream& out) {
      WriteLine((IsCheck(*request) ? "may be deleted " : "deleted ") + request->name(), out);
    });
  };
  return *request;
}

// Collection is how a command's word becomes a name: `CHANNEL` in `channels/`.
struct Collection {
  const char* word;
  const char* prefix;
};

// AddNamed adds a command about one resource that is named by a word.
template <class Request, class Response>
Request& AddNamed(Command& group, const std::string& name, const std::string& what,
                  const std::string& method, Collection collection,
                  void (*as_table)(const Response&, std::ostream&)) {
  Command& command = group.Add(name, what);
  auto& request = Calls<Request>(command, method, as_table);
  command.Add(Named(collection.word, collection.prefix, *request.mutable_name()));
  return request;
}

// AddEach adds one about several.
template <class Request, class Response>
void AddEach(Command& group, const std::string& name, const std::string& what,
             const std::string& method, Collection collection,
             void (*as_table)(const Response&, std::ostream&)) {
  Command& command = group.Add(name, what);
  auto& request = Calls<Request>(command, method, as_table);
  command.Add(EachNamed(collection.word, collection.prefix, *request.mutable_names()));
}

// AddDelete adds a `delete`; with `force`, what that flag does.
template <class Request, class Response>
void AddDelete(Command& group, const std::string& what, const std::string& method,
               Collection collection, const char* force = nullptr) {
  Command& command = group.Add("delete", what);
  auto& request = Deletes<Request, Response>(command, method);
  command.Add(Named(collection.word, collection.prefix, *request.mutable_name()));
  if (force != nullptr) command.Add(Fields(request).Of("force", "--force", "", force));
}

// FetchAll gets every page into `response`, or one page when the request asks for one.
template <class Request, class Response>
Outcome<void> FetchAll(Context& context, const std::string& method, Request request,
                       Response& response) {
  const bool one_page = request.page_size() != 0 || !request.page_token().empty();
  if (!one_page) request.set_page_size(1000);
  for (;;) {
    Response more;
    if (auto called = context.session.Call(method, request, more); !called) return called;
    response.MergeFrom(more);
    response.set_next_page_token(more.next_page_token());
    if (one_page || more.next_page_token().empty()) return {};
    request.set_page_token(more.next_page_token());
  }
}

// Lists has `command` list by `method`.
template <class Request, class Response>
Request& Lists(Command& command, const std::string& method,
               void (*as_table)(const Response&, std::ostream&)) {
  auto request = std::make_shared<Request>();
  AddStandardOptions(command, *request);
  command.action = [request, method, as_table](Context& context) -> Outcome<void> {
    Response response;
    if (auto fetched = FetchAll(context, method, *request, response); !fetched) return fetched;
    return ShowAnswer(context, *request, response, [&](const Response& list, std::ostream& out) {
      as_table(list, out);
      MorePages(list.next_page_token(), out);
    });
  };
  return *request;
}

}  // namespace keymast::cli
