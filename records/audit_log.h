// SPDX-License-Identifier: Apache-2.0
// The records of the audit log as entries of the store, beside the state: they are written in the
// batch of the changes that they tell of, and are never in memory as a whole.
//
//   a/SEQUENCE   the records of one commit, oldest first; the sequence of the last, 8 octets
#pragma once

#include "audit/record.h"
#include "records/envelope.h"
#include "store/store.h"

namespace keymast::records {

inline constexpr std::string_view kAuditPrefix = "a/";

std::string AuditKey(uint64_t last_sequence);

// AppendAudit writes a record behind `out`; kTooLong as Append of records/codec.h.
Status AppendAudit(const audit::Record& record, crypto::SecretBytes& out);

// ReadAuditEntry is the records of one entry: kCorrupt.
Result<std::vector<audit::Record>> ReadAuditEntry(ByteView body);

// ReadAudit gives at most `limit` records behind `after`, in rising order. It stops at the first
// entry that is damaged when it has any: kCorrupt when that is the first. Errors as
// store::Store::Scan.
Result<std::vector<audit::Record>> ReadAudit(store::Store& store, const Envelope& envelope,
                                             uint64_t after, size_t limit);

// CheckAuditEnd says whether the log ends where the state says, and no record stands behind that:
// kCorrupt, or as store::Store::Scan.
Status CheckAuditEnd(store::Store& store, const Envelope& envelope, const audit::Head& head);

}  // namespace keymast::records
