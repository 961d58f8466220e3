// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_file.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
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
    const uint64_t sequence = record.sequence();
    if (sequence == 0 || sequence > links_.size()) {
      return Wrong("record " + std::to_string(sequence) + " follows " + std::to_string(End()) +
                   ": records are missing or out of order");
    }
    if (sequence <= End() && !expected_.is_sink) {
      return Wrong("record " + std::to_string(sequence) + " follows " + std::to_string(End()) +
                   ": records go back in the file of an audit_sink alone (--sink)");
    }
    const Bytes hash = rules_.hash(links_[sequence - 1].hash, record);
    const std::string name = "record " + std::to_string(sequence);
    if (hash.size() != kHash || !Equal(hash, AsBytes(record.hash()))) {
      return Wrong(name + " was changed, or one before it: its hash does not follow");
    }
    const bool is_checkpoint = record.method() == kCheckpoint;
    if (is_checkpoint && !rules_.is_signed(record)) {
      return Wrong(name + ": the checkpoint is not signed by this key");
    }
    if (!is_checkpoint && !record.signature().empty()) {
      return Wrong(name + " has a signature, and is no checkpoint");
    }
    if (sequence <= End() && Equal(hash, links_[sequence].hash)) {
      return Wrong(name + " is there twice");
    }
    Supersede(sequence);
    links_.push_back({hash, line, is_checkpoint});
    return {};
  }

  // Finish compares what is left with what was expected; `line` gets where it is wrong.
  Outcome<AuditSummary> Finish(size_t& line) const {
    if (End() == 0) return Wrong("it has no records, and a log begins with the server's start");
    if (auto dense = CheckSignatures(line); !dense) return tl::unexpected(dense.error());
    AuditSummary summary = Summary();
    const auto& position = expected_.position;
    if (!position) return summary;
    if (position->sequence > End()) {
      return Wrong("the tail is cut: it ends at " + std::to_string(End()) + ", and record " +
                   PositionText(*position) + " is missing");
    }
    if (auto same = Compare(*position, line); !same) return tl::unexpected(same.error());
    summary.proven_to = std::max(summary.proven_to, position->sequence);
    return summary;
  }

  // CompareEnd with the server's record of that sequence; empty: it has none.
  Outcome<void> CompareEnd(const Bytes& hash, size_t& line) const {
    if (!hash.empty()) return Compare({End(), hash}, line);
    return Wrong("the server has no record " + std::to_string(End()) +
                 (expected_.is_sink ? ": it is of a change that was not made, if the server has no "
                                      "space or has just started; otherwise it has lost its tail"
                                    : ": it has lost its tail, or never had this one"));
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

  uint64_t End() const { return links_.size() - 1; }

  // Takes away the records from this one on.
  void Supersede(uint64_t from) {
    for (uint64_t i = from; i <= End(); ++i) {
      if (links_[i].is_checkpoint) signed_ones_.push_back({i, links_[i].hash});
    }
    superseded_ += links_.size() - from;
    links_.resize(from);
  }

  Outcome<void> Compare(const AuditPlace& place, size_t& line) const {
    const Link& link = links_[place.sequence];
    if (place.sequence == 0 || Equal(place.hash, link.hash)) return {};
    line = link.line;
    return Wrong("this is another log: record " + PositionText({place.sequence, link.hash}) +
                 " was expected as " + PositionText(place));
  }

  Outcome<void> CheckSignatures(size_t& line) const {
    uint64_t signed_to = 0;
    for (uint64_t i = 1; i <= End(); ++i) {
      if (links_[i].is_checkpoint) signed_to = i;
      if (i - signed_to <= kMostUnsigned) continue;
      line = links_[i].line;
      return Wrong("records " + std::to_string(signed_to + 1) + " to " + std::to_string(i) +
                   " have no checkpoint among them, and the server signs each " +
                   std::to_string(kMostUnsigned));
    }
    return {};
  }

  AuditSummary Summary() const {
    AuditSummary summary;
    summary.records = End();
    summary.superseded = superseded_;
    summary.signed_ones = signed_ones_;
    summary.end = {End(), links_.back().hash};
    for (uint64_t i = 1; i <= End(); ++i) {
      if (!links_[i].is_checkpoint) continue;
      ++summary.checkpoints;
      summary.signed_to = i;
    }
    summary.proven_to = summary.signed_to;
    return summary;
  }

  const AuditExpectation& expected_;
  const AuditRules& rules_;
  std::vector<Link> links_;  // by sequence; before record 1 stands what it follows
  uint64_t superseded_ = 0;
  std::vector<AuditPlace> signed_ones_;  // that were superseded
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
  bool is_cut = false;
  for (std::string line; std::getline(file, line);) {
    ++number;
    is_cut = expected.is_sink && file.eof();
    if (is_cut) break;
    v1::AuditRecord record;
    if (auto read = ParseJson(line, record); !read) {
      return tl::unexpected(At(path, number, std::move(read.error())));
    }
    // Of two fields of one name readers may take either.
    if (ToJson(record, true) != line) {
      return tl::unexpected(At(path, number, {.message = "it is not as audit export writes it"}));
    }
    if (auto taken = chain.Take(record, number); !taken) {
      return tl::unexpected(At(path, number, std::move(taken.error())));
    }
  }
  auto summary = chain.Finish(number);
  if (!summary) return tl::unexpected(At(path, number, std::move(summary.error())));
  summary->is_cut = is_cut;
  if (expected.server) {
    const auto hash = expected.server(summary->end.sequence);
    if (!hash) return tl::unexpected(hash.error());  // of the server, and not of the file
    if (auto same = chain.CompareEnd(*hash, number); !same) {
      return tl::unexpected(At(path, number, std::move(same.error())));
    }
    summary->proven_to = summary->records;
    for (const AuditPlace& one : summary->signed_ones) {
      const auto kept = expected.server(one.sequence);
      if (!kept) return tl::unexpected(kept.error());
      if (kept->empty() || !Equal(*kept, one.hash)) continue;
      return tl::unexpected(
          At(path, number,
             {.message = "record " + PositionText(one) +
                         " is superseded here, and the server has it: the end was put in"}));
    }
  }
  if (summary->proven_to > 0) return summary;
  return tl::unexpected(At(path, number,
                           {.message = "nothing in it is signed yet, so that anybody can have made "
                                       "it: --expect or --status says what its end has to be"}));
}

bool ReadOctets(const std::string& text, Bytes& octets) {
  if (FromHex(text, octets) && octets.size() == kHash) return true;
  google::protobuf::BytesValue value;
  if (!google::protobuf::util::JsonStringToMessage('"' + text + '"', &value).ok()) return false;
  const ByteView read = AsBytes(value.value());
  octets.assign(read.begin(), read.end());
  return octets.size() == kHash;
}

std::string PositionText(const AuditPlace& place) {
  return std::to_string(place.sequence) + ":" + ToHex(place.hash);
}

Outcome<AuditPlace> ReadPosition(const std::string& text) {
  AuditPlace place;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), place.sequence);
  const auto at = static_cast<size_t>(read.ptr - text.data());
  const bool is_place = read.ec == std::errc() && text.substr(at).starts_with(':') &&
                        ReadOctets(text.substr(at + 1), place.hash);
  if (is_place) return place;
  return UsageProblem("\"" + text + "\" is not SEQUENCE:HASH, as audit export tells its end");
}

}  // namespace keymast::cli
