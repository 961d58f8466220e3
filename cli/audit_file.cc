// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_file.h"

#include <charconv>
#include <fstream>

#include "cli/output.h"

namespace keymast::cli {
namespace {

constexpr size_t kHash = 32;
constexpr const char* kCheckpoint = "checkpoint";

// Chain follows the records of one file.
class Chain {
 public:
  Chain(const AuditExpectation& expected, const AuditRules& rules)
      : expected_(expected), rules_(rules) {
    summary_.end.hash = Bytes(kHash, 0);  // what record 1 follows
  }

  // Take says what is wrong with the next record.
  Outcome<void> Take(const v1::AuditRecord& record) {
    AuditPlace& end = summary_.end;
    if (record.sequence() != end.sequence + 1) {
      return Wrong("record " + std::to_string(record.sequence()) + " follows " +
                   std::to_string(end.sequence) + ": records are missing or out of order");
    }
    const Bytes hash = rules_.hash(end.hash, record);
    const std::string name = "record " + std::to_string(record.sequence());
    if (!Equal(hash, AsBytes(record.hash()))) {
      return Wrong(name + " was changed, or one before it: its hash does not follow");
    }
    if (record.method() == kCheckpoint) {
      if (!rules_.is_signed(record)) {
        return Wrong(name + ": the checkpoint is not signed by this key");
      }
      ++summary_.checkpoints;
      summary_.signed_to = record.sequence();
    }
    ++summary_.records;
    end = {record.sequence(), hash};
    return Compare();
  }

  // Finish says what is missing at the end.
  Outcome<AuditSummary> Finish() const {
    const auto behind = [&](const std::optional<AuditPlace>& place) {
      return place && place->sequence > summary_.end.sequence;
    };
    if (behind(expected_.position)) {
      return Wrong("the tail is cut: it ends at " + std::to_string(summary_.end.sequence) +
                   ", and record " + PositionText(*expected_.position) + " is missing");
    }
    if (expected_.server && expected_.server->sequence < summary_.end.sequence) {
      return Wrong("the server's log ends at " + std::to_string(expected_.server->sequence) +
                   ", before this file: the server has lost its tail");
    }
    return summary_;
  }

 private:
  static tl::unexpected<Problem> Wrong(std::string message) {
    return tl::unexpected(Problem{.message = std::move(message)});
  }

  // The record that was taken, where it is one of those expected.
  Outcome<void> Compare() const {
    for (const auto& place : {expected_.position, expected_.server}) {
      if (!place || place->sequence != summary_.end.sequence) continue;
      if (Equal(place->hash, summary_.end.hash)) continue;
      return Wrong("this is another log: record " + PositionText(summary_.end) +
                   " was expected as " + PositionText(*place));
    }
    return {};
  }

  const AuditExpectation& expected_;
  const AuditRules& rules_;
  AuditSummary summary_;
};

Problem At(const std::string& path, size_t line, Problem problem) {
  problem.message = path + ":" + std::to_string(line) + ": " + problem.message;
  problem.exit = Exit::kRefused;
  return problem;
}

}  // namespace

Outcome<AuditSummary> VerifyAuditFile(const std::string& path, const AuditExpectation& expected,
                                      const AuditRules& rules) {
  std::ifstream file(path);
  if (!file) return UsageProblem(path + ": cannot be read");
  Chain chain(expected, rules);
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    v1::AuditRecord record;
    if (auto read = ParseJson(line, record); !read) {
      return tl::unexpected(At(path, number, std::move(read.error())));
    }
    if (auto taken = chain.Take(record); !taken) {
      return tl::unexpected(At(path, number, std::move(taken.error())));
    }
  }
  auto summary = chain.Finish();
  if (!summary) return tl::unexpected(At(path, number, std::move(summary.error())));
  return summary;
}

std::string PositionText(const AuditPlace& place) {
  return std::to_string(place.sequence) + ":" + ToHex(place.hash);
}

Outcome<AuditPlace> ReadPosition(const std::string& text) {
  AuditPlace place;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), place.sequence);
  const auto at = static_cast<size_t>(read.ptr - text.data());
  const bool is_place = read.ec == std::errc() && text.substr(at).starts_with(':') &&
                        FromHex(text.substr(at + 1), place.hash) && place.hash.size() == kHash;
  if (is_place) return place;
  return UsageProblem("\"" + text + "\" is not SEQUENCE:HASH, as audit export tells its end");
}

}  // namespace keymast::cli
