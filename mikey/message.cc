// SPDX-License-Identifier: Apache-2.0
#include "mikey/message.h"

#include <utility>

namespace keymast::mikey {
namespace {

constexpr size_t kNextPayloadAt = 2;  // of HDR, RFC 3830 §6.1

// IsLeftOut is true for what a small receiver has no use for: there such a payload is an unknown
// one, behind which nothing is read.
constexpr bool IsLeftOut(PayloadType type) {
  switch (type) {
    case PayloadType::kPke:
    case PayloadType::kCert:
    case PayloadType::kChash:
      return !kHasCertificates;
    case PayloadType::kFragment:
      return kSmall;
    case PayloadType::kDh:
    case PayloadType::kSign:
      return kPskOnly;
    default:
      return false;
  }
}

// ChainReader follows the chain from one payload to the next.
class ChainReader {
 public:
  ChainReader(ByteView rest, uint8_t version, PayloadType first, PayloadChain& chain)
      : rest_(rest), version_(version), next_(first), chain_(chain) {}

  Status Read() {
    while (next_ != PayloadType::kLast) {
      if (chain_.full()) return Err(Error::kTooManyPayloads);
      if (Status read = ReadOne(next_); !read) return read;
    }
    if (!rest_.empty()) return Err(Error::kTrailingOctets);
    return {};
  }

  // TakeRest keeps all that is left as one payload of the type that comes next.
  Status TakeRest(Error reason) {
    if (rest_.empty()) return Err(Error::kTruncated);
    chain_.Add(OpaquePayload{next_, std::exchange(rest_, {}), reason});
    next_ = PayloadType::kLast;
    return {};
  }

 private:
  Status ReadOne(PayloadType type) {
    Reader reader(rest_);
    ReadIo io(reader);
    const auto next = HasNext(type) ? static_cast<PayloadType>(reader.U8()) : PayloadType::kLast;
    if (!Describe(type, io)) return TakeRest(Error::kUnknownPayload);
    if (!io.ok()) return NotRead(io);
    chain_.Commit();
    rest_ = reader.rest();
    next_ = next;
    return {};
  }

  // Describe reads into the chain's next slot; false for a type that is not ours.
  bool Describe(PayloadType type, ReadIo& io) {
    switch (type) {
      case PayloadType::kT:
        return DescribeAs<TPayload>(io);
      case PayloadType::kSp:
        return DescribeAs<SpPayload>(io);
      case PayloadType::kRand:
        return DescribeAs<RandPayload>(io);
      case PayloadType::kKemac:
        return DescribeAs<KemacPayload>(io);
      case PayloadType::kId:
        return DescribeAs<IdPayload>(io);
      case PayloadType::kExt:
        return DescribeAs<ExtPayload>(io);
      default:
        return DescribeRare(type, io, std::make_index_sequence<std::variant_size_v<Payload> - 1>());
    }
  }

  // DescribeRare looks the type up in the list of payloads; OpaquePayload stands at its end.
  template <size_t... I>
  bool DescribeRare(PayloadType type, ReadIo& io, std::index_sequence<I...>) {
    return IsOfVersion(type, version_) &&
           ((!IsLeftOut(std::variant_alternative_t<I, Payload>::kInfo.type) &&
             type == std::variant_alternative_t<I, Payload>::kInfo.type &&
             DescribeAs<std::variant_alternative_t<I, Payload>>(io)) ||
            ...);
  }

  template <class P>
  bool DescribeAs(ReadIo& io) {
    P::Describe(io, chain_.Draft<P>());
    return true;
  }

  Status NotRead(const ReadIo& io) {
    if (!io.refusal()) return Err(Error::kTruncated);
    if (*io.refusal() != Error::kUnsupportedAlgorithm) return Err(*io.refusal());
    return TakeRest(Error::kUnsupportedAlgorithm);
  }

  ByteView rest_;  // behind the payloads read
  uint8_t version_;
  PayloadType next_;
  PayloadChain& chain_;
};

// ReadMap is false for a map whose end cannot be found.
bool ReadMap(Reader& reader, Header& header) {
  const std::optional<size_t> length = MapLength(header, reader.rest());
  if (!length) return false;
  header.map = reader.Take(*length);
  return true;
}

size_t GenericMapLength(uint8_t entries, ByteView octets) {
  Reader reader(octets);
  ReadIo io(reader);
  for (uint8_t i = 0; i < entries && io.ok(); ++i) {
    GenericIdEntry entry;
    GenericIdEntry::Describe(io, entry);
  }
  return io.ok() ? reader.position() : SIZE_MAX;
}

}  // namespace

std::optional<size_t> MapLength(const Header& header, ByteView octets) {
  switch (header.map_type) {
    case CsIdMapType::kSrtpId:
      return kSrtpIdEntry * header.cs_count;  // RFC 3830 §6.1.1
    case CsIdMapType::kEmpty:
      return 0;  // RFC 4563 §5: no map info, whatever #CS says
    case CsIdMapType::kGenericId:
      return GenericMapLength(header.cs_count, octets);  // RFC 6043 §6.1.1
  }
  return std::nullopt;
}

Status ParseMessage(ByteView octets, Message& message) {
  message.header = {};
  message.payloads.Clear();
  if (octets.size() > kMaxMessage) return Err(Error::kTooLong);
  if (octets.size() <= kNextPayloadAt) return Err(Error::kTruncated);
  Reader reader(octets);
  message.header.version = reader.U8();
  const uint8_t version = message.header.version;
  if (version != kVersion1 && version != kVersion2) return Err(Error::kUnknownVersion);
  if (version == kVersion2 && octets.size() > kMaxMessage2) return Err(Error::kTooLong);
  message.header.data_type = static_cast<DataType>(reader.U8());
  const auto first = static_cast<PayloadType>(reader.U8());
  ReadIo io(reader);
  DescribeHeader(io, message.header);
  if (!io.ok()) return Err(io.refusal().value_or(Error::kTruncated));
  const bool has_end = ReadMap(reader, message.header);
  if (!reader.ok()) return Err(Error::kTruncated);
  ChainReader chain(reader.rest(), version, first, message.payloads);
  return has_end ? chain.Read() : chain.TakeRest(Error::kUnsupportedAlgorithm);
}

Result<size_t> WriteMessage(const Message& message, MutableBytes out) {
  ChainWriter writer(out, message.header);
  for (const Payload& payload : message.chain()) {
    std::visit([&writer](const auto& p) { writer.Add(p); }, payload);
  }
  if (!writer.ok()) return Err(Error::kTooLong);
  return writer.size();
}

ChainWriter::ChainWriter(MutableBytes out, const Header& header)
    : out_(out), writer_(out), next_at_(kNextPayloadAt) {
  writer_.U8(header.version);
  writer_.U8(static_cast<uint8_t>(header.data_type));
  writer_.U8(static_cast<uint8_t>(PayloadType::kLast));
  WriteIo io(writer_);
  DescribeHeader(io, header);
  // A map of a type without number has its entries in the opaque payload that follows.
  const std::optional<size_t> length = MapLength(header, header.map);
  io.Octets("map", header.map, length.value_or(0));
}

void ChainWriter::Link(PayloadType type) {
  if (writer_.ok()) out_[next_at_] = static_cast<uint8_t>(type);
}

}  // namespace keymast::mikey
