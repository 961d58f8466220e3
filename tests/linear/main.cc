// SPDX-License-Identifier: Apache-2.0
// keymast-linear records histories of a running keymast-api and checks that they are linearizable.
// On standard input it is told, a line each, the process of the keymastd that it may kill, and that
// somebody starts again. It writes one line of what it counted.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <set>
#include <thread>

#include "checker.h"
#include "mixing.h"
#include "mutants.h"
#include "run.h"

namespace keymast::linear {
namespace {

struct Plan {
  std::string socket;
  uint64_t seed = 1;
  uint32_t histories = 20;
  uint32_t rough = 2;  // of them, with a kill -9
};

struct Counts {
  uint32_t histories = 0;
  uint32_t rough = 0;
  size_t operations = 0;
  size_t acknowledged = 0;  // changes
  size_t unknown = 0;
  size_t retries = 0;
  size_t conflicts = 0;  // refusals
  size_t mutants = 0;
  uint64_t most_configurations = 0;
  double longest_check = 0;
};

void Count(const History& history, Counts& counts) {
  std::set<uint32_t> ids;
  counts.operations += history.size();
  for (const Operation& operation : history) {
    const Request& request = operation.request;
    if (request.request_id != 0) {
      counts.retries += ids.insert(request.request_id).second ? 0U : 1U;
    }
    if (!operation.answer) {
      ++counts.unknown;
    } else if (operation.answer->error) {
      ++counts.conflicts;
    } else if (!IsRead(request.verb) && !request.validate_only) {
      ++counts.acknowledged;
    }
  }
}

void Print(const Counts& counts) {
  std::cout << counts.histories << " histories (" << counts.rough << " with a kill -9), "
            << counts.operations << " operations, " << counts.acknowledged
            << " changes acknowledged, " << counts.unknown << " unknown, " << counts.retries
            << " retries, " << counts.conflicts << " conflicts, " << counts.mutants
            << " mutants refused, longest check " << counts.most_configurations
            << " configurations, " << counts.longest_check << " s" << std::endl;
}

void Explain(const std::string& what, const Plan& plan, uint32_t number, const Verdict& verdict,
             History history) {
  const char* kind = verdict.kind == Verdict::Kind::kGaveUp    ? "given up"
                     : verdict.kind == Verdict::Kind::kRefused ? "refused"
                                                               : "accepted";
  std::cerr << what << ": " << kind << " after " << verdict.configurations
            << " configurations (seed " << plan.seed << ", history " << number << ")\n"
            << verdict.why << "\nthe history:\n";
  std::stable_sort(history.begin(), history.end(),
                   [](const Operation& a, const Operation& b) { return a.called < b.called; });
  for (const Operation& operation : history) std::cerr << ToText(operation) << '\n';
}

// IsGood checks a history and that its mutants are none.
bool IsGood(const History& history, const Plan& plan, uint32_t number, Counts& counts) {
  const auto began = std::chrono::steady_clock::now();
  const Verdict verdict = Check(history);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  counts.most_configurations = std::max(counts.most_configurations, verdict.configurations);
  counts.longest_check = std::max(counts.longest_check, took.count());
  if (verdict.kind != Verdict::Kind::kLinearizable) {
    Explain("a history", plan, number, verdict, history);
    return false;
  }
  for (const Mutant& mutant : MutantsOf(history)) {
    const Verdict of_mutant = Check(mutant.history);
    if (of_mutant.kind != Verdict::Kind::kRefused) {
      Explain("a mutant, " + mutant.what, plan, number, of_mutant, mutant.history);
      return false;
    }
    ++counts.mutants;
  }
  return true;
}

// Those with a kill are spread evenly.
bool IsRough(const Plan& plan, uint32_t number) {
  const auto until = [&plan](uint64_t count) { return count * plan.rough / plan.histories; };
  return until(number) != until(number - 1);
}

bool Work(const Plan& plan, Victim& victim) {
  Counts counts;
  Run run(plan.socket, Mixed(plan.seed), victim);
  for (uint32_t number = 1; number <= plan.histories; ++number) {
    const bool is_rough = IsRough(plan, number);
    const auto history = run.Record(number, Mixed(plan.seed ^ Mixed(number)), is_rough);
    if (!history) {
      std::cerr << "the server stays away (seed " << plan.seed << ", history " << number << ")\n";
      return false;
    }
    ++counts.histories;
    counts.rough += uint32_t{is_rough};
    Count(*history, counts);
    if (!IsGood(*history, plan, number, counts)) return false;
  }
  Print(counts);
  return true;
}

// Listen passes on what is said on standard input until `is_done`.
void Listen(Victim& victim, const std::atomic<bool>& is_done) {
  std::string line;
  bool is_open = true;
  while (!is_done) {
    pollfd input{.fd = is_open ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    if (poll(&input, 1, 50) <= 0) continue;
    char letter = 0;
    is_open = read(STDIN_FILENO, &letter, 1) == 1;
    if (letter != '\n') {
      if (is_open) line += letter;
      continue;
    }
    victim.Is(static_cast<pid_t>(std::strtol(line.c_str(), nullptr, 10)));
    line.clear();
  }
}

}  // namespace
}  // namespace keymast::linear

int main(int argc, char** argv) {
  using namespace keymast::linear;
  Plan plan;
  CLI::App app("Checks that what a keymast-api answers to eight clients at once is linearizable");
  app.add_option("--socket", plan.socket, "of keymast-api's operators")->required();
  app.add_option("--seed", plan.seed);
  app.add_option("--histories", plan.histories)->check(CLI::PositiveNumber);
  app.add_option("--rough", plan.rough, "of them, with a kill -9 of the keymastd");
  CLI11_PARSE(app, argc, argv);
  Victim victim;
  std::atomic<bool> is_done = false;
  bool is_good = false;
  std::thread work([&] {
    is_good = Work(plan, victim);
    is_done = true;
  });
  Listen(victim, is_done);
  work.join();
  return is_good ? 0 : 1;
}
