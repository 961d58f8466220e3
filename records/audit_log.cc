// SPDX-License-Identifier: Apache-2.0
#include "records/audit_log.h"

#include "records/fields.h"

namespace keymast::records {
namespace {

constexpr size_t kEntriesAScan = 64;

}  // namespace

std::string AuditKey(uint64_t last_sequence) {
  std::array<uint8_t, 8> octets{};
  Writer(octets).U64(last_sequence);
  return std::string(kAuditPrefix) + std::string(AsText(octets));
}

Status AppendAudit(const audit::Record& record, crypto::SecretBytes& out) {
  const size_t before = out.size();
  Encoder encoder(out);
  Fields(encoder, record);
  if (encoder.ok()) return {};
  out.resize(before);
  return Err(Error::kTooLong);
}

Result<std::vector<audit::Record>> ReadAuditEntry(ByteView body) {
  Decoder decoder(body);
  std::vector<audit::Record> records;
  while (!decoder.empty()) {
    Fields(decoder, records.emplace_back());
    if (!decoder.ok()) return Err(Error::kCorrupt);
  }
  return records;
}

Result<std::vector<audit::Record>> ReadAudit(store::Store& store, const Envelope& envelope,
                                             uint64_t after, size_t limit) {
  std::vector<audit::Record> records;
  // What was read before a damaged entry is given; the next call, behind it, tells.
  const auto failed = [&records](Error error) -> Result<std::vector<audit::Record>> {
    if (records.empty()) return Err(error);
    return std::move(records);
  };
  std::string last = AuditKey(after);
  while (records.size() < limit) {
    const auto entries = store.Scan(kAuditPrefix, last, kEntriesAScan, 0);
    if (!entries) return failed(entries.error());
    if (entries->empty()) break;
    for (const store::Entry& entry : *entries) {
      last = entry.key;
      const Result<Opened> opened = envelope.Open(EntryType::kAudit, entry.key, entry.value);
      if (!opened) return failed(opened.error());
      const auto read = ReadAuditEntry(opened->body);
      if (!read) return failed(read.error());
      for (const audit::Record& record : *read) {
        if (record.sequence > after && records.size() < limit) records.push_back(record);
      }
    }
  }
  return records;
}

Status CheckAuditEnd(store::Store& store, const Envelope& envelope, const audit::Head& head) {
  if (head.sequence == 0) {
    const auto entries = store.Scan(kAuditPrefix, {}, 1, 0);
    if (!entries) return Err(entries.error());
    return entries->empty() ? Status() : Err(Error::kCorrupt);
  }
  const auto entries = store.Scan(kAuditPrefix, AuditKey(head.sequence - 1), 2, 0);
  if (!entries) return Err(entries.error());
  // An entry is under its last record, with which the head of the state was written.
  if (entries->size() != 1 || entries->front().key != AuditKey(head.sequence)) {
    return Err(Error::kCorrupt);
  }
  const store::Entry& entry = entries->front();
  const Result<Opened> opened = envelope.Open(EntryType::kAudit, entry.key, entry.value);
  if (!opened) return Err(opened.error());
  const auto records = ReadAuditEntry(opened->body);
  if (!records) return Err(records.error());
  const bool is_end = !records->empty() && records->back().sequence == head.sequence &&
                      records->back().hash == head.hash;
  return is_end ? Status() : Err(Error::kCorrupt);
}

}  // namespace keymast::records
