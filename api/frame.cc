// SPDX-License-Identifier: Apache-2.0
#include "api/frame.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <cstring>

#include "base/cursor.h"

namespace keymast::api {
namespace {

constexpr size_t kReadSize = 64 * 1024;

}  // namespace

Status AppendFrame(const google::protobuf::MessageLite& message, std::string& out) {
  const size_t size = message.ByteSizeLong();
  if (size > kMaxFrame) return Err(Error::kTooLong);
  const size_t begin = out.size();
  out.resize(begin + kFrameHeader + size);
  const MutableBytes frame =
      MutableBytes(reinterpret_cast<uint8_t*>(out.data()), out.size()).subspan(begin);
  Writer(frame).U32(static_cast<uint32_t>(size));
  message.SerializeWithCachedSizesToArray(frame.subspan(kFrameHeader).data());
  return {};
}

MutableBytes FrameReader::Room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), Unread().data(), Unread().size());
    filled_ -= begin_;
    begin_ = 0;
  }
  // Grows with what arrives, never with what a length field promises.
  if (buffer_.size() - filled_ < kReadSize / 2) buffer_.resize(filled_ + kReadSize);
  return MutableBytes(buffer_).subspan(filled_);
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

}  // namespace keymast::api
