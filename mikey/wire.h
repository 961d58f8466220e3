// SPDX-License-Identifier: Apache-2.0
// Limits of a message, and the two directions in which a payload's description runs. A description
// names each field, in the order of the RFC's figure, to an `Io`: ReadIo, WriteIo, or DumpIo
// (dump.h), which shows what it reads. Names cost nothing where they are not used.
#pragma once

#include <optional>

#include "base/cursor.h"
#include "base/ids.h"
#include "base/small.h"
#include "mikey/code_points.h"

namespace keymast::mikey {

inline constexpr uint8_t kVersion1 = 1;  // RFC 3830 §6.1
inline constexpr uint8_t kVersion2 = 2;  // docs/mikeyv2.md, cited as MIKEYv2 throughout the code

// No valid message of ours comes near these.
inline constexpr size_t kMaxMessage = 65507;  // what a UDP datagram over IPv4 holds
inline constexpr size_t kMaxMessage2 = 9856;  // of version 2, reassembled (MIKEYv2 §14)
inline constexpr size_t kMaxPayloads = kSmall ? 20 : 64;
inline constexpr size_t kMaxIdentity = kSmall ? 64 : 255;
inline constexpr size_t kMaxCertificates = 4;
inline constexpr uint8_t kMaxCryptoSessions = 254;  // 0xff marks MIKEY's own keys, RFC 3830 §4.1.4
inline constexpr size_t kMinRand = 16;  // RFC 3830 §6.11 recommends it, opening requires it

// PayloadInfo is the head of a payload's description.
struct PayloadInfo {
  PayloadType type;
  const char* clause;
};

// ReadIo runs a description from octets to fields. Views point into the octets read.
class ReadIo {
 public:
  explicit ReadIo(Reader& reader) : reader_(reader) {}
  template <class T>
  void U8(const char*, T& field) {
    field = static_cast<T>(reader_.U8());
  }
  template <class T>
  void U16(const char*, T& field) {
    field = static_cast<T>(reader_.U16());
  }
  template <class T>
  void U32(const char*, T& field) {
    field = static_cast<T>(reader_.U32());
  }
  // Two fields in one octet: the high `bits` of it, then the rest.
  template <class High, class Low>
  void Split8(const char*, High& high, int bits, const char*, Low& low) {
    const unsigned octet = reader_.U8();
    high = static_cast<High>(octet >> (8 - bits));
    low = static_cast<Low>(octet & ((1u << (8 - bits)) - 1));
  }
  // The high `bits` of 16, then the length of `field` in the rest.
  template <class High>
  void SplitSized16(const char*, High& high, int bits, const char*, ByteView& field) {
    const unsigned word = reader_.U16();
    high = static_cast<High>(word >> (16 - bits));
    field = reader_.Take(word & ((1u << (16 - bits)) - 1));
  }
  void Octets(const char*, ByteView& field, size_t length) { field = reader_.Take(length); }
  void Sized8(const char*, ByteView& field) { field = reader_.Take(reader_.U8()); }
  void Sized16(const char*, ByteView& field) { field = reader_.Take(reader_.U16()); }
  void Rest(const char*, ByteView& field) { field = reader_.Take(reader_.remaining()); }

  // Refuse ends the read for a value that has no valid reading; the first reason counts.
  void Refuse(Error error) {
    if (!reader_.ok()) return;
    refusal_ = error;
    reader_.Take(reader_.remaining() + 1);
  }
  void Require(bool valid, Error error) {
    if (!valid) Refuse(error);
  }

  bool ok() const { return reader_.ok(); }
  std::optional<Error> refusal() const { return refusal_; }

  // Finish is the reason of a refusal, kTruncated, kTrailingOctets or success.
  Status Finish() const {
    if (refusal_) return Err(*refusal_);
    return reader_.Finish();
  }

 private:
  Reader& reader_;
  std::optional<Error> refusal_;
};

// WriteIo runs the same description from fields to octets. What cannot be written leaves the
// writer failed.
class WriteIo {
 public:
  explicit WriteIo(Writer& writer) : writer_(writer) {}
  template <class T>
  void U8(const char*, const T& field) {
    writer_.U8(static_cast<uint8_t>(field));
  }
  template <class T>
  void U16(const char*, const T& field) {
    writer_.U16(static_cast<uint16_t>(field));
  }
  template <class T>
  void U32(const char*, const T& field) {
    writer_.U32(static_cast<uint32_t>(field));
  }
  template <class High, class Low>
  void Split8(const char*, const High& high, int bits, const char*, const Low& low) {
    const auto upper = static_cast<unsigned>(high);
    const auto lower = static_cast<unsigned>(low);
    if (upper >> bits != 0 || lower >> (8 - bits) != 0) return Refuse(Error::kMalformed);
    writer_.U8(upper << (8 - bits) | lower);
  }
  template <class High>
  void SplitSized16(const char*, const High& high, int bits, const char*, const ByteView& field) {
    const auto upper = static_cast<unsigned>(high);
    if (upper >> bits != 0 || field.size() >> (16 - bits) != 0) return Refuse(Error::kTooLong);
    writer_.U16(upper << (16 - bits) | field.size());
    writer_.Put(field);
  }
  void Octets(const char*, const ByteView& field, size_t length) {
    if (field.size() != length) return Refuse(Error::kMalformed);
    writer_.Put(field);
  }
  void Sized8(const char*, const ByteView& field) {
    if (field.size() > 0xff) return Refuse(Error::kTooLong);
    writer_.U8(field.size());
    writer_.Put(field);
  }
  void Sized16(const char*, const ByteView& field) {
    if (field.size() > 0xffff) return Refuse(Error::kTooLong);
    writer_.U16(field.size());
    writer_.Put(field);
  }
  void Rest(const char*, const ByteView& field) { writer_.Put(field); }
  void Refuse(Error) { writer_.Claim(SIZE_MAX); }
  void Require(bool valid, Error error) {
    if (!valid) Refuse(error);
  }
  bool ok() const { return writer_.ok(); }

 private:
  Writer& writer_;
};

}  // namespace keymast::mikey
