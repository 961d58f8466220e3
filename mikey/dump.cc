// SPDX-License-Identifier: Apache-2.0
#include "mikey/dump.h"

#include <utility>

#include "mikey/dump_io.h"
#include "mikey/extensions.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/extensions.h"
#include "mikey/v2/mtk_signature.h"

namespace keymast::mikey {
namespace {

// Area is a part of the message with octets of its own to read.
struct Area {
  ByteView octets;
  size_t offset;
};

// ShowOne shows one structure at the reader as a group of its own.
template <class T>
bool ShowOne(DumpIo& io, FieldSink& sink, std::string_view name, std::string_view clause,
             T& value) {
  sink.Open(name, clause, io.Here());
  T::Describe(io, value);
  sink.Close(io.Here());
  return io.ok();
}

// ShowMeaning tells behind a parameter's value, which ends at `end`, what it means.
void ShowMeaning(const ParamInfo& info, ByteView value, size_t end, FieldSink& sink) {
  Field shown{"meaning", Field::Kind::kCode, end - value.size(), value.size(), 8};
  if (info.is_time && value.size() == info.octets) {
    shown.kind = Field::Kind::kOctets;
    shown.octets = value;
    sink.Add(shown);
  }
  if (value.size() != 1) return;
  const CodePoint* point = FindCodePoint(info.values, value[0]);
  if (point == nullptr) return;
  shown.number = point->value;
  shown.meaning = point->name;
  shown.source = point->source;
  sink.Add(shown);
}

void ShowRest(std::string_view name, const Area& area, FieldSink& sink) {
  if (area.octets.empty()) return;
  sink.Open(name, Header::kClause, area.offset);
  Field field{"octets", Field::Kind::kOctets, area.offset, area.octets.size()};
  field.octets = area.octets;
  sink.Add(field);
  sink.Close(area.offset + area.octets.size());
}

// ShowBehind shows what a structure leaves of its area, or where it is cut.
void ShowBehind(const Area& area, const DumpIo& io, FieldSink& sink) {
  const size_t end = io.ok() ? io.Here() : io.Shown();
  ShowRest("Not of its form", {area.octets.subspan(end - area.offset), end}, sink);
}

void ShowParams(ProtType prot_type, const Area& area, FieldSink& sink) {
  Reader reader(area.octets);
  DumpIo io(reader, area.offset, sink);
  while (io.ok() && !reader.empty()) {
    const ParamInfo* info = FindParam(prot_type, area.octets[reader.position()]);
    Param param;
    const size_t start = io.Here();
    sink.Open(info == nullptr ? "Unknown parameter" : info->name,
              info == nullptr ? std::string_view(SpPayload::kInfo.clause) : info->source, start);
    Param::Describe(io, param);
    if (info != nullptr && io.ok()) ShowMeaning(*info, param.value, io.Here(), sink);
    sink.Close(io.Here());
  }
  ShowBehind(area, io, sink);
}

void ShowTlvs(const Area& area, FieldSink& sink) {
  Reader reader(area.octets);
  DumpIo io(reader, area.offset, sink);
  while (io.ok() && !reader.empty()) {
    const auto type = static_cast<TlvType>(area.octets[reader.position()]);
    const std::string_view name = NameOf(type);
    v2::Tlv tlv;
    ShowOne(io, sink, name.empty() ? "Unknown TLV" : name, v2::Tlv::kClause, tlv);
  }
}

void ShowKeyIds(const Area& area, FieldSink& sink) {
  Reader reader(area.octets);
  DumpIo io(reader, area.offset, sink);
  while (io.ok() && !reader.empty()) {
    KeyIdEntry entry;
    ShowOne(io, sink, "Key ID", KeyIdEntry::kClause, entry);
  }
  ShowBehind(area, io, sink);
}

template <class T>
void ShowExtension(const Area& area, FieldSink& sink) {
  Reader reader(area.octets);
  DumpIo io(reader, area.offset, sink);
  T extension;
  T::Describe(io, extension);
  ShowBehind(area, io, sink);
}

Area AreaOf(ByteView field, const Area& message) {
  return {field, message.offset + static_cast<size_t>(field.data() - message.octets.data())};
}

// ChainDumper follows a chain of payloads, in a message or in decrypted key data.
class ChainDumper {
 public:
  // `inside` is the type of the first payload in a KEMAC of this message. Nothing means that this
  // is the inside of one: there is key data and what may stand beside it (RFC 3830 §6.2, MIKEYv2
  // §3.5), and no other payload that could have an inside again.
  ChainDumper(Area area, Reader& reader, std::optional<PayloadType> inside, FieldSink& sink,
              uint8_t version = kVersion1)
      : area_(area), reader_(reader), inside_(inside), sink_(sink), version_(version) {}

  // Show follows the chain as far as it can, and returns the end of what it has shown.
  size_t Show(PayloadType next) {
    next_ = next;
    shown_ = area_.offset + reader_.position();
    while (next_ != PayloadType::kLast) {
      if (!(inside_ ? ShowPayload(kPayloadIndexes) : ShowKeyPayload())) break;
    }
    return shown_;
  }
  bool reached_end() const { return next_ == PayloadType::kLast && reader_.ok(); }

 private:
  static constexpr auto kPayloadIndexes =
      std::make_index_sequence<std::variant_size_v<Payload> - 1>();

  template <size_t... I>
  bool ShowPayload(std::index_sequence<I...>) {
    bool shown = false;
    const bool known = IsOfVersion(next_, version_) &&
                       ((next_ == std::variant_alternative_t<I, Payload>::kInfo.type &&
                         (shown = ShowAs<std::variant_alternative_t<I, Payload>>(), true)) ||
                        ...);
    return known && shown;
  }
  bool ShowKeyPayload() {
    if (next_ == PayloadType::kKeyData) return ShowAs<KeyDataPayload>();
    const bool is_first = reader_.position() == 0;
    if (version_ == kVersion1) return next_ == PayloadType::kId && is_first && ShowAs<IdPayload>();
    // MIKEYv2 §3.5.
    if (next_ == PayloadType::kIdr) return is_first && ShowAs<IdrPayload>();
    if (next_ == PayloadType::kRand) return ShowAs<RandPayload>();
    return next_ == PayloadType::kExt && ShowAs<ExtPayload>();
  }

  template <class P>
  bool ShowAs() {
    DumpIo io(reader_, area_.offset, sink_);
    sink_.Open(NameOf(P::kInfo.type), P::kInfo.clause, io.Here());
    auto next = PayloadType::kLast;
    if (!std::is_same_v<P, SignPayload>) io.U8("next_payload", next);
    P payload;
    P::Describe(io, payload);
    if (io.ok()) ShowInside(payload);
    shown_ = io.Shown();
    sink_.Close(shown_);
    if (io.ok()) next_ = next;
    return io.ok();
  }

  // ShowInside shows the structure that a payload's octets have, if it is known and readable.
  template <class P>
  void ShowInside(const P&) {}
  void ShowInside(const SpPayload& sp) {
    ShowParams(sp.prot_type, AreaOf(sp.params, area_), sink_);
  }
  void ShowInside(const CapPayload& cap) { ShowTlvs(AreaOf(cap.tlvs, area_), sink_); }
  void ShowInside(const ExtPayload& ext) {
    const Area area = AreaOf(ext.data, area_);
    if (ext.ext_type == ExtType::kKeyIds) ShowKeyIds(area, sink_);
    if (ext.ext_type == ExtType::kCsbId) ShowExtension<CsbIdExtension>(area, sink_);
    if (ext.ext_type == ExtType::kOmaBcast) ShowExtension<OmaExtension>(area, sink_);
    ShowInsideOfVersion2(ext.ext_type, area);
  }
  void ShowInsideOfVersion2(ExtType type, const Area& area) {
    if (type == ExtType::kFilterMac) ShowExtension<v2::FilterMac>(area, sink_);
    if (type == ExtType::kMtkSignature) ShowExtension<v2::MtkSignature>(area, sink_);
    if (type == ExtType::kKeyRoll) ShowExtension<v2::KeyRoll>(area, sink_);
    if (type == ExtType::kMerklePath) ShowExtension<v2::MerklePath>(area, sink_);
    if (type == ExtType::kUpdate) ShowExtension<v2::UpdateHead>(area, sink_);
    if (type == ExtType::kMskState) ShowExtension<v2::MskState>(area, sink_);
    if (type == ExtType::kMemberState) ShowExtension<v2::MemberState>(area, sink_);
    if (type == ExtType::kReport) ShowExtension<v2::ReportBody>(area, sink_);
  }
  void ShowInside(const KemacPayload& kemac) {
    if (kemac.encr_alg != EncrAlg::kNull || kemac.encr_data.empty() || !inside_) return;
    const Area area = AreaOf(kemac.encr_data, area_);
    // What cannot be read is shown as Encr data all the same.
    (void)DumpKeyData(area.octets, area.offset, sink_, *inside_);
  }

  Area area_;
  Reader& reader_;
  std::optional<PayloadType> inside_;
  FieldSink& sink_;
  uint8_t version_;
  PayloadType next_ = PayloadType::kLast;
  size_t shown_ = 0;
};

// ShowInside of a map's entry: session data of SRTP that have the length that the S flag says.
void ShowInside(const SrtpIdEntry&, const Area&, FieldSink&) {}
void ShowInside(const GenericIdEntry& entry, const Area& message, FieldSink& sink) {
  const size_t size = entry.s_flag ? SrtpSessionData::kLong : SrtpSessionData::kShort;
  if (entry.prot_type != ProtType::kSrtp || entry.session_data.size() != size) return;
  const Area area = AreaOf(entry.session_data, message);
  Reader reader(area.octets);
  DumpIo io(reader, area.offset, sink);
  SrtpSessionData data;
  data.has_position = entry.s_flag;
  ShowOne(io, sink, "SRTP session data", SrtpSessionData::kClause, data);
}

template <class Entry>
bool ShowEntries(DumpIo& io, const Area& message, FieldSink& sink, std::string_view name,
                 uint8_t count) {
  for (uint8_t i = 0; i < count && io.ok(); ++i) {
    Entry entry;
    sink.Open(name, Entry::kClause, io.Here());
    Entry::Describe(io, entry);
    if (io.ok()) ShowInside(entry, message, sink);
    sink.Close(io.Here());
  }
  return io.ok();
}

// ShowMap is false when the chain behind the map cannot be found.
bool ShowMap(DumpIo& io, const Area& message, FieldSink& sink, const Header& header) {
  switch (header.map_type) {
    case CsIdMapType::kSrtpId:
      return ShowEntries<SrtpIdEntry>(io, message, sink, "SRTP-ID", header.cs_count);
    case CsIdMapType::kEmpty:
      return true;
    case CsIdMapType::kGenericId:
      return ShowEntries<GenericIdEntry>(io, message, sink, "GENERIC-ID", header.cs_count);
  }
  return false;
}

// ShowHeader shows HDR with its map. `first` is the type of the first payload, nothing when that
// cannot be reached; returns the end of what was shown.
size_t ShowHeader(ByteView octets, Reader& reader, FieldSink& sink, Header& header,
                  std::optional<PayloadType>& first) {
  DumpIo io(reader, 0, sink);
  auto next = PayloadType::kLast;
  sink.Open("HDR", Header::kClause, 0);
  io.U8("version", header.version);
  io.U8("data_type", header.data_type);
  io.U8("next_payload", next);
  DescribeHeader(io, header);
  const bool is_ours = header.version == kVersion1 || header.version == kVersion2;
  const bool reached = io.ok() && is_ours && ShowMap(io, {octets, 0}, sink, header);
  sink.Close(io.Shown());
  if (reached) first = next;
  return reached ? io.Here() : io.Shown();
}

// The public-key modes have the sender in front of the keys (RFC 3830 §3.2, RFC 4738 §3.6).
bool HasIdInside(DataType type) { return type == DataType::kPkInit || type == DataType::kRsarResp; }

}  // namespace

Status Dump(ByteView octets, FieldSink& sink) {
  Message message;
  const Status status = ParseMessage(octets, message);
  Reader reader(octets);
  Header header;
  std::optional<PayloadType> first;
  size_t shown = ShowHeader(octets, reader, sink, header, first);
  const PayloadType inside =
      HasIdInside(header.data_type) ? PayloadType::kId : PayloadType::kKeyData;
  if (first) {
    shown = ChainDumper({octets, 0}, reader, inside, sink, header.version).Show(*first);
  }
  ShowRest("Not understood", {octets.subspan(shown), shown}, sink);
  return status;
}

Status DumpKeyData(ByteView plain, size_t offset, FieldSink& sink, PayloadType first,
                   uint8_t version) {
  if (plain.empty() && first == PayloadType::kKeyData) return {};  // no key (RFC 3830 §4.5)
  Reader reader(plain);
  ChainDumper chain({plain, offset}, reader, std::nullopt, sink, version);
  chain.Show(first);
  if (!chain.reached_end() || !reader.empty()) return Err(Error::kMalformed);
  return {};
}

}  // namespace keymast::mikey
