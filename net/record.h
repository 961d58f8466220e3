// SPDX-License-Identifier: Apache-2.0
// `--record FILE`: the datagrams that a program sends and receives, as pcapng, so that a run can be
// checked without the right to capture.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace keymast::net {

// Recorder appends a new pcapng section at each start, so that a file survives restarts. Packets are
// written as raw IP (link type 101) with a UDP header made from the endpoints.
class Recorder {
 public:
  // kIo when the file cannot be opened.
  static Result<std::unique_ptr<Recorder>> Open(const std::string& path);
  ~Recorder();
  enum class Direction { kSent, kReceived };
  void Write(Direction direction, const Endpoint& from, const Endpoint& to, ByteView octets,
             Instant at);
  // What was written so far is handed to the kernel: survives a kill of this process.
  void Flush();

 private:
  explicit Recorder(std::FILE* file) : file_(file) {}
  std::FILE* file_;
};

}  // namespace keymast::net
