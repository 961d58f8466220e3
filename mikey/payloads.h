// SPDX-License-Identifier: Apache-2.0
// The payloads, each described once: `Describe` lists the fields in the order of the RFC's figure
// and serves for reading and for writing. The `next payload` octet belongs to the chain
// (message.h). A new payload is a struct here, its name in `Payload` below and its rows in
// grammar.cc.
#pragma once

#include <optional>
#include <variant>

#include "mikey/wire.h"

namespace keymast::mikey {

// Length of a MAC or of a V payload's data (RFC 3830 §6.2, RFC 6043 §6.2); nothing when unknown.
inline std::optional<size_t> MacLength(MacAlg alg) {
  switch (alg) {
    case MacAlg::kNull:
      return 0;
    case MacAlg::kHmacSha1_160:
      return 20;
    case MacAlg::kHmacSha256_256:
      return 32;
  }
  return std::nullopt;
}

// DescribeMac is a MAC whose length only its algorithm tells: no chain can be followed past an
// unknown one.
template <class Io, class Mac>
void DescribeMac(Io& io, MacAlg alg, Mac& mac) {
  const std::optional<size_t> length = MacLength(alg);
  if (!length) return io.Refuse(Error::kUnsupportedAlgorithm);
  io.Octets(mac, *length);
}

// T (RFC 3830 §6.6).
struct TPayload {
  static constexpr PayloadType kType = PayloadType::kT;
  TsType ts_type = TsType::kCounter;
  ByteView value;  // 8 octets, or 4 of a COUNTER

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8(p.ts_type);
    switch (p.ts_type) {
      case TsType::kNtpUtc:
      case TsType::kNtp:
        return io.Octets(p.value, 8);
      case TsType::kCounter:
        return io.Octets(p.value, 4);
    }
    io.Refuse(Error::kUnsupportedAlgorithm);
  }
};

// RAND (RFC 3830 §6.11).
struct RandPayload {
  static constexpr PayloadType kType = PayloadType::kRand;
  ByteView rand;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.Sized8(p.rand);
  }
};

// ID (RFC 3830 §6.7).
struct IdPayload {
  static constexpr PayloadType kType = PayloadType::kId;
  IdType id_type = IdType::kNai;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8(p.id_type);
    io.Sized16(p.data);
    io.Require(p.data.size() <= kMaxIdentity, Error::kTooLong);
  }
};

// SP (RFC 3830 §6.10); the parameters are type, length, value triples.
struct SpPayload {
  static constexpr PayloadType kType = PayloadType::kSp;
  uint8_t policy = 0;
  uint8_t prot_type = kProtTypeSrtp;
  ByteView params;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8(p.policy);
    io.U8(p.prot_type);
    io.Sized16(p.params);
  }
};

// KEMAC (RFC 3830 §6.2).
struct KemacPayload {
  static constexpr PayloadType kType = PayloadType::kKemac;
  EncrAlg encr_alg = EncrAlg::kAesCm128;
  ByteView encr_data;
  MacAlg mac_alg = MacAlg::kHmacSha1_160;
  ByteView mac;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8(p.encr_alg);
    io.Sized16(p.encr_data);
    io.U8(p.mac_alg);
    DescribeMac(io, p.mac_alg, p.mac);
  }
};

// V (RFC 3830 §6.9).
struct VPayload {
  static constexpr PayloadType kType = PayloadType::kV;
  MacAlg auth_alg = MacAlg::kHmacSha1_160;
  ByteView ver_data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8(p.auth_alg);
    DescribeMac(io, p.auth_alg, p.ver_data);
  }
};

// General extension (RFC 3830 §6.15); data of types we do not know is kept as it came.
struct ExtPayload {
  static constexpr PayloadType kType = PayloadType::kExt;
  uint8_t ext_type = 0;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8(p.ext_type);
    io.Sized16(p.data);
  }
};

// Key data (RFC 3830 §6.13), only inside a KEMAC: type and KV share an octet, KV in the low nibble.
struct KeyDataPayload {
  static constexpr PayloadType kType = PayloadType::kKeyData;
  KeyDataType type = KeyDataType::kTgk;
  KvType kv = KvType::kNull;
  ByteView key;
  ByteView salt;  // only of the +SALT types
  ByteView spi;   // KV SPI
  ByteView from;  // KV interval
  ByteView to;
  bool HasSalt() const { return type == KeyDataType::kTgkSalt || type == KeyDataType::kTekSalt; }

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.Split8(p.type, p.kv, 4);
    io.Require(p.type <= KeyDataType::kTekSalt, Error::kUnsupportedAlgorithm);
    io.Sized16(p.key);
    if (p.HasSalt()) io.Sized16(p.salt);
    switch (p.kv) {
      case KvType::kNull:
        return;
      case KvType::kSpi:
        return io.Sized8(p.spi);  // RFC 3830 §6.14
      case KvType::kInterval:
        io.Sized8(p.from);
        return io.Sized8(p.to);
    }
    io.Refuse(Error::kUnsupportedAlgorithm);
  }
};

// Payload is any payload that may stand in a message's chain.
using Payload =
    std::variant<TPayload, RandPayload, IdPayload, SpPayload, KemacPayload, VPayload, ExtPayload>;

inline PayloadType TypeOf(const Payload& payload) {
  return std::visit([](const auto& p) { return std::decay_t<decltype(p)>::kType; }, payload);
}

}  // namespace keymast::mikey
