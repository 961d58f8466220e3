// SPDX-License-Identifier: Apache-2.0
// A session without a server: answers by method, and what was asked.
#pragma once

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "cli/run.h"

namespace keymast::cli {

// FakeServer holds the answers, as protobuf JSON; each call takes the next one of its method, the
// last one stays. It answers reflection with what this program is linked with.
class FakeServer {
 public:
  struct Asked {
    std::string method;
    std::string request;     // protobuf JSON, without the request id
    std::string request_id;  // of the whole request
  };

  void Answer(const std::string& method, const std::string& json) {
    answers_[method].push_back(json);
  }
  void Forget(const std::string& method) { answers_.erase(method); }
  // Refuse answers all calls of the method with the problem, but for the first `answered` ones.
  void Refuse(const std::string& method, Problem problem, size_t answered = 0) {
    problems_[method] = {std::move(problem), answered};
  }
  void Accept(const std::string& method) { problems_.erase(method); }
  const std::vector<Asked>& asked() const { return asked_; }
  const Target& target() const { return target_; }

  // What keymastctl is run in.
  std::string input;
  bool is_terminal = false;
  // Octets that standard output takes; then it fails, as a full disk or, closed, as a pipe whose
  // reader is gone.
  size_t out_room = SIZE_MAX;
  bool is_out_closed = false;
  Instant now = FromUnixNanos(1'769'860'800'000'000'000);  // 2026-01-31T12:00:00Z
  Duration call_time{};                                    // `now` goes on by it with each call
  std::function<void()> on_pause = [] {};                  // `now` has gone on by then

  struct Outcome {
    int exit;
    std::string out;
    std::string err;
  };
  // Run runs keymastctl with these words.
  Outcome Run(const std::vector<std::string>& words);

 private:
  class FakeSession;

  std::map<std::string, std::vector<std::string>> answers_;
  struct Refusal {
    Problem problem;
    size_t answered = 0;
  };
  std::map<std::string, Refusal> problems_;
  std::vector<Asked> asked_;
  Target target_;
};

}  // namespace keymast::cli
