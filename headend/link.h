// SPDX-License-Identifier: Apache-2.0
// The TrafficKeys stream to keymast-api, on gRPC's threads; what happens on it waits for the loop.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "keymast/v1/headend.pb.h"

namespace keymast::headend {

struct LinkTarget {
  std::string server;  // "unix:/run/keymast/headend.sock" or "host:port"
  std::string tls_ca;  // PEM files; a server of host:port needs all three
  std::string tls_certificate;
  std::string tls_key;
};

// Ended is how a stream ended.
struct Ended {
  enum class Kind : uint8_t {
    kAway,       // could not connect, was cut, the server restarts: try again
    kRevoked,    // the server knows no such headend (any more)
    kTakenOver,  // another process with our key took our place
  };
  Kind kind = Kind::kAway;
  std::string message;
};

using LinkEvent = std::variant<v1::HeadendDirective, Ended>;

// Link has at most one stream at a time. Its functions are for one thread.
class Link {
 public:
  // Open reads the PEM files; it does not connect.
  static tl::expected<std::unique_ptr<Link>, Failure> Open(const LinkTarget& target);
  // Cancels the stream and waits for its end.
  ~Link();

  // Start begins a stream with its first report. There is none, or its Ended was taken.
  void Start(v1::HeadendReport first);
  // Send adds a report; nothing happens when the stream has ended.
  void Send(v1::HeadendReport report);
  // Take gives what happened, in order; `fd` is readable when there is something.
  std::vector<LinkEvent> Take();
  int fd() const;

 private:
  struct State;
  explicit Link(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace keymast::headend
