// SPDX-License-Identifier: Apache-2.0
// The payloads that carry, wrap, agree on or prove the knowledge of keys. See payloads.h for how
// they are described.
#pragma once

#include "mikey/payloads.h"

namespace keymast::mikey {

// Length of a MAC or of a V payload's data; nothing when unknown.
constexpr std::optional<size_t> MacLength(MacAlg alg) {
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

// Length of a public DH value; nothing when unknown.
constexpr std::optional<size_t> DhValueLength(DhGroup group) {
  switch (group) {
    case DhGroup::kOakley5:
      return 192;
    case DhGroup::kOakley1:
      return 96;
    case DhGroup::kOakley2:
      return 128;
    case DhGroup::kSecp256r1:
      return 65;
    case DhGroup::kX25519:
      return 32;
  }
  return std::nullopt;
}

// KEMAC (RFC 3830 §6.2).
struct KemacPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kKemac, "RFC 3830 §6.2"};
  EncrAlg encr_alg = EncrAlg::kAesCm128;
  ByteView encr_data;
  MacAlg mac_alg = MacAlg::kHmacSha1_160;
  ByteView mac;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("encr_alg", p.encr_alg);
    io.Sized16("encr_data", p.encr_data);
    io.U8("mac_alg", p.mac_alg);
    DescribeImplied(io, "mac", p.mac, MacLength(p.mac_alg));
  }
};

// V (RFC 3830 §6.9).
struct VPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kV, "RFC 3830 §6.9"};
  MacAlg auth_alg = MacAlg::kHmacSha1_160;
  ByteView ver_data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("auth_alg", p.auth_alg);
    DescribeImplied(io, "ver_data", p.ver_data, MacLength(p.auth_alg));
  }
};

// PKE (RFC 3830 §6.3): an envelope key under the receiver's public key.
struct PkePayload {
  static constexpr PayloadInfo kInfo{PayloadType::kPke, "RFC 3830 §6.3"};
  Cache cache = Cache::kNone;
  ByteView data;  // at most 16,383 octets

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.SplitSized16("cache", p.cache, 2, "data", p.data);
  }
};

// Validity of a key (RFC 3830 §6.14); for SRTP the SPI is the MKI.
struct KeyValidity {
  KvType type = KvType::kNull;
  ByteView spi;
  ByteView from;  // of an interval
  ByteView to;

  template <class Io, class T>
  static void Describe(Io& io, T& kv) {
    switch (kv.type) {
      case KvType::kNull:
        return;
      case KvType::kSpi:
        return io.Sized8("spi", kv.spi);
      case KvType::kInterval:
        io.Sized8("valid_from", kv.from);
        return io.Sized8("valid_to", kv.to);
    }
    io.Refuse(Error::kUnsupportedAlgorithm);
  }
};

// DH (RFC 3830 §6.4): a public value and how long the key is valid that follows from it.
struct DhPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kDh, "RFC 3830 §6.4"};
  DhGroup group = DhGroup::kOakley5;
  ByteView value;
  uint8_t reserved = 0;  // 4 bits
  KeyValidity kv;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("dh_group", p.group);
    DescribeImplied(io, "dh_value", p.value, DhValueLength(p.group));
    io.Split8("reserved", p.reserved, 4, "kv", p.kv.type);
    KeyValidity::Describe(io, p.kv);
  }
};

// HasSalt tells whether a type of key data carries salt fields.
constexpr bool HasSalt(KeyDataType type) {
  return type == KeyDataType::kTgkSalt || type == KeyDataType::kTekSalt ||
         type == KeyDataType::kGtgkSalt || type == KeyDataType::kMtk;
}

// Key data (RFC 3830 §6.13), only inside a KEMAC: type and KV share an octet, KV in the low nibble.
// Whether a type without number has salt fields nobody knows: it cannot be read.
struct KeyDataPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kKeyData, "RFC 3830 §6.13"};
  KeyDataType type = KeyDataType::kTgk;
  ByteView key;
  ByteView salt;  // only of the +SALT types and of an MTK
  KeyValidity kv;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.Split8("type", p.type, 4, "kv", p.kv.type);
    io.Require(p.type <= KeyDataType::kTicket, Error::kUnsupportedAlgorithm);
    io.Sized16("key", p.key);
    if (HasSalt(p.type)) io.Sized16("salt", p.salt);
    KeyValidity::Describe(io, p.kv);
  }
};

}  // namespace keymast::mikey
