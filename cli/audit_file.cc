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
      : expected_(expected), rules_(rules), links_{{Bytes(kHash, 0), 0, false}} {}

  // Take says what is wrong with the next record, which stands in this line.
  Outcome<void> Take(const v1::AuditRecord& record, size_t line) {
    if (record.sequence() == 0 || record.sequence() > links_.size()) {
      return Wrong("record " + std::to_string(record.sequence()) + " follows " +
                   std::to_string(links_.size() - 1) + ": records are missing or out of order");
    }
    const Bytes hash = rules_.hash(links_[record.sequence() - 1].hash, record);
    const std::string name = "record " + std::to_string(record.sequence());
    if (!Equal(hash, AsBytes(record.hash()))) {
      return Wrong(name + " was changed, or one before it: its hash does not follow");
    }
    const bool is_checkpoint = record.method() == kCheckpoint;
    if (is_checkpoint && !rules_.is_signed(record)) {
      return Wrong(name + ": the checkpoint is not signed by this key");
    }
    superseded_ += links_.size() - record.sequence();
    links_.resize(record.sequence());
    links_.push_back({hash, line, is_checkpoint});
    return {};
  }

  // Finish compares what is left with what was expected; `line` gets where it is wrong.
  Outcome<AuditSummary> Finish(size_t& line) const {
    const uint64_t end = links_.size() - 1;
    if (expected_.position && expected_.position->sequence > end) {
      return Wrong("the tail is cut: it ends at " + std::to_string(end) + ", and record " +
                   PositionText(*expected_.position) + " is missing");
    }
    if (expected_.server && expected_.server->sequence < end) {
      return Wrong("the server's log ends at " + std::to_string(expected_.server->sequence) +
                   ", before this file: the server has lost its tail");
    }
    for (const auto& place : {expected_.position, expected_.server}) {
      if (!place || place->sequence > end) continue;
      const Link& link = links_[place->sequence];
      if (Equal(place->hash, link.hash) || place->sequence == 0) continue;
      line = link.line;
      return Wrong("this is another log: record " + PositionText({place->sequence, link.hash}) +
                   " was expected as " + PositionText(*place));
    }
    return Summary();
  }

 private:
  struct Link {
    Bytes hash;
    size_t line = 0;
    bool is_checkpoint = false;
  };

  static tl::unexpected<Problem> Wrong(std::string message) {
    return tl::unexpected(Problem{.message = std::move(message)});
  }

  AuditSummary Summary() const {
    AuditSummary summary;
    summary.records = links_.size() - 1;
    summary.superseded = superseded_;
    summary.end = {summary.records, links_.back().hash};
    for (size_t i = 1; i < links_.size(); ++i) {
      if (!links_[i].is_checkpoint) continue;
      ++summary.checkpoints;
      summary.signed_to = i;
    }
    return summary;
  }

  const AuditExpectation& expected_;
  const AuditRules& rules_;
  std::vector<Link> links_;  // by sequence; before record 1 stands what it follows
  uint64_t superseded_ = 0;
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
    if (auto taken = chain.Take(record, number); !taken) {
      return tl::unexpected(At(path, number, std::move(taken.error())));
    }
  }
  auto summary = chain.Finish(number);
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
