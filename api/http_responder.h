// SPDX-License-Identifier: Apache-2.0
// From the head of an HTTP request to the octets of its response. No sockets here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"

namespace keymast::api {

// HttpResponder leaves HTTP to cpp-httplib and keeps it from the sockets: in that library a client
// holds a thread for as long as it dawdles, and a line has no end. Used by one thread.
class HttpResponder {
 public:
  explicit HttpResponder(const HttpPages& pages);
  ~HttpResponder();

  // Answer responds to a whole head, its empty line included. Nothing when the response shows the
  // metrics page and `metrics` is null: call again with it.
  std::optional<std::string> Answer(std::string_view head, const std::string* metrics);

 private:
  class Library;
  const std::unique_ptr<Library> library_;
};

}  // namespace keymast::api
