// SPDX-License-Identifier: Apache-2.0
#include "sdp/binding.h"

#include "mikey/message.h"
#include "mikey/v2/capabilities.h"

namespace keymast::sdp {
namespace {

using mikey::TlvType;
using mikey::v2::Tlv;

// CapIn finds the TLVs; they point into the octets of the message.
Result<ByteView> CapIn(ByteView octets, mikey::Message& message) {
  if (Status parsed = mikey::ParseMessage(octets, message); !parsed) return Err(parsed.error());
  if (message.header.version != mikey::kVersion2) return Err(Error::kUnknownVersion);
  const auto* cap = message.Get<mikey::CapPayload>();
  if (cap == nullptr) return Err(Error::kPayloadMissing);
  return cap->tlvs;
}

bool IsHint(TlvType type) {
  return type == TlvType::kCookie || type == TlvType::kFresh || type == TlvType::kTicket;
}

Result<ByteView> SessionOf(ByteView tlvs) {
  const auto told = mikey::v2::ReadCapabilities({mikey::v2::kCapVersion, tlvs});
  if (!told) return Err(told.error());
  return told->session;
}

Result<Bytes> Bound(ByteView tlvs) {
  Bytes bound;
  Reader reader(tlvs);
  mikey::ReadIo io(reader);
  while (!reader.empty()) {
    const size_t from = reader.position();
    Tlv tlv;
    Tlv::Describe(io, tlv);
    if (!io.ok()) return Err(Error::kMalformed);
    const ByteView whole = tlvs.subspan(from, reader.position() - from);
    if (!IsHint(tlv.type)) bound.insert(bound.end(), whole.begin(), whole.end());
  }
  return bound;
}

}  // namespace

Result<ByteView> SessionIn(ByteView octets) {
  mikey::Message message;
  const Result<ByteView> tlvs = CapIn(octets, message);
  return tlvs ? SessionOf(*tlvs) : tlvs;
}

Result<Bytes> BoundTlvs(ByteView octets) {
  mikey::Message message;
  const Result<ByteView> tlvs = CapIn(octets, message);
  return tlvs ? Bound(*tlvs) : Err(tlvs.error());
}

Status CheckBound(const Keying& told, ByteView octets) {
  mikey::Message message;
  const Result<ByteView> tlvs = CapIn(octets, message);
  return tlvs ? CheckTold(told, *tlvs) : Err(tlvs.error());
}

Status CheckTold(const Keying& told, ByteView tlvs) {
  const Result<ByteView> session = SessionOf(tlvs);
  if (!session) return Err(session.error());
  const Result<Bytes> bound = Bound(tlvs);
  if (!bound) return Err(bound.error());
  const bool may_be_left_out = !told.message.empty() && told.capabilities.empty();
  const bool is_bound = !told.session.empty() && Equal(*session, told.session.view()) &&
                        (may_be_left_out || *bound == told.capabilities);
  return is_bound ? Status() : Err(Error::kPolicyViolation);
}

Status CheckFingerprint(const Keying& told, const std::optional<Fingerprint>& proven) {
  const bool is_proved = !told.fingerprint || (proven && *proven == *told.fingerprint);
  return is_proved ? Status() : Err(Error::kCertificateUntrusted);
}

Status CheckProtocols(const Keying& offer, ByteView cap) {
  mikey::Message message;
  if (Status parsed = mikey::ParseMessage(cap, message); !parsed) return parsed;
  for (size_t i = 0; const auto* ext = message.Get<mikey::ExtPayload>(i); ++i) {
    if (ext->ext_type != mikey::ExtType::kSdpIds) continue;
    return AsText(ext->data) == offer.protocols ? Status() : Err(Error::kPolicyViolation);
  }
  return Err(Error::kPolicyViolation);
}

}  // namespace keymast::sdp
