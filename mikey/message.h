// SPDX-License-Identifier: Apache-2.0
// A whole MIKEY message: common header and payload chain (RFC 3830 §5.2, §6.1). Parsing allocates
// nothing: views point into the octets given.
#pragma once

#include <array>
#include <new>
#include <span>
#include <type_traits>
#include <variant>

#include "mikey/cs_map.h"
#include "mikey/key_payloads.h"
#include "mikey/v2/payloads.h"

namespace keymast::mikey {

// Header is HDR (RFC 3830 §6.1, MIKEYv2 §3.1) without `next payload`, which belongs to the chain.
struct Header {
  static constexpr const char* kClause = "RFC 3830 §6.1";
  uint8_t version = kVersion1;
  DataType data_type = DataType::kPskInit;
  bool v_flag = false;
  PrfFunc prf = PrfFunc::kMikey1;
  uint32_t csb_id = 0;
  uint8_t cs_count = 0;
  CsIdMapType map_type = CsIdMapType::kEmpty;
  ByteView map;  // CS ID map info: `cs_count` entries of cs_map.h, nothing for the empty map
};

// OpaquePayload is a payload whose end cannot be found, with all that follows it: its type is not
// ours, or it has an algorithm that would have to tell its length. It is kept, never understood.
struct OpaquePayload {
  PayloadType type = PayloadType::kLast;
  ByteView rest;                          // from its `next payload` octet to the end of the message
  Error reason = Error::kUnknownPayload;  // or kUnsupportedAlgorithm
};

// Payload is any payload that may stand in a message's chain.
using Payload = std::variant<TPayload, SpPayload, RandPayload, KemacPayload, IdPayload, ExtPayload,
                             VPayload, CertPayload, DhPayload, PkePayload, ChashPayload, ErrPayload,
                             TrPayload, IdrPayload, RandrPayload, CapPayload, PaddingPayload,
                             FragmentPayload, SignPayload, OpaquePayload>;

template <class P>
constexpr PayloadType TypeOf(const P&) {
  return P::kInfo.type;
}
inline PayloadType TypeOf(const OpaquePayload& payload) { return payload.type; }
inline PayloadType TypeOf(const Payload& payload) {
  return std::visit([](const auto& p) { return TypeOf(p); }, payload);
}

// PayloadChain holds payloads in place, in their order. A slot is constructed only when a payload
// comes: clearing 64 of them would cost more than parsing a message.
class PayloadChain {
 public:
  PayloadChain() = default;
  PayloadChain(const PayloadChain&) = delete;
  PayloadChain& operator=(const PayloadChain&) = delete;

  bool full() const { return size_ == kMaxPayloads; }
  size_t size() const { return size_; }
  std::span<const Payload> view() const {
    if (size_ == 0) return {};
    return {std::launder(reinterpret_cast<const Payload*>(slots_.data())), size_};
  }
  void Clear() { size_ = 0; }
  template <class P>
  void Add(const P& payload) {
    Draft<P>() = payload;
    Commit();
  }
  // Draft makes an empty payload behind the last one, which counts from Commit on.
  template <class P>
  P& Draft() {
    return std::get<P>(*new (&slots_[size_ * sizeof(Payload)]) Payload(std::in_place_type<P>));
  }
  void Commit() { ++size_; }

 private:
  static_assert(std::is_trivially_destructible_v<Payload>);
  alignas(Payload) std::array<std::byte, sizeof(Payload) * kMaxPayloads> slots_;
  size_t size_ = 0;
};

// Message holds what was parsed.
struct Message {
  Header header;
  PayloadChain payloads;

  std::span<const Payload> chain() const { return payloads.view(); }

  // Get returns the `index`th payload of a type, or null.
  template <class P>
  const P* Get(size_t index = 0) const {
    for (const Payload& payload : chain()) {
      if (const P* found = std::get_if<P>(&payload)) {
        if (index-- == 0) return found;
      }
    }
    return nullptr;
  }
};

// ParseMessage reads a whole datagram: version, payloads, limits, end of the chain. It does not
// judge which payloads a message may have: see grammar.h. A payload that cannot be understood ends
// the chain as OpaquePayload. Errors: kTooLong, kUnknownVersion, kTruncated, kTrailingOctets,
// kTooManyPayloads, kMalformed.
Status ParseMessage(ByteView octets, Message& message);

// WriteMessage writes a parsed message back; the result equals what was parsed. kTooLong when it
// does not fit in `out`.
Result<size_t> WriteMessage(const Message& message, MutableBytes out);

// SIGN has no `next payload`: nothing can follow it (RFC 3830 §6.5).
constexpr bool HasNext(PayloadType type) { return type != PayloadType::kSign; }

// ChainWriter writes header and payloads; every `next payload` octet is filled in when the
// following payload is known.
class ChainWriter {
 public:
  ChainWriter(MutableBytes out, const Header& header);

  template <class P>
  void Add(const P& payload) {
    Begin(P::kInfo.type);
    WriteIo io(writer_);
    P::Describe(io, payload);
  }
  void Add(const OpaquePayload& payload) {
    Link(payload.type);
    writer_.Put(payload.rest);
  }

  bool ok() const { return writer_.ok(); }
  size_t size() const { return writer_.size(); }
  // Head is what was written but for its last `tail` octets; Tail is those, for a MAC or signature
  // that covers the head.
  ByteView Head(size_t tail) const { return writer_.written().first(size() - tail); }
  MutableBytes Tail(size_t tail) { return out_.subspan(size() - tail, tail); }
  // Since is what was written from an offset on.
  MutableBytes Since(size_t offset) { return out_.subspan(offset, size() - offset); }

 private:
  void Link(PayloadType type);
  // Not out of line: it is a part of each payload's writing that counts (bench/run msk).
  void Begin(PayloadType type) {
    Link(type);
    if (!HasNext(type)) return;
    next_at_ = writer_.size();
    writer_.U8(static_cast<uint8_t>(PayloadType::kLast));
  }
  MutableBytes out_;
  Writer writer_;
  size_t next_at_;
};

// IsOfVersion is true when a version has payloads of a type: version 1 keeps the private numbers
// that version 2 uses as opaque.
constexpr bool IsOfVersion(PayloadType type, uint8_t version) {
  return version == kVersion2 || type < PayloadType::kCap;
}

// DescribeHeader describes what follows `next payload` in HDR, but for the entries of the map.
template <class Io, class H>
inline void DescribeHeader(Io& io, H& header) {
  io.Split8("v", header.v_flag, 1, "prf_func", header.prf);
  io.U32("csb_id", header.csb_id);
  io.U8("cs_count", header.cs_count);
  io.U8("cs_id_map_type", header.map_type);
  io.Require(header.cs_count <= kMaxCryptoSessions, Error::kMalformed);
}

// MapLength is the length of the CS ID map info that `octets` begins with: nothing for a map type
// without number, whose end nobody knows. It may be more than there is.
std::optional<size_t> MapLength(const Header& header, ByteView octets);

}  // namespace keymast::mikey
