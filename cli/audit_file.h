// SPDX-License-Identifier: Apache-2.0
// An exported audit log, checked without a server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cli/problem.h"
#include "keymast/v1/audit.pb.h"

namespace keymast::cli {

struct AuditPlace {
  uint64_t sequence = 0;
  Bytes hash;
};

// AuditRules are how the log is chained and signed (docs/audit.md).
struct AuditRules {
  std::function<Bytes(ByteView previous, const v1::AuditRecord& record)> hash;
  std::function<bool(const v1::AuditRecord& record)> is_signed;
};

struct AuditExpectation {
  std::optional<AuditPlace> position;  // a record that must be there
  // The hash of the server's record of this sequence, empty when it has none; asked once the file
  // is read, of its end.
  std::function<Outcome<Bytes>(uint64_t sequence)> server;
  bool is_sink = false;  // the file of an `audit_sink`: records may go back
};

struct AuditSummary {
  uint64_t records = 0;
  uint64_t superseded = 0;                   // that were of no commit
  std::vector<AuditPlace> signed_ones = {};  // the checkpoints among them
  bool is_cut = false;                       // of a sink the last line was left out: it has no end
  uint64_t checkpoints = 0;
  uint64_t signed_to = 0;  // last record that a signature covers
  uint64_t proven_to = 0;  // that, or the last record that was as expected
  AuditPlace end;
};

// A keymastd signs at the latest behind so many records.
inline constexpr uint64_t kMostUnsigned = 64;

// VerifyAuditFile reads lines of protobuf JSON, each an AuditRecord. The chain begins with record 1
// and has no gap, each hash follows from the one before and the record's text, checkpoints are
// signed and no more than `kMostUnsigned` records apart, and what was expected is there. Anybody
// can make a chain: a file of which neither a signature nor an expectation proves anything is
// refused. In a sink's file a record that goes back follows the one before its sequence and
// supersedes all from there on, and a last line without an end is left out. Lines are as `audit
// export` writes them, octet for octet. The problem names the first line that is wrong.
Outcome<AuditSummary> VerifyAuditFile(const std::string& path, const AuditExpectation& expected,
                                      const AuditRules& rules);

// ReadOctets reads 32 octets, in hexadecimal or, as JSON has them, in base64; false: it is neither.
bool ReadOctets(const std::string& text, Bytes& octets);
// PositionText gives `4711:` and the hash in hexadecimal; ReadPosition reads that.
std::string PositionText(const AuditPlace& place);
Outcome<AuditPlace> ReadPosition(const std::string& text);

}  // namespace keymast::cli
