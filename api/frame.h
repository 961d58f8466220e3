// SPDX-License-Identifier: Apache-2.0
// Frames of the private socket to keymastd: 4 octets big-endian length, then a message.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace google::protobuf {
class MessageLite;
}

namespace keymast::api {

inline constexpr size_t kMaxFrame = 1 << 20;
inline constexpr size_t kFrameHeader = 4;

// AppendFrame puts header and message behind `out`; kTooLong, with `out` as before, when the
// message is longer than kMaxFrame.
Status AppendFrame(const google::protobuf::MessageLite& message, std::string& out);

// FrameReader cuts a stream of octets into frames. After an error the stream is of no more use.
class FrameReader {
 public:
  // Room offers memory for at least one octet to read into; Filled says how many were read.
  MutableBytes Room();
  void Filled(size_t count) { filled_ += count; }

  // Next gives the next whole frame, valid until Room is called; nothing in it yet: kTruncated. A
  // length beyond kMaxFrame: kTooLong.
  Result<ByteView> Next();

 private:
  ByteView Unread() const { return ByteView(buffer_).subspan(begin_, filled_ - begin_); }

  Bytes buffer_;
  size_t begin_ = 0;   // first octet not yet handed out
  size_t filled_ = 0;  // end of what was read
};

}  // namespace keymast::api
