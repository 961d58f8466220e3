// SPDX-License-Identifier: Apache-2.0
// A blocking client of the private socket: for tests and benchmarks.
#pragma once

#include <string>

#include "base/time.h"
#include "framing/frame.h"
#include "private/core.pb.h"

namespace keymast::server {

class CoreClient {
 public:
  // Connect says Hello. kUnavailable when nobody listens, kUnknownVersion for another protocol.
  static Result<CoreClient> Connect(const std::string& path);
  CoreClient(CoreClient&& other) noexcept;
  CoreClient& operator=(CoreClient&& other) noexcept;
  ~CoreClient();

  // Send frames a request; a call number of 0 is replaced by the next free one, which is returned.
  Result<uint64_t> Send(core::CoreRequest request);
  // Receive gives the next reply, whichever call it belongs to. kUnavailable: the connection is
  // over, or nothing came within `timeout`.
  Result<core::CoreReply> Receive(Duration timeout = std::chrono::seconds(10));
  // Call sends and waits for the reply to it; replies to other calls in between are dropped.
  Result<core::CoreReply> Call(core::CoreRequest request);

  int fd() const { return fd_; }

 private:
  explicit CoreClient(int fd) : fd_(fd) {}
  int fd_ = -1;
  uint64_t last_call_ = 0;
  framing::FrameReader frames_;
};

}  // namespace keymast::server
