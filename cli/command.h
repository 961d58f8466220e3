// SPDX-License-Identifier: Apache-2.0
// What every command is given, and what several of them share.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "cli/output.h"
#include "cli/session.h"

namespace keymast::cli {

struct Context {
  Session& session;
  Format format;
  std::ostream& out;
};

// PageOptions of a list command: with neither given every page is fetched.
struct PageOptions {
  int32_t size = 0;
  std::string token;
};

// Name gives the resource name of what a person typed: `one` and `channels/one` are the same.
std::string ChannelName(const std::string& channel);
std::string SubscriberName(const std::string& subscriber);
std::string HeadendName(const std::string& headend);
std::string MemberName(const std::string& channel, const std::string& subscriber);

// ParseTime reads RFC 3339, as 2026-01-31T12:00:00Z.
Outcome<void> ParseTime(const std::string& option, const std::string& text,
                        google::protobuf::Timestamp& time);
// ParseSpan reads "500ms", "2s", "10m", "1h".
Outcome<void> ParseSpan(const std::string& option, const std::string& text,
                        google::protobuf::Duration& span);

// List fetches one page when `page` asks for one, and all pages otherwise, into `response`.
template <class Request, class Response>
Outcome<void> List(Context& context, const std::string& method, const PageOptions& page,
                   Request request, Response& response) {
  const bool one_page = page.size != 0 || !page.token.empty();
  request.set_page_size(one_page ? page.size : 1000);
  request.set_page_token(page.token);
  for (;;) {
    Response more;
    if (auto called = context.session.Call(method, request, more); !called) return called;
    response.MergeFrom(more);
    response.set_next_page_token(more.next_page_token());
    if (one_page || more.next_page_token().empty()) return {};
    request.set_page_token(more.next_page_token());
  }
}

// Show prints the response: as JSON, or by `as_table`.
template <class Response, class AsTable>
Outcome<void> Show(Context& context, const Response& response, AsTable as_table) {
  if (context.format == Format::kJson) {
    WriteJson(response, false, context.out);
  } else {
    as_table(response, context.out);
  }
  return {};
}

// CallAndShow makes a call and shows what comes back.
template <class Response, class AsTable>
Outcome<void> CallAndShow(Context& context, const std::string& method,
                          const google::protobuf::Message& request, AsTable as_table) {
  Response response;
  if (auto called = context.session.Call(method, request, response); !called) return called;
  return Show(context, response, as_table);
}

// MorePages tells how to go on when a table shows one page of several.
void MorePages(const std::string& next_page_token, std::ostream& out);

}  // namespace keymast::cli
