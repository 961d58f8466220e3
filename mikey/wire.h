// SPDX-License-Identifier: Apache-2.0
// Code points of RFC 3830 §6 that are not a choice of Profile3gpp, and the two directions in which
// a payload's description runs.
#pragma once

#include "base/cursor.h"
#include "base/ids.h"
#include "mikey/profile3gpp.h"

namespace keymast::mikey {

inline constexpr uint8_t kVersion1 = 1;  // RFC 3830 §6.1

enum class DataType : uint8_t { kPskInit = 0, kPskVerification = 1 };  // RFC 3830 §6.1

// PayloadType is the value of `next payload` (RFC 3830 §6.1).
enum class PayloadType : uint8_t {
  kLast = 0,
  kKemac = 1,
  kT = 5,
  kId = 6,
  kV = 9,
  kSp = 10,
  kRand = 11,
  kKeyData = 20,
  kExt = 21,
};

enum class TsType : uint8_t { kNtpUtc = 0, kNtp = 1, kCounter = 2 };  // RFC 3830 §6.6
enum class KvType : uint8_t { kNull = 0, kSpi = 1, kInterval = 2 };   // RFC 3830 §6.13
inline constexpr uint8_t kProtTypeSrtp = 0;                           // RFC 3830 §6.10
inline constexpr uint8_t kExtKeyIds = 3;                              // RFC 4563 §4
enum class KeyIdType : uint8_t { kDomain = 0, kMsk = 1, kMtk = 2 };   // RFC 4563 §4

// Limits of one message: no valid one of ours comes near them.
inline constexpr size_t kMaxMessage = 65507;  // what a UDP datagram over IPv4 holds
inline constexpr size_t kMaxPayloads = 64;
inline constexpr size_t kMaxIdentity = 255;
inline constexpr uint8_t kMaxCryptoSessions = 254;  // 0xff marks MIKEY's own keys, RFC 3830 §4.1.4
inline constexpr size_t kMinRand = 16;  // RFC 3830 §6.11 recommends it, opening requires it

// ReadIo runs a description from octets to fields. Views point into the octets read.
class ReadIo {
 public:
  explicit ReadIo(Reader& reader) : reader_(reader) {}
  template <class T>
  void U8(T& field) {
    field = static_cast<T>(reader_.U8());
  }
  void U32(uint32_t& field) { field = reader_.U32(); }
  // Two fields in one octet: the high `bits` of it, then the rest.
  template <class High, class Low>
  void Split8(High& high, Low& low, int bits) {
    const unsigned octet = reader_.U8();
    high = static_cast<High>(octet >> (8 - bits));
    low = static_cast<Low>(octet & ((1u << (8 - bits)) - 1));
  }
  void Octets(ByteView& field, size_t length) { field = reader_.Take(length); }
  void Sized8(ByteView& field) { field = reader_.Take(reader_.U8()); }
  void Sized16(ByteView& field) { field = reader_.Take(reader_.U16()); }

  // Refuse ends the read for a value that has no valid reading; the first reason counts.
  void Refuse(Error error) {
    if (!reader_.ok()) return;
    refusal_ = error;
    reader_.Take(reader_.remaining() + 1);
  }
  void Require(bool valid, Error error) {
    if (!valid) Refuse(error);
  }

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
  void U8(const T& field) {
    writer_.U8(static_cast<uint8_t>(field));
  }
  void U32(const uint32_t& field) { writer_.U32(field); }
  template <class High, class Low>
  void Split8(const High& high, const Low& low, int bits) {
    writer_.U8(static_cast<unsigned>(high) << (8 - bits) | static_cast<unsigned>(low));
  }
  void Octets(const ByteView& field, size_t length) {
    if (field.size() != length) return Refuse(Error::kMalformed);
    writer_.Put(field);
  }
  void Sized8(const ByteView& field) {
    if (field.size() > 0xff) return Refuse(Error::kTooLong);
    writer_.U8(field.size());
    writer_.Put(field);
  }
  void Sized16(const ByteView& field) {
    if (field.size() > 0xffff) return Refuse(Error::kTooLong);
    writer_.U16(field.size());
    writer_.Put(field);
  }
  void Refuse(Error) { writer_.Claim(SIZE_MAX); }
  void Require(bool valid, Error error) {
    if (!valid) Refuse(error);
  }

 private:
  Writer& writer_;
};

}  // namespace keymast::mikey
