// SPDX-License-Identifier: Apache-2.0
#include "mikey/key_ids.h"

namespace keymast::mikey {
namespace {

bool ReadKeyId(Reader& reader, KeyIds& ids, unsigned& seen) {
  const uint8_t type = reader.U8();
  Reader value(reader.Take(reader.U8()));
  if (!reader.ok() || type > static_cast<uint8_t>(KeyIdType::kMtk)) return false;
  if ((seen & 1u << type) != 0) return false;
  seen |= 1u << type;
  switch (static_cast<KeyIdType>(type)) {
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
  KeyIds ids{};
  unsigned seen = 0;
  while (!reader.empty()) {
    if (!ReadKeyId(reader, ids, seen)) return Err(Error::kMalformed);
  }
  if ((seen & kDomainAndMsk) != kDomainAndMsk) return Err(Error::kMalformed);
  return ids;
}

}  // namespace

void PutKeyIds(Writer& writer, const KeyIds& ids) {
  writer.U8(static_cast<uint8_t>(KeyIdType::kDomain));
  writer.U8(ids.domain.octets.size());
  writer.Put(ids.domain.octets);
  writer.U8(static_cast<uint8_t>(KeyIdType::kMsk));
  writer.U8(4);
  writer.U32(ids.msk.value());
  if (!ids.mtk) return;
  writer.U8(static_cast<uint8_t>(KeyIdType::kMtk));
  writer.U8(2);
  writer.U16(ids.mtk->value);
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
