// SPDX-License-Identifier: Apache-2.0
// DumpIo runs a description from octets to fields as ReadIo does, and tells a sink of each.
#pragma once

#include "mikey/dump.h"

namespace keymast::mikey {

class DumpIo {
 public:
  // `base` is the offset in the message of the first octet that `reader` was given.
  DumpIo(Reader& reader, size_t base, FieldSink& sink)
      : io_(reader), reader_(reader), base_(base), sink_(sink) {}

  template <class T>
  void U8(const char* name, T& field) {
    const size_t offset = Here();
    io_.U8(name, field);
    Number(name, field, offset, 1);
  }
  template <class T>
  void U16(const char* name, T& field) {
    const size_t offset = Here();
    io_.U16(name, field);
    Number(name, field, offset, 2);
  }
  template <class T>
  void U32(const char* name, T& field) {
    const size_t offset = Here();
    io_.U32(name, field);
    Number(name, field, offset, 4);
  }
  template <class High, class Low>
  void Split8(const char* high_name, High& high, int bits, const char* low_name, Low& low) {
    const size_t offset = Here();
    io_.Split8(high_name, high, bits, low_name, low);
    Number(high_name, high, offset, 1, bits);
    Number(low_name, low, offset, 1, 8 - bits);
  }
  template <class High>
  void SplitSized16(const char* high_name, High& high, int bits, const char* name,
                    ByteView& field) {
    const size_t offset = Here();
    io_.SplitSized16(high_name, high, bits, name, field);
    Number(high_name, high, offset, 2, bits);
    Length(name, field, offset, 2, 16 - bits);
    Show(name, field);
  }
  void Octets(const char* name, ByteView& field, size_t length) {
    io_.Octets(name, field, length);
    Show(name, field);
  }
  void Sized8(const char* name, ByteView& field) {
    const size_t offset = Here();
    io_.Sized8(name, field);
    Length(name, field, offset, 1);
    Show(name, field);
  }
  void Sized16(const char* name, ByteView& field) {
    const size_t offset = Here();
    io_.Sized16(name, field);
    Length(name, field, offset, 2);
    Show(name, field);
  }
  void Rest(const char* name, ByteView& field) {
    io_.Rest(name, field);
    Show(name, field);
  }
  void Refuse(Error error) { io_.Refuse(error); }
  void Require(bool valid, Error error) { io_.Require(valid, error); }
  bool ok() const { return io_.ok(); }

  // Here is the offset in the message of the next octet; Shown the end of what the sink was told.
  size_t Here() const { return base_ + reader_.position(); }
  size_t Shown() const { return shown_; }

 private:
  template <class T>
  void Number(const char* name, const T& field, size_t offset, size_t length, int bits = 0) {
    if (!ok()) return;
    Field shown{name, Field::Kind::kNumber, offset, length, static_cast<uint8_t>(bits)};
    shown.number = static_cast<uint64_t>(field);
    if constexpr (!CodePointsOf<T>().empty()) {
      shown.kind = Field::Kind::kCode;
      if (const CodePoint* point = FindCodePoint(CodePointsOf<T>(), shown.number)) {
        shown.meaning = point->name;
        shown.source = point->source;
      }
    }
    Tell(shown);
  }

  void Length(const char* name, ByteView field, size_t offset, size_t length, int bits = 0) {
    if (!ok()) return;
    Field shown{name, Field::Kind::kLength, offset, length, static_cast<uint8_t>(bits)};
    shown.number = field.size();
    Tell(shown);
  }

  void Show(const char* name, ByteView field) {
    if (!ok() || field.empty()) return;
    Field shown{name, Field::Kind::kOctets, Here() - field.size(), field.size()};
    shown.octets = field;
    Tell(shown);
  }

  void Tell(const Field& field) {
    shown_ = field.offset + field.length;
    sink_.Add(field);
  }

  ReadIo io_;
  Reader& reader_;
  size_t base_;
  size_t shown_ = base_ + reader_.position();
  FieldSink& sink_;
};

}  // namespace keymast::mikey
