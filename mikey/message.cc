// SPDX-License-Identifier: Apache-2.0
#include "mikey/message.h"

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
  switch (header.map_type) {
    case CsIdMapType::kSrtpId:
      return io.Octets(header.map, kSrtpIdEntry * header.cs_count);
    case CsIdMapType::kEmpty:
      return;
  }
  io.Refuse();
}

template <class P>
void ReadInto(ReadIo& io, Message& message) {
  P payload;
  Describe(io, payload);
  message.payloads[message.count++] = payload;
}

// ReadPayload is false for a type that this build does not know.
bool ReadPayload(PayloadType type, ReadIo& io, Message& message) {
  switch (type) {
#define KEYMAST_MIKEY_READ(P, Function) \
  case P::kType:                        \
    ReadInto<P>(io, message);           \
    return true;
    KEYMAST_MIKEY_PAYLOADS(KEYMAST_MIKEY_READ)
#undef KEYMAST_MIKEY_READ
    case PayloadType::kLast:
    case PayloadType::kKeyData:
      return false;
  }
  return false;
}

}  // namespace

Status ParseMessage(ByteView octets, Message& message) {
  message.count = 0;
  if (octets.size() > kMaxMessage) return Err(Error::kTooLong);
  Reader reader(octets);
  ReadIo io(reader);
  const uint8_t version = reader.U8();
  const uint8_t data_type = reader.U8();
  auto next = static_cast<PayloadType>(reader.U8());
  DescribeHeader(io, message.header);
  if (octets.empty()) return Err(Error::kTruncated);
  if (version != kVersion1) return Err(Error::kUnknownVersion);
  if (octets.size() < 2) return Err(Error::kTruncated);
  if (data_type > static_cast<uint8_t>(DataType::kPskVerification)) {
    return Err(Error::kUnknownDataType);
  }
  message.header.data_type = static_cast<DataType>(data_type);
  while (reader.ok() && next != PayloadType::kLast) {
    if (message.count == kMaxPayloads) return Err(Error::kTooManyPayloads);
    const PayloadType type = next;
    next = static_cast<PayloadType>(reader.U8());
    if (!ReadPayload(type, io, message)) return Err(Error::kUnknownPayload);
  }
  return reader.Finish();
}

Result<KeyDataPayload> ParseKeyData(ByteView plain) {
  Reader reader(plain);
  ReadIo io(reader);
  KeyDataPayload key_data;
  const auto next = static_cast<PayloadType>(reader.U8());
  Describe(io, key_data);
  if (!reader.Finish() || next != PayloadType::kLast) return Err(Error::kMalformed);
  return key_data;
}

ChainWriter::ChainWriter(MutableBytes out, const Header& header)
    : out_(out), writer_(out), next_at_(kNextPayloadAt) {
  writer_.U8(kVersion1);
  writer_.U8(static_cast<uint8_t>(header.data_type));
  writer_.U8(0);
  WriteIo io(writer_);
  DescribeHeader(io, header);
}

void ChainWriter::Link(PayloadType type) {
  if (writer_.ok()) out_[next_at_] = static_cast<uint8_t>(type);
}

}  // namespace keymast::mikey
