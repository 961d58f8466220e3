// SPDX-License-Identifier: Apache-2.0
// Commands that send the rows of a CSV file, 1000 a request.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cli/methods.h"

namespace keymast::cli {

inline constexpr size_t kBatch = 1000;

// CsvRow is a line with something in it; the first cell is the id of what it makes.
struct CsvRow {
  size_t line = 0;  // from 1
  std::vector<std::string> cells;
};

struct CsvOptions {
  std::string file;
  bool skip_existing = false;
  bool validate_only = false;
  std::string request_id;  // of all requests together; each has one that follows from it
};

// AddCsvOptions adds --csv, --validate-only and --request-id; `lines` is what a line holds.
void AddCsvOptions(Command& command, const std::string& lines, CsvOptions& options);
// SkipExisting is of commands that create.
Option SkipExisting(CsvOptions& options);

// ReadCsv gives every line but empty ones and those that begin with #; each must have `cells`
// cells, and an id of its own. No quoting.
Outcome<std::vector<CsvRow>> ReadCsv(const std::string& path, size_t cells);

// Leave drops the rows whose ids exist, full names or ids, and returns how many.
size_t Leave(const std::set<std::string>& existing, std::vector<CsvRow>& rows);

// Batches says where in the file a request is that failed, and what was done before it.
class Batches {
 public:
  Batches(const CsvOptions& options, const std::vector<CsvRow>& rows)
      : options_(options), rows_(rows) {}
  // NotMade is of row `at`, that no request could be made of; rows before `sent` are done.
  Problem NotMade(Problem problem, size_t sent, size_t at) const;
  // Refused is of the request with the rows from `first` to before `end`.
  Problem Refused(Problem problem, size_t first, size_t end) const;

 private:
  std::string Place(size_t row) const;
  void TellDone(size_t done, Problem& problem) const;

  const CsvOptions& options_;
  const std::vector<CsvRow>& rows_;
};

// SendBatches has `put` put each row into a copy of `batch`, 1000 a request, and gathers what comes
// back. What was done before a failure stays done. Repeated with the same file and request id, what
// was done is answered and not done again.
template <class Batch, class Response, class Put>
Outcome<void> SendBatches(Context& context, const std::string& method, const CsvOptions& options,
                          const std::vector<CsvRow>& rows, const Batch& batch, Put put,
                          Response& all) {
  const Batches batches(options, rows);
  for (size_t first = 0; first < rows.size(); first += kBatch) {
    const size_t end = std::min(rows.size(), first + kBatch);
    Batch request = batch;
    std::vector<std::string> names;
    for (size_t at = first; at < end; ++at) names.push_back(rows[at].cells[0]);
    request.set_request_id(PartRequestId(options.request_id, names));
    request.set_validate_only(options.validate_only);
    for (size_t at = first; at < end; ++at) {
      auto one = put(rows[at], request);
      if (!one) return tl::unexpected(batches.NotMade(std::move(one.error()), first, at));
    }
    Response response;
    if (auto called = context.session.Call(method, request, response); !called) {
      return tl::unexpected(batches.Refused(std::move(called.error()), first, end));
    }
    all.MergeFrom(response);
  }
  return {};
}

}  // namespace keymast::cli
