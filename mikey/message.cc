// SPDX-License-Identifier: Apache-2.0
#include "mikey/message.h"

#include <utility>

namespace keymast::mikey {
namespace {

constexpr size_t kNextPayloadAt = 2;  // of HDR, RFC 3830 §6.1

// DescribeHeader leaves out version, data type and next payload, which the chain needs first.
template <class Io, class H>
void DescribeHeader(Io& io, H& header) {
  io.Split8(header.v_flag, header.prf, 1);
  io.U32(header.csb_id);
  io.U8(header.cs_count);
  io.U8(header.map_type);
  io.Require(header.cs_count <= kMaxCryptoSessions, Error::kMalformed);
  switch (header.map_type) {
    case CsIdMapType::kSrtpId:
      return io.Octets(header.map, kSrtpIdEntry * header.cs_count);  // RFC 3830 §6.1.1
    case CsIdMapType::kEmpty:
      return;  // RFC 4563 §5: no map info, whatever #CS says
  }
  io.Refuse(Error::kUnsupportedAlgorithm);
}

template <class P>
bool ReadInto(ReadIo& io, PayloadChain& chain) {
  P payload;
  P::Describe(io, payload);
  chain.Add(payload);
  return true;
}

// ReadPayload is false for a type that `Payload` does not list.
template <size_t... I>
bool ReadPayload(PayloadType type, ReadIo& io, PayloadChain& chain, std::index_sequence<I...>) {
  return ((type == std::variant_alternative_t<I, Payload>::kType &&
           ReadInto<std::variant_alternative_t<I, Payload>>(io, chain)) ||
          ...);
}
constexpr auto kPayloadIndexes = std::make_index_sequence<std::variant_size_v<Payload>>();

Status ReadChain(Reader& reader, ReadIo& io, PayloadType next, PayloadChain& chain) {
  while (reader.ok() && next != PayloadType::kLast) {
    if (chain.full()) return Err(Error::kTooManyPayloads);
    const PayloadType type = next;
    next = static_cast<PayloadType>(reader.U8());
    if (!ReadPayload(type, io, chain, kPayloadIndexes)) return Err(Error::kUnknownPayload);
  }
  return io.Finish();
}

}  // namespace

Status ParseMessage(ByteView octets, Message& message) {
  message.header = {};
  message.payloads.Clear();
  if (octets.size() > kMaxMessage) return Err(Error::kTooLong);
  if (octets.size() <= kNextPayloadAt) return Err(Error::kTruncated);
  Reader reader(octets);
  ReadIo io(reader);
  if (reader.U8() != kVersion1) return Err(Error::kUnknownVersion);
  message.header.data_type = static_cast<DataType>(reader.U8());
  if (message.header.data_type > DataType::kPskVerification) return Err(Error::kUnknownDataType);
  const auto next = static_cast<PayloadType>(reader.U8());
  DescribeHeader(io, message.header);
  return ReadChain(reader, io, next, message.payloads);
}

Result<size_t> WriteMessage(const Message& message, MutableBytes out) {
  ChainWriter writer(out, message.header);
  for (const Payload& payload : message.chain()) {
    std::visit([&writer](const auto& p) { writer.Add(p); }, payload);
  }
  if (!writer.ok()) return Err(Error::kTooLong);
  return writer.size();
}

Result<size_t> ParseKeyData(ByteView plain, std::span<KeyDataPayload> out) {
  Reader reader(plain);
  ReadIo io(reader);
  PayloadType next = PayloadType::kKeyData;
  size_t count = 0;
  while (reader.ok() && next == PayloadType::kKeyData) {
    if (count == out.size()) return Err(Error::kMalformed);
    next = static_cast<PayloadType>(reader.U8());
    KeyDataPayload::Describe(io, out[count++]);
  }
  if (next != PayloadType::kLast || !io.Finish()) return Err(Error::kMalformed);
  return count;
}

Result<size_t> WriteKeyData(const KeyDataPayload& key_data, MutableBytes out) {
  Writer writer(out);
  WriteIo io(writer);
  io.U8(PayloadType::kLast);
  KeyDataPayload::Describe(io, key_data);
  if (!writer.ok()) return Err(Error::kTooLong);
  return writer.size();
}

ChainWriter::ChainWriter(MutableBytes out, const Header& header)
    : out_(out), writer_(out), next_at_(kNextPayloadAt) {
  WriteIo io(writer_);
  io.U8(kVersion1);
  io.U8(header.data_type);
  io.U8(PayloadType::kLast);
  DescribeHeader(io, header);
}

void ChainWriter::Link(PayloadType type) {
  if (writer_.ok()) out_[next_at_] = static_cast<uint8_t>(type);
}

}  // namespace keymast::mikey
