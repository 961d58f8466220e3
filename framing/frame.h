// SPDX-License-Identifier: Apache-2.0
// Frames of the private socket between keymast-api and keymastd (proto/private/core.proto): 4
// octets of length, big-endian, then one message.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace google::protobuf {
class MessageLite;
}

namespace keymast::framing {

inline constexpr size_t kMaxFrame = 1 << 20;  // octets of a message

// AppendFrame puts length and message behind `out`. kTooLong, with `out` unchanged, when the
// message has more than kMaxFrame octets.
Status AppendFrame(const google::protobuf::MessageLite& message, std::string& out);

// FrameReader cuts a stream of octets into frames. What it keeps is bounded by one frame and one
// read. After kTooLong the stream is of no more use.
class FrameReader {
 public:
  // Room offers memory to read into; Filled says how many octets were read.
  MutableBytes Room();
  void Filled(size_t count);

  // Next gives the next whole frame without its length, valid until Room is called.
  // kTruncated: not all of it is here yet. kTooLong: no such frame is allowed.
  Result<ByteView> Next();

 private:
  ByteView Unread() const { return ByteView(buffer_).subspan(begin_, end_ - begin_); }

  Bytes buffer_;
  size_t begin_ = 0;  // first octet not yet handed out
  size_t end_ = 0;    // of what was read
};

}  // namespace keymast::framing
