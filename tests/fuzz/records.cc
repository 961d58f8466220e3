// SPDX-License-Identifier: Apache-2.0
// What stands behind the seal of a stored value: changes, a journal record, a page of each kind.
// Whatever is read is written again octet for octet.
#include "base/check.h"
#include "records/audit_log.h"
#include "records/codec.h"
#include "records/page.h"
#include "records/record.h"

namespace {

using namespace keymast;

void ReadChanges(ByteView octets) {
  crypto::SecretBytes again;
  const Status read =
      records::ForEachChange(octets, [&](const rekey::Change& change, ByteView one) {
        const size_t before = again.size();
        KEYMAST_CHECK(records::Append(change, again).has_value());
        // A channel as formats before 5 wrote it is written with what they had not.
        constexpr uint8_t kOldChannel = 1;
        if (one[0] == kOldChannel) {
          again.resize(before);
          again.insert(again.end(), one.begin(), one.end());
          return;
        }
        KEYMAST_CHECK(Equal(ByteView(again).subspan(before), one));
        KEYMAST_CHECK(*records::SizeOf(change) == one.size());
      });
  KEYMAST_CHECK(!read || Equal(again, octets));
}

void ReadRecord(ByteView octets) {
  const auto read = records::ReadRecord(octets);
  if (read) KEYMAST_CHECK(Equal(records::WriteRecord(read->record, read->changes), octets));
}

void ReadPage(records::PageKind kind, ByteView octets) {
  records::PageName name{kind, ChannelId("news"), {}};
  if (kind == records::PageKind::kHeadend) name = {kind, {}, "studio"};
  if (kind == records::PageKind::kOperation) name = {kind, {}, "rekey-1"};
  rekey::State state;
  if (kind == records::PageKind::kMembers) state.channels.try_emplace(name.channel);
  if (!records::ReadPage(name, octets, state)) return;
  const auto pages = records::WritePages(name, state, UINT16_MAX);
  // A page without rows is not written at all.
  KEYMAST_CHECK(pages.size() <= 1);
  if (pages.size() == 1) KEYMAST_CHECK(Equal(pages.front().body, octets));
}

void ReadAuditEntry(ByteView octets) {
  const auto read = records::ReadAuditEntry(octets);
  if (!read) return;
  crypto::SecretBytes again;
  for (const audit::Record& record : *read) {
    KEYMAST_CHECK(records::AppendAudit(record, again).has_value());
  }
  KEYMAST_CHECK(Equal(again, octets));
}

}  // namespace

// The first octet says what the rest is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView octets(data + 1, size - 1);
  constexpr std::string_view kKinds = "chmnrsdtoq";
  if (data[0] == 0) ReadChanges(octets);
  if (data[0] == 1) ReadRecord(octets);
  if (data[0] >= 2 && data[0] - 2U < kKinds.size()) {
    ReadPage(static_cast<records::PageKind>(kKinds[data[0] - 2U]), octets);
  }
  if (data[0] == 2U + kKinds.size()) ReadAuditEntry(octets);
  return 0;
}
