// SPDX-License-Identifier: Apache-2.0
#include "server/frame.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::server {
namespace {

constexpr size_t kLeastRoom = 16 * 1024;

}  // namespace

Status AppendFrame(const google::protobuf::MessageLite& message, std::string& out) {
  const size_t size = message.ByteSizeLong();
  if (size > kMaxFrame) return Err(Error::kTooLong);
  const size_t at = out.size();
  out.resize(at + kFrameHeader + size);
  const MutableBytes frame =
      MutableBytes(reinterpret_cast<uint8_t*>(out.data()), out.size()).subspan(at);
  Writer(frame).U32(size);
  message.SerializeWithCachedSizesToArray(frame.subspan(kFrameHeader).data());
  return {};
}

MutableBytes FrameReader::Room() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < kLeastRoom) buffer_.resize(end_ + kLeastRoom);
  return MutableBytes(buffer_).subspan(end_);
}

void FrameReader::Filled(size_t count) {
  KEYMAST_CHECK(count <= buffer_.size() - end_);
  end_ += count;
}

Result<ByteView> FrameReader::Next() {
  Reader reader(ByteView(buffer_).subspan(begin_, end_ - begin_));
  const uint32_t size = reader.U32();
  if (reader.ok() && size > kMaxFrame) return Err(Error::kTooLong);
  const ByteView frame = reader.Take(size);
  if (!reader.ok()) return Err(Error::kTruncated);
  begin_ += kFrameHeader + size;
  return frame;
}

}  // namespace keymast::server
