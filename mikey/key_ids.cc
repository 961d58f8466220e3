// SPDX-License-Identifier: Apache-2.0
#include "mikey/key_ids.h"

#include "mikey/extensions.h"

namespace keymast::mikey {
namespace {

bool TakeKeyId(const KeyIdEntry& entry, KeyIds& ids, unsigned& seen) {
  const auto type = static_cast<uint8_t>(entry.type);
  if (entry.type > KeyIdType::kMtk || (seen & 1u << type) != 0) return false;
  seen |= 1u << type;
  Reader value(entry.id);
  switch (entry.type) {
    case KeyIdType::kDomain:
      for (uint8_t& octet : ids.domain.octets) octet = value.U8();
      break;
    case KeyIdType::kMsk:
      ids.msk = MskId::FromValue(value.U32());
      break;
    case KeyIdType::kMtk:
      ids.mtk = MtkId(value.U16());
      break;
  }
  return value.Finish().has_value();
}

Result<KeyIds> ParseKeyIds(ByteView data) {
  constexpr unsigned kDomainAndMsk = 3;
  Reader reader(data);
  ReadIo io(reader);
  KeyIds ids{};
  unsigned seen = 0;
  while (!reader.empty()) {
    KeyIdEntry entry;
    KeyIdEntry::Describe(io, entry);
    if (!io.ok() || !TakeKeyId(entry, ids, seen)) return Err(Error::kMalformed);
  }
  if ((seen & kDomainAndMsk) != kDomainAndMsk) return Err(Error::kMalformed);
  return ids;
}

}  // namespace

void PutKeyIds(Writer& writer, const KeyIds& ids) {
  WriteIo io(writer);
  std::array<uint8_t, 4> msk{};
  Writer(msk).U32(ids.msk.value());
  const KeyIdEntry domain{KeyIdType::kDomain, ids.domain.octets};
  const KeyIdEntry service{KeyIdType::kMsk, msk};
  KeyIdEntry::Describe(io, domain);
  KeyIdEntry::Describe(io, service);
  if (!ids.mtk) return;
  std::array<uint8_t, 2> mtk{};
  Writer(mtk).U16(ids.mtk->value);
  const KeyIdEntry traffic{KeyIdType::kMtk, mtk};
  KeyIdEntry::Describe(io, traffic);
}

Result<KeyIds> FindKeyIds(const Message& message) {
  const ExtPayload* found = nullptr;
  for (size_t i = 0; const ExtPayload* ext = message.Get<ExtPayload>(i); ++i) {
    if (ext->ext_type != ExtType::kKeyIds) continue;
    if (found != nullptr) return Err(Error::kPayloadUnexpected);
    found = ext;
  }
  if (found == nullptr) return Err(Error::kPayloadMissing);
  return ParseKeyIds(found->data);
}

}  // namespace keymast::mikey
