// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/capabilities.h"

namespace keymast::mikey::v2 {
namespace {

constexpr uint16_t kMaxList = 64;  // octets of a list: no registry of ours has as many entries

constexpr TlvInfo kTlvs[] = {
    {TlvType::kModes, &Capabilities::modes, 1, 1, kMaxList, true},
    {TlvType::kPrf, &Capabilities::prf, 1, 1, kMaxList, true},
    {TlvType::kEncr, &Capabilities::encr, 1, 1, kMaxList, true},
    {TlvType::kMac, &Capabilities::mac, 1, 1, kMaxList, true},
    {TlvType::kGroups, &Capabilities::groups, 1, 1, kMaxList, true},
    {TlvType::kSignatures, &Capabilities::signatures, 1, 1, kMaxList, true},
    {TlvType::kProfiles, &Capabilities::profiles, 2, 2, kMaxList, true},
    {TlvType::kFeatures, &Capabilities::features, 4, 4, 4, false},
    {TlvType::kDatagram, &Capabilities::datagram, 2, 2, 2, false},
    {TlvType::kSession, &Capabilities::session, 1, kMinSessionId, kMaxSessionId, false},
    {TlvType::kCookie, &Capabilities::cookie, 1, 1, 64, false},
    {TlvType::kFresh, &Capabilities::fresh, 1, kFreshSize, kFreshSize, false},
    {TlvType::kTicket, &Capabilities::ticket, 1, 1, kMaxTicket, false},
    {TlvType::kTicketId, &Capabilities::ticket_id, 1, kTicketIdSize, kTicketIdSize, false},
    {TlvType::kFragments, &Capabilities::fragments, 1, 1, 1, false},
    {TlvType::kStreams, &Capabilities::streams, kStreamOctets, kStreamOctets,
     kMaxStreams* kStreamOctets, false},
};

bool IsDistinct(ByteView list, size_t unit) {
  for (size_t i = 0; i < list.size(); i += unit) {
    for (size_t j = i + unit; j < list.size(); j += unit) {
      if (Equal(list.subspan(i, unit), list.subspan(j, unit))) return false;
    }
  }
  return true;
}

bool IsAllowed(const TlvInfo& info, ByteView value) {
  const bool is_size =
      value.size() >= info.least && value.size() <= info.most && value.size() % info.unit == 0;
  return is_size && (!info.is_list || IsDistinct(value, info.unit));
}

// An SSRC names a stream of the Offerer, one only.
bool AreStreamsSound(const Capabilities& capabilities) {
  for (size_t i = 0; i < capabilities.StreamCount(); ++i) {
    const uint8_t direction = capabilities.streams[i * kStreamOctets];
    const uint32_t ssrc = capabilities.Stream(i).ssrc;
    if (direction < 1 || direction > 3) return false;
    if (ssrc == 0) continue;
    if (direction == 2) return false;
    for (size_t j = 0; j < i; ++j) {
      if (capabilities.Stream(j).ssrc == ssrc) return false;
    }
  }
  return true;
}

// What a row cannot say.
bool IsConsistent(const Capabilities& capabilities) {
  if (capabilities.Datagram() < kMinDatagram) return false;
  const size_t fragments = capabilities.Fragments();
  if (!capabilities.fragments.empty() && (fragments < 2 || fragments > kMaxFragments)) return false;
  return AreStreamsSound(capabilities);
}

const TlvInfo* Find(TlvType type) {
  for (const TlvInfo& info : kTlvs) {
    if (info.type == type) return &info;
  }
  return nullptr;
}

}  // namespace

std::span<const TlvInfo> Tlvs() { return kTlvs; }

bool Capabilities::Offers(Mode mode) const { return Contains(modes, mode); }

bool Capabilities::OffersProfile(uint16_t profile) const {
  Reader reader(profiles);
  while (!reader.empty()) {
    if (reader.U16() == profile) return true;
  }
  return false;
}

uint32_t Capabilities::Features() const { return features.empty() ? 0 : Reader(features).U32(); }

uint16_t Capabilities::Datagram() const {
  return datagram.empty() ? kMinDatagram : Reader(datagram).U16();
}

size_t Capabilities::Fragments() const { return fragments.empty() ? 0 : fragments[0]; }

StreamOffer Capabilities::Stream(size_t index) const {
  Reader reader(streams.subspan(index * kStreamOctets, kStreamOctets));
  const unsigned direction = reader.U8();
  return {(direction & 1u) != 0, (direction & 2u) != 0, reader.U32()};
}

Result<Capabilities> ReadCapabilities(const CapPayload& payload) {
  if (payload.cap_version != kCapVersion) return Err(Error::kUnknownVersion);
  Capabilities capabilities;
  Reader reader(payload.tlvs);
  ReadIo io(reader);
  while (!reader.empty()) {
    Tlv tlv;
    Tlv::Describe(io, tlv);
    if (!io.ok()) return Err(Error::kMalformed);
    const TlvInfo* info = Find(tlv.type);
    if (info == nullptr) continue;
    if (!IsAllowed(*info, tlv.value)) return Err(Error::kMalformed);
    capabilities.*(info->field) = tlv.value;
  }
  if (!IsConsistent(capabilities)) return Err(Error::kMalformed);
  return capabilities;
}

Result<size_t> WriteCapabilities(const Capabilities& capabilities, MutableBytes out) {
  Writer writer(out);
  WriteIo io(writer);
  for (const TlvInfo& info : kTlvs) {
    const ByteView value = capabilities.*(info.field);
    const Tlv tlv{info.type, value};
    if (!value.empty()) Tlv::Describe(io, tlv);
  }
  if (!writer.ok()) return Err(Error::kTooLong);
  return writer.size();
}

}  // namespace keymast::mikey::v2
