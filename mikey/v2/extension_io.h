// SPDX-License-Identifier: Apache-2.0
// A described extension (extensions.h) from and to the data of an EXT payload.
#pragma once

#include "mikey/message.h"

namespace keymast::mikey::v2 {

// ReadExtension is true when the description fills the data to its end.
template <class T>
bool ReadExtension(const ExtPayload& ext, T& value) {
  Reader reader(ext.data);
  ReadIo io(reader);
  T::Describe(io, value);
  return io.Finish().has_value();
}

// WrittenExtension holds the data of an EXT payload, at most Capacity octets: what a description
// writes must fit.
template <class T, size_t Capacity = 64>
class WrittenExtension {
 public:
  WrittenExtension(ExtType type, const T& value) : type_(type) {
    Writer writer(octets_);
    WriteIo io(writer);
    T::Describe(io, value);
    KEYMAST_CHECK(writer.ok());
    size_ = writer.size();
  }
  WrittenExtension(const WrittenExtension&) = delete;
  WrittenExtension& operator=(const WrittenExtension&) = delete;

  // The payload's view lives as long as this.
  ExtPayload payload() const { return {type_, ByteView(octets_).first(size_)}; }

 private:
  ExtType type_;
  std::array<uint8_t, Capacity> octets_{};
  size_t size_ = 0;
};

}  // namespace keymast::mikey::v2
