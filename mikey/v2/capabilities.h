// SPDX-License-Identifier: Apache-2.0
// What is inside a CAP payload (MIKEYv2 §3.3): each TLV described once, by a row of one table.
#pragma once

#include "mikey/message.h"

namespace keymast::mikey::v2 {

using Mode = ExchangeMode;

inline constexpr size_t kMaxRand = 32;  // octets of a RAND; kMinRand in mikey/wire.h
inline constexpr uint8_t kCapVersion = 1;
inline constexpr uint16_t kMinDatagram = 1232;  // octets of UDP payload that everybody takes
inline constexpr size_t kMaxTicket = 1024;
inline constexpr size_t kTicketIdSize = 16;
inline constexpr size_t kFreshSize = 16;
inline constexpr size_t kMinSessionId = 16;
inline constexpr size_t kMaxSessionId = 32;
inline constexpr size_t kMaxFragments = 8;
inline constexpr size_t kMaxStreams = 127;
inline constexpr size_t kStreamOctets = 5;

// Tlv is one triple as it stands in the payload.
struct Tlv {
  static constexpr const char* kClause = "MIKEYv2 §3.3";
  TlvType type = TlvType::kModes;
  ByteView value;

  template <class Io, class T>
  static void Describe(Io& io, T& tlv) {
    io.U8("tlv_type", tlv.type);
    io.Sized16("value", tlv.value);
  }
};

// StreamOffer is one entry of TLV `streams`.
struct StreamOffer {
  bool from_offerer = false;
  bool from_answerer = false;
  uint32_t ssrc = 0;  // of the Offerer's stream; 0: the Answerer draws it
  friend bool operator==(const StreamOffer&, const StreamOffer&) = default;
};

// Capabilities are the values of the TLVs, as views of their octets; empty: the TLV is not there.
struct Capabilities {
  ByteView modes;
  ByteView prf;
  ByteView encr;
  ByteView mac;
  ByteView groups;
  ByteView signatures;
  ByteView profiles;  // two octets each
  ByteView features;
  ByteView datagram;
  ByteView session;
  ByteView cookie;
  ByteView fresh;
  ByteView ticket;
  ByteView ticket_id;
  ByteView fragments;
  ByteView streams;

  bool Offers(Mode mode) const;
  bool OffersProfile(uint16_t profile) const;
  uint32_t Features() const;  // bits; none when the TLV is not there
  uint16_t Datagram() const;  // largest UDP payload taken
  size_t Fragments() const;   // taken; 0: no fragments
  size_t StreamCount() const { return streams.size() / kStreamOctets; }
  StreamOffer Stream(size_t index) const;
};

// TlvInfo is a row: what the value of a TLV may be.
struct TlvInfo {
  TlvType type;
  ByteView Capabilities::*field;
  uint16_t unit;   // octets of an item; the value is a whole number of them
  uint16_t least;  // octets
  uint16_t most;
  bool is_list;  // of distinct items, in order of preference
};
std::span<const TlvInfo> Tlvs();

// Contains is true when `list`, of one-octet numbers, has the number.
template <class E>
constexpr bool Contains(ByteView list, E number) {
  return std::ranges::find(list, static_cast<uint8_t>(number)) != list.end();
}

// ReadCapabilities is kMalformed for a value that its row does not allow, kUnknownVersion for
// another version of the payload. Unknown TLVs are skipped. Views point into the payload.
Result<Capabilities> ReadCapabilities(const CapPayload& payload);

// WriteCapabilities writes the TLVs that are there in their order, and returns their length:
// kTooLong when they do not fit.
Result<size_t> WriteCapabilities(const Capabilities& capabilities, MutableBytes out);

}  // namespace keymast::mikey::v2
