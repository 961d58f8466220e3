// SPDX-License-Identifier: Apache-2.0
#include "mikey/key_data.h"

namespace keymast::mikey {
namespace {

Result<size_t> ReadKeys(Reader& reader, PayloadType next, std::span<KeyDataPayload> out) {
  ReadIo io(reader);
  size_t count = 0;
  while (reader.ok() && next == PayloadType::kKeyData) {
    if (count == out.size()) return Err(Error::kMalformed);
    next = static_cast<PayloadType>(reader.U8());
    out[count] = {};
    KeyDataPayload::Describe(io, out[count]);
    // The types above belong to version 2.
    if (out[count++].type > KeyDataType::kKpr) return Err(Error::kMalformed);
  }
  if (next != PayloadType::kLast || !io.Finish()) return Err(Error::kMalformed);
  return count;
}

}  // namespace

Result<size_t> ParseKeyData(ByteView plain, std::span<KeyDataPayload> out) {
  if (plain.empty()) return 0;
  Reader reader(plain);
  return ReadKeys(reader, PayloadType::kKeyData, out);
}

Result<size_t> ParseIdAndKeyData(ByteView plain, IdPayload& id, std::span<KeyDataPayload> out) {
  Reader reader(plain);
  ReadIo io(reader);
  const auto next = static_cast<PayloadType>(reader.U8());
  IdPayload::Describe(io, id);
  if (!io.ok()) return Err(Error::kMalformed);
  return ReadKeys(reader, next, out);
}

Result<size_t> WriteKeyData(std::span<const KeyDataPayload> keys, MutableBytes out,
                            const IdPayload* id) {
  Writer writer(out);
  WriteIo io(writer);
  const auto next = [&](bool more) {
    io.U8("next_payload", more ? PayloadType::kKeyData : PayloadType::kLast);
  };
  if (id != nullptr) {
    next(!keys.empty());
    IdPayload::Describe(io, *id);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    next(i + 1 < keys.size());
    KeyDataPayload::Describe(io, keys[i]);
  }
  if (!writer.ok()) return Err(Error::kTooLong);
  return writer.size();
}

}  // namespace keymast::mikey
