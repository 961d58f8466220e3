// SPDX-License-Identifier: Apache-2.0
// Session is a connection to keymast-api that calls methods by name.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "cli/problem.h"

namespace keymast::cli {

// Methods are as `Channels.GetChannel`, of keymast.v1, or a path as `/package.Service/Method`.
class Session {
 public:
  virtual ~Session() = default;
  // Call makes one unary call.
  virtual Outcome<void> Call(const std::string& method, const google::protobuf::Message& request,
                             google::protobuf::Message& response) = 0;
  // Stream calls `each` with every message of a server stream until it returns false or the stream
  // ends; `scratch` is of the stream's type.
  virtual Outcome<void> Stream(const std::string& method, const google::protobuf::Message& request,
                               google::protobuf::Message& scratch,
                               const std::function<bool()>& each) = 0;
  // Converse sends what `next` gives until it gives null, and meanwhile calls `each` as Stream
  // does. kOfCall: all of it may take as long as a call.
  enum class Deadline { kNone, kOfCall };
  virtual Outcome<void> Converse(const std::string& method, Deadline deadline,
                                 const std::function<const google::protobuf::Message*()>& next,
                                 google::protobuf::Message& scratch,
                                 const std::function<bool()>& each) = 0;
};

struct Target {
  std::string server;  // "unix:/run/keymast/operator.sock" or "host:port"
  std::string tls_ca;  // PEM files; a server of host:port needs all three
  std::string tls_certificate;
  std::string tls_key;
  Duration timeout = std::chrono::seconds(15);  // of a unary call
};

// Connect does not wait for the server: the first call does.
Outcome<std::unique_ptr<Session>> Connect(const Target& target);

}  // namespace keymast::cli
