// SPDX-License-Identifier: Apache-2.0
// A whole MIKEY message: common header and payload chain (RFC 3830 §5.2, §6.1). Parsing allocates
// nothing: views point into the octets given.
#pragma once

#include <array>
#include <span>

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

// Message holds what was parsed; payloads in the order of the chain.
struct Message {
  Header header;
  std::array<Payload, kMaxPayloads> payloads;
  size_t count = 0;

  std::span<const Payload> chain() const { return std::span(payloads).first(count); }

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
// kUnknownDataType, kTruncated, kTrailingOctets, kUnknownPayload, kTooManyPayloads, kMalformed.
Status ParseMessage(ByteView octets, Message& message);

// ParseKeyData reads one Key data sub-payload that must fill `plain` (one key a KEMAC is all that
// MSK and MTK messages carry). The views point into `plain`. kMalformed for anything else.
Result<KeyDataPayload> ParseKeyData(ByteView plain);

// ChainWriter writes header and payloads; every `next payload` octet is filled in when the
// following payload is known.
class ChainWriter {
 public:
  ChainWriter(MutableBytes out, const Header& header);

  template <class P>
  void Add(const P& payload) {
    Link(P::kType);
    next_at_ = writer_.size();
    writer_.U8(0);
    WriteIo io(writer_);
    Describe(io, payload);
  }

  Writer& writer() { return writer_; }
  bool ok() const { return writer_.ok(); }
  size_t size() const { return writer_.size(); }

 private:
  void Link(PayloadType type);
  MutableBytes out_;
  Writer writer_;
  size_t next_at_;
};

}  // namespace keymast::mikey
