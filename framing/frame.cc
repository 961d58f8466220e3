// SPDX-License-Identifier: Apache-2.0
#include "framing/frame.h"

#include <google/protobuf/message_lite.h>

#include <cstring>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::framing {
namespace {

constexpr size_t kHeader = 4;
constexpr size_t kReadSize = 64 * 1024;

}  // namespace

Status AppendFrame(const google::protobuf::MessageLite& message, std::string& out) {
  const size_t size = message.ByteSizeLong();
  if (size > kMaxFrame) return Err(Error::kTooLong);
  const size_t begin = out.size();
  out.resize(begin + kHeader + size);
  const MutableBytes frame =
      MutableBytes(reinterpret_cast<uint8_t*>(out.data()), out.size()).subspan(begin);
  Writer(frame).U32(static_cast<uint32_t>(size));
  message.SerializeWithCachedSizesToArray(frame.subspan(kHeader).data());
  return {};
}

MutableBytes FrameReader::Room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), Unread().data(), Unread().size());
    end_ -= begin_;
    begin_ = 0;
  }
  // Grows with what arrives, never with what a length promises.
  if (buffer_.size() - end_ < kReadSize / 2) buffer_.resize(end_ + kReadSize);
  return MutableBytes(buffer_).subspan(end_);
}

void FrameReader::Filled(size_t count) {
  KEYMAST_CHECK(count <= buffer_.size() - end_);
  end_ += count;
}

Result<ByteView> FrameReader::Next() {
  Reader reader(Unread());
  const size_t size = reader.U32();
  if (!reader.ok()) return Err(Error::kTruncated);
  if (size > kMaxFrame) return Err(Error::kTooLong);
  const ByteView frame = reader.Take(size);
  if (!reader.ok()) return Err(Error::kTruncated);
  begin_ += reader.position();
  return frame;
}

}  // namespace keymast::framing
