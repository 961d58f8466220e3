// SPDX-License-Identifier: Apache-2.0
// The second place of the audit log, which must have a record before its change is made
// (docs/audit.md): lines of JSON, as `keymastctl audit export` writes them.
#pragma once

#include <functional>
#include <vector>

#include "audit/record.h"
#include "server/patient_thread.h"
#include "server/sink.h"

namespace keymast::server {

// AuditSink is used by one thread, which waits for `patience` at most; what takes longer goes on in
// a thread of the sink's own, and is waited for by its end.
class AuditSink {
 public:
  // ReadLog gives at most `limit` records behind `after` of the log in the store; called by the
  // sink's thread, at any time.
  using ReadLog = std::function<Result<std::vector<audit::Record>>(uint64_t after, size_t limit)>;
  struct Config {
    std::string path;
    crypto::PublicKey key;  // signs checkpoints of this log
    Duration patience = std::chrono::seconds(1);
  };
  using Done = tl::expected<void, Failure>;

  AuditSink(Config config, ReadLog log);

  // Take has the sink take records that are to be committed next. Failures of both: kAuditBlocked,
  // and what is wrong in words; nothing may be committed then.
  Done Take(const std::vector<audit::Record>& records);
  // Probe says whether records would be taken. It opens what could not be opened before and brings
  // a file up to the store's log; kUnavailable when that is not at its end yet.
  Done Probe();

 private:
  Done Run(std::function<Done()> job);
  // All below is the sink's thread's.
  Done Ready();
  Done Join();
  // EndOfLines is where the last whole line ends: a part of one is of a record that nobody was told
  // of.
  tl::expected<uint64_t, Failure> EndOfLines();
  // IsInLog: the record of this line is in the store's log, where `at` gets its sequence.
  tl::expected<bool, Failure> IsInLog(std::string_view line, uint64_t& at);
  Done CatchUp();
  Done TakeNow(uint64_t first, uint64_t last, const std::string& lines);
  tl::unexpected<Failure> Blocked(const std::string& what) const;

  const Config config_;
  const ReadLog log_;
  std::unique_ptr<Sink> sink_;
  bool is_whole_ = false;     // it has all that the store has
  uint64_t position_ = 0;     // last record that it has
  size_t wanted_ = 0;         // octets that it could not take
  bool is_of_store_ = false;  // one of its checkpoints is signed by this store
  PatientThread thread_;      // ends first
};

// LineOf is a record as a line of JSON, with its end.
std::string LineOf(const audit::Record& record);

}  // namespace keymast::server
