// SPDX-License-Identifier: Apache-2.0
// The payloads, each described once: `Describe` lists the fields in the order of the RFC's figure
// and serves for reading, writing and showing. The `next payload` octet belongs to the chain
// (message.h). A new payload is a struct, its name in `Payload` (message.h) and its rows in
// grammar.cc.
#pragma once

#include <algorithm>
#include <array>
#include <type_traits>

#include "mikey/params.h"
#include "mikey/wire.h"

namespace keymast::mikey {

// DescribeImplied is a field whose length only an algorithm's number tells: no chain can be
// followed past an unknown one. Inline: where it is a call, all that a payload has read goes
// through memory.
template <class Io, class View>
inline void DescribeImplied(Io& io, const char* name, View& field, std::optional<size_t> length) {
  if (!length) return io.Refuse(Error::kUnsupportedAlgorithm);
  io.Octets(name, field, *length);
}

// Length of a T or TR payload's value; nothing when unknown.
constexpr std::optional<size_t> TimeLength(TsType type) {
  switch (type) {
    case TsType::kNtpUtc:
    case TsType::kNtp:
      return 8;
    case TsType::kCounter:
    case TsType::kNtpUtc32:
      return 4;
  }
  return std::nullopt;
}

// Length of a CHASH payload's hash; nothing when unknown.
constexpr std::optional<size_t> HashLength(HashFunc hash) {
  switch (hash) {
    case HashFunc::kSha1:
      return 20;
    case HashFunc::kMd5:
      return 16;
    case HashFunc::kSha256:
      return 32;
  }
  return std::nullopt;
}

// T (RFC 3830 §6.6).
struct TPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kT, "RFC 3830 §6.6"};
  TsType ts_type = TsType::kCounter;
  ByteView value;  // 8 octets, or 4 of a COUNTER or NTP-UTC-32

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("ts_type", p.ts_type);
    DescribeImplied(io, "ts_value", p.value, TimeLength(p.ts_type));
  }
};

// FullTime is T with 64 bits, as it enters an IV: a COUNTER is padded on the left (RFC 3830 §6.6),
// NTP-UTC-32 gets a fraction of zeros (RFC 6043 §6.3). The value has the length of its type.
inline std::array<uint8_t, 8> FullTime(const TPayload& t) {
  std::array<uint8_t, 8> full{};
  const size_t start = t.ts_type == TsType::kCounter ? full.size() - t.value.size() : 0;
  std::copy(t.value.begin(), t.value.end(), full.begin() + static_cast<ptrdiff_t>(start));
  return full;
}

// RAND (RFC 3830 §6.11).
struct RandPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kRand, "RFC 3830 §6.11"};
  ByteView rand;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.Sized8("rand", p.rand);
  }
};

// ID (RFC 3830 §6.7).
struct IdPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kId, "RFC 3830 §6.7"};
  IdType id_type = IdType::kNai;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("id_type", p.id_type);
    io.Sized16("id", p.data);
    io.Require(p.data.size() <= kMaxIdentity, Error::kTooLong);
  }
};

// CERT (RFC 3830 §6.7): one certificate of a chain, DER, or the URL of one.
struct CertPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kCert, "RFC 3830 §6.7"};
  CertType cert_type = CertType::kX509;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("cert_type", p.cert_type);
    io.Sized16("certificate", p.data);
  }
};

// CHASH (RFC 3830 §6.8): which of its certificates the receiver is to use.
struct ChashPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kChash, "RFC 3830 §6.8"};
  HashFunc hash_func = HashFunc::kSha1;
  ByteView hash;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("hash_func", p.hash_func);
    DescribeImplied(io, "hash", p.hash, HashLength(p.hash_func));
  }
};

// SP (RFC 3830 §6.10); the parameters are type, length, value triples (params.h).
struct SpPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kSp, "RFC 3830 §6.10"};
  uint8_t policy = 0;
  ProtType prot_type = ProtType::kSrtp;
  ByteView params;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("policy_no", p.policy);
    io.U8("prot_type", p.prot_type);
    io.Sized16("params", p.params);
    // Of what comes from outside: who writes has made them of params.h, once for every member.
    if constexpr (!std::is_same_v<Io, WriteIo>) {
      io.Require(IsParamChain(p.params), Error::kMalformed);
    }
  }
};

// SIGN (RFC 3830 §6.5) closes a message: it has no `next payload`.
struct SignPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kSign, "RFC 3830 §6.5"};
  SignatureType s_type = SignatureType::kRsaPkcs1;
  ByteView signature;  // at most 4,095 octets

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.SplitSized16("s_type", p.s_type, 4, "signature", p.signature);
  }
};

// ERR (RFC 3830 §6.12).
struct ErrPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kErr, "RFC 3830 §6.12"};
  ErrorNumber error_no = ErrorNumber::kUnspecified;
  uint16_t reserved = 0;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("error_no", p.error_no);
    io.U16("reserved", p.reserved);
  }
};

// General extension (RFC 3830 §6.15); data of types that we do not know is kept as it came.
struct ExtPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kExt, "RFC 3830 §6.15"};
  ExtType ext_type = ExtType::kVendorId;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("ext_type", p.ext_type);
    io.Sized16("data", p.data);
  }
};

// TR (RFC 6043 §6.4): a time with a role.
struct TrPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kTr, "RFC 6043 §6.4"};
  TsRole role = TsRole::kIssue;
  TsType ts_type = TsType::kNtpUtc;
  ByteView value;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("ts_role", p.role);
    io.U8("ts_type", p.ts_type);
    DescribeImplied(io, "ts_value", p.value, TimeLength(p.ts_type));
  }
};

// IDR (RFC 6043 §6.6): an identity with a role.
struct IdrPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kIdr, "RFC 6043 §6.6"};
  IdRole role = IdRole::kInitiator;
  IdType id_type = IdType::kNai;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("id_role", p.role);
    io.U8("id_type", p.id_type);
    io.Sized16("id", p.data);
    io.Require(p.data.size() <= kMaxIdentity, Error::kTooLong);
  }
};

// RANDR (RFC 6043 §6.8): a RAND with a role.
struct RandrPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kRandr, "RFC 6043 §6.8"};
  RandRole role = RandRole::kInitiator;
  ByteView rand;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("rand_role", p.role);
    io.Sized8("rand", p.rand);
  }
};

}  // namespace keymast::mikey
