// SPDX-License-Identifier: Apache-2.0
#include "cli/batch.h"

#include <charconv>
#include <map>
#include <sstream>

#include "shell/files.h"
#include "shell/json_line.h"

namespace keymast::cli {
namespace {

constexpr size_t kMaxCsv = 256 << 20;  // a million members, with room

// The index in `requests[417].member`, and what stands behind it.
bool InBatch(std::string_view field, size_t& index, std::string_view& rest) {
  constexpr std::string_view kPrefix = "requests[";
  if (!field.starts_with(kPrefix)) return false;
  field.remove_prefix(kPrefix.size());
  const auto read = std::from_chars(field.data(), field.data() + field.size(), index);
  rest = field.substr(static_cast<size_t>(read.ptr - field.data()));
  if (read.ec != std::errc() || !rest.starts_with(']')) return false;
  rest.remove_prefix(rest.starts_with("].") ? 2 : 1);
  return true;
}

}  // namespace

void AddCsvOptions(Command& command, const std::string& lines, CsvOptions& options) {
  options.request_id = NewRequestId();
  command.Add(Valued("--csv", "FILE", "Lines " + lines, Into(options.file)).Required());
  command.Add(
      Flag("--validate-only", "Check everything, and change nothing", options.validate_only));
  const Taker take = [&options](const std::string& typed) -> Outcome<void> {
    if (!IsUuid(typed)) return UsageProblem("\"" + typed + "\" is not a UUID");
    options.request_id = typed;
    return {};
  };
  command.Add(Valued("--request-id", "UUID",
                     "Of a file that is sent again; a new one when not given", take));
}

Option SkipExisting(CsvOptions& options) {
  return Flag("--skip-existing", "Pass over rows whose subscriber or member exists",
              options.skip_existing);
}

Outcome<std::vector<CsvRow>> ReadCsv(const std::string& path, size_t cells) {
  const auto text = shell::ReadFile(path, kMaxCsv);
  if (!text) return UsageProblem(path + ": cannot be read (" + shell::WhyNot(text.error()) + ")");
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // as spreadsheets write it
  std::istringstream file(text->starts_with(kByteOrderMark) ? text->substr(kByteOrderMark.size())
                                                            : *text);
  std::vector<CsvRow> rows;
  std::map<std::string, size_t> lines;  // by id
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    CsvRow row{number, {}};
    std::istringstream rest(line);
    for (std::string cell; std::getline(rest, cell, ',');) row.cells.push_back(cell);
    if (line.ends_with(',')) row.cells.emplace_back();
    if (row.cells.size() != cells) {
      return UsageProblem(path + ":" + std::to_string(number) + ": " +
                          std::to_string(row.cells.size()) + " cells where " +
                          std::to_string(cells) + " belong");
    }
    if (!shell::IsUtf8(line)) {
      return UsageProblem(path + ":" + std::to_string(number) + ": it is not UTF-8");
    }
    auto id = SubscriberId(path + ":" + std::to_string(number), row.cells[0]);
    if (!id) return tl::unexpected(std::move(id.error()));
    row.cells[0] = std::move(*id);
    const auto [first, is_new] = lines.emplace(row.cells[0], number);
    if (!is_new) {
      return UsageProblem(path + ":" + std::to_string(number) + ": " + first->first +
                          " is in line " + std::to_string(first->second) + ", too");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

size_t Leave(const std::set<std::string>& existing, std::vector<CsvRow>& rows) {
  return std::erase_if(rows, [&](const CsvRow& row) { return existing.contains(row.cells[0]); });
}

std::string Batches::Place(size_t row) const {
  return options_.file + ":" + std::to_string(rows_[row].line);
}

void Batches::TellDone(size_t done, Problem& problem) const {
  const std::string what = options_.validate_only ? " rows are good" : " rows are done";
  std::string text = std::to_string(done) + " of " + std::to_string(rows_.size()) + what;
  if (done > 0) text += ", to line " + std::to_string(rows_[done - 1].line);
  const bool may_skip = !options_.skip_existing && !options_.validate_only;
  if (done > 0 && may_skip) text += "; --skip-existing goes on behind them";
  problem.advice += (problem.advice.empty() ? "" : "\n  ") + text;
}

Problem Batches::NotMade(Problem problem, size_t sent, size_t at) const {
  problem.message = Place(at) + ": " + problem.message;
  TellDone(sent, problem);
  return problem;
}

Problem Batches::Refused(Problem problem, size_t first, size_t end) const {
  for (auto& [field, description] : problem.violations) {
    size_t index = 0;
    std::string_view rest;
    if (!InBatch(field, index, rest) || index >= end - first) continue;
    field = Place(first + index) + (rest.empty() ? "" : ": " + std::string(rest));
  }
  for (size_t at = first; at < end && !problem.resource.empty(); ++at) {
    if (rows_[at].cells[0] != LastSegment(problem.resource)) continue;
    problem.violations.emplace_back(Place(at), problem.resource);
  }
  // Without an answer nobody knows whether this request was carried out; a check changes nothing.
  const bool is_known = problem.is_outcome_known || options_.validate_only;
  problem.violations.emplace_back(
      "lines " + std::to_string(rows_[first].line) + " to " + std::to_string(rows_[end - 1].line),
      is_known ? "refused together" : "may have been done, all of them, or none");
  TellDone(first, problem);
  if (!is_known) AdviseRepetition(options_.request_id, problem);
  return problem;
}

}  // namespace keymast::cli
