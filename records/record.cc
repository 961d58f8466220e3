// SPDX-License-Identifier: Apache-2.0
#include "records/record.h"

#include "records/coder.h"

namespace keymast::records {
namespace {

constexpr size_t kKeySize = kJournalPrefix.size() + 8;

template <class C>
void Fields(C& c, Ref<C, Record> record) {
  All(c, record.more, record.start, record.previous);
  Fixed(c, record.previous_hash);
  All(c, record.begin);
  Fixed(c, record.pages);
}

}  // namespace

std::string JournalKey(uint64_t number) {
  std::string key(kJournalPrefix);
  for (int shift = 56; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>(static_cast<uint8_t>(number >> shift)));
  }
  return key;
}

Result<uint64_t> NumberOf(std::string_view key) {
  if (key.size() != kKeySize || !key.starts_with(kJournalPrefix)) return Err(Error::kCorrupt);
  return Reader(AsBytes(key.substr(kJournalPrefix.size()))).U64();
}

crypto::SecretBytes WriteRecord(const Record& record, ByteView changes) {
  crypto::SecretBytes body;
  body.reserve(kRecordFields + changes.size());
  Encoder encoder(body);
  Fields(encoder, record);
  encoder.Octets(changes);
  return body;
}

Result<ReadRecordResult> ReadRecord(ByteView body) {
  Decoder decoder(body);
  ReadRecordResult read;
  Fields(decoder, read.record);
  if (!decoder.ok()) return Err(Error::kCorrupt);
  read.changes = body.last(decoder.remaining());
  return read;
}

}  // namespace keymast::records
