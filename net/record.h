// SPDX-License-Identifier: Apache-2.0
// `--record FILE`: the datagrams that a program sends and receives, as pcapng, so that a run can be
// checked without the right to capture.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/error.h"
#include "base/time.h"

namespace keymast::net {

// Recorder appends a new pcapng section at each start, so that a file survives restarts. Packets
// are written as raw IP (link type 101) with a UDP header made from the endpoints. Only whole
// blocks are handed to the kernel. One thread at a time.
class Recorder {
 public:
  // Open cuts off a last block that a killed writer left incomplete, nothing else. On a full disk
  // the section begins as soon as there is room. kInUse: another program records to this file;
  // kMalformed: it is not pcapng, and stays as it is; kIo: it cannot be opened or written.
  static Result<std::unique_ptr<Recorder>> Open(const std::string& path);
  // Flushes.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  enum class Direction { kSent, kReceived };
  // Of an endpoint without address (`0.0.0.0`, `::`) the other one's family is taken.
  void Write(Direction direction, const Endpoint& from, const Endpoint& to, ByteView octets,
             Instant at);
  // What was written so far is handed to the kernel: survives a kill of this process.
  void Flush();
  // Datagrams that the file system did not take: a full disk stops the recording, not the program.
  uint64_t lost() const { return lost_; }
  // TakeFirstLoss is true once, after the first of them: time to tell somebody.
  bool TakeFirstLoss() { return lost_ > 0 && !std::exchange(told_of_loss_, true); }

 private:
  explicit Recorder(int fd) : fd_(fd) {}
  Status BeginSection();
  Status WriteOut(ByteView blocks);

  int fd_;
  bool begun_ = false;      // the section
  Bytes waiting_;           // whole blocks
  uint64_t datagrams_ = 0;  // of those
  uint64_t lost_ = 0;
  bool told_of_loss_ = false;
};

}  // namespace keymast::net
