// SPDX-License-Identifier: Apache-2.0
// A whole MIKEY message: common header and payload chain (RFC 3830 §5.2, §6.1). Parsing allocates
// nothing: views point into the octets given.
#pragma once

#include <array>
#include <new>
#include <span>
#include <type_traits>

#include "mikey/payloads.h"

namespace keymast::mikey {

// Header is HDR (RFC 3830 §6.1). `map` is the CS ID map info: 9 octets for each crypto session of
// an SRTP-ID map, nothing for the empty map (RFC 4563 §5).
struct Header {
  DataType data_type = DataType::kPskInit;
  bool v_flag = false;
  PrfFunc prf = PrfFunc::kMikey1;
  uint32_t csb_id = 0;
  uint8_t cs_count = 0;
  CsIdMapType map_type = CsIdMapType::kEmpty;
  ByteView map;
};
inline constexpr size_t kSrtpIdEntry = 9;  // policy, SSRC, ROC: RFC 3830 §6.1.1

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
    new (&slots_[size_ * sizeof(Payload)]) Payload(payload);
    ++size_;
  }

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

// ParseMessage reads a whole datagram: version, known payloads, limits, end of the chain. It does
// not judge which payloads a message may have: see grammar.h. Errors: kTooLong, kUnknownVersion,
// kUnknownDataType, kTruncated, kTrailingOctets, kUnknownPayload, kTooManyPayloads,
// kUnsupportedAlgorithm (a MAC, timestamp or map of unknown length), kMalformed.
Status ParseMessage(ByteView octets, Message& message);

// WriteMessage writes a parsed message back; the result equals what was parsed. kTooLong when it
// does not fit in `out`.
Result<size_t> WriteMessage(const Message& message, MutableBytes out);

// ParseKeyData reads the chain of Key data sub-payloads that must fill `plain`, and returns how
// many there are. The views point into `plain`. kMalformed for anything else, also more than fit.
Result<size_t> ParseKeyData(ByteView plain, std::span<KeyDataPayload> out);

// WriteKeyData writes one Key data sub-payload, the last of its chain; returns its length.
Result<size_t> WriteKeyData(const KeyDataPayload& key_data, MutableBytes out);

// ChainWriter writes header and payloads; every `next payload` octet is filled in when the
// following payload is known.
class ChainWriter {
 public:
  ChainWriter(MutableBytes out, const Header& header);

  template <class P>
  void Add(const P& payload) {
    Link(P::kType);
    next_at_ = writer_.size();
    writer_.U8(static_cast<uint8_t>(PayloadType::kLast));
    WriteIo io(writer_);
    P::Describe(io, payload);
  }

  bool ok() const { return writer_.ok(); }
  size_t size() const { return writer_.size(); }
  // Head is what was written but for its last `tail` octets; Tail is those, for a MAC that covers
  // the head.
  ByteView Head(size_t tail) const { return writer_.written().first(size() - tail); }
  MutableBytes Tail(size_t tail) { return out_.subspan(size() - tail, tail); }

 private:
  void Link(PayloadType type);
  MutableBytes out_;
  Writer writer_;
  size_t next_at_;
};

}  // namespace keymast::mikey
