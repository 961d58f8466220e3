// SPDX-License-Identifier: Apache-2.0
#include "checker.h"

#include <algorithm>
#include <unordered_set>

#include "mixing.h"
#include "model.h"

namespace keymast::linear {
namespace {

constexpr uint64_t kOneSeed = 11;
constexpr uint64_t kOtherSeed = 12;

// Two digests: a configuration that is taken for one seen before can only refuse a good history,
// never accept a bad one.
struct Digests {
  uint64_t one = 0;
  uint64_t other = 0;
  friend bool operator==(const Digests&, const Digests&) = default;
};
struct FirstOf {
  size_t operator()(const Digests& digests) const { return digests.one; }
};

// Configuration is a model and the operations that brought it there.
struct Configuration {
  Model model;
  std::vector<bool> done;
  size_t count = 0;

  Digests DigestsOf() const {
    Mixing one(kOneSeed);
    Mixing other(kOtherSeed);
    for (size_t i = 0; i < done.size(); ++i) {
      if (!done[i]) continue;
      one.Add(i);
      other.Add(i);
    }
    one.Add(model.Digest(kOneSeed));
    other.Add(model.Digest(kOtherSeed));
    return {one.value(), other.value()};
  }
};

class Search {
 public:
  Search(const History& history, uint64_t most) : most_(most) {
    for (const Operation& operation : history) {
      // A read that nobody was answered says nothing.
      const bool is_read = IsRead(operation.request.verb) || operation.request.validate_only;
      if (operation.answer || !is_read) operations_.push_back(operation);
    }
    std::stable_sort(operations_.begin(), operations_.end(),
                     [](const Operation& a, const Operation& b) { return a.called < b.called; });
  }

  Verdict Run() {
    Configuration begin;
    begin.done.resize(operations_.size());
    if (From(std::move(begin))) return {Verdict::Kind::kLinearizable, looked_at_, {}};
    if (looked_at_ > most_) return {Verdict::Kind::kGaveUp, looked_at_, Furthest()};
    return {Verdict::Kind::kRefused, looked_at_, Furthest()};
  }

 private:
  struct Next {
    size_t operation;
    Model model;
  };

  // Candidates may come next: none that is still open was answered before they were called.
  std::vector<size_t> Candidates(const Configuration& at) const {
    int64_t first_answer = kUnknown;
    std::vector<size_t> open;
    for (size_t i = 0; i < operations_.size(); ++i) {
      if (at.done[i]) continue;
      if (operations_[i].called > first_answer) break;
      first_answer = std::min(first_answer, operations_[i].answered);
      open.push_back(i);
    }
    std::erase_if(open, [&](size_t i) { return operations_[i].called > first_answer; });
    std::stable_sort(open.begin(), open.end(), [this](size_t a, size_t b) {
      return operations_[a].answered < operations_[b].answered;
    });
    return open;
  }

  // ChangesNothing: an operation with this answer changes nothing, whenever it comes. (A deletion
  // of what is missing changes nothing now, and with the same answer something later.)
  static bool ChangesNothing(const Operation& operation, const Model::Done& done) {
    return done.answer.error || done.is_repeated || IsRead(operation.request.verb) ||
           operation.request.validate_only;
  }

  // Advance does at once what fits and changes nothing: whatever comes behind sees the same. The
  // rest is for the search to try.
  std::vector<Next> Advance(Configuration& at) const {
    for (;;) {
      std::vector<Next> choices;
      bool has_moved = false;
      for (const size_t i : Candidates(at)) {
        const Operation& operation = operations_[i];
        Model model = at.model;
        const Answer* told = operation.answer ? &*operation.answer : nullptr;
        const Model::Done done = model.Do(operation.request, told);
        if (told != nullptr && *told != done.answer) continue;
        // One that says when something was made says what comes behind it.
        const bool is_alone = told != nullptr && ChangesNothing(operation, done);
        if (is_alone && model == at.model) {
          at.done[i] = true;
          ++at.count;
          has_moved = true;
        } else if (operation.answer || done.has_changed) {
          choices.push_back({i, std::move(model)});
        }
      }
      if (!has_moved) return choices;
    }
  }

  // IsExplained: what is left was never answered, and need not have happened.
  bool IsExplained(const Configuration& at) const {
    for (size_t i = 0; i < operations_.size(); ++i) {
      if (!at.done[i] && operations_[i].answer) return false;
    }
    return true;
  }

  bool From(Configuration at) {
    if (++looked_at_ > most_) return false;
    const std::vector<Next> choices = Advance(at);
    if (IsExplained(at)) return true;
    if (!seen_.insert(at.DigestsOf()).second) return false;
    if (at.count >= furthest_.count) furthest_ = at;
    for (const Next& next : choices) {
      Configuration behind{next.model, at.done, at.count + 1};
      behind.done[next.operation] = true;
      if (From(std::move(behind))) return true;
      if (looked_at_ > most_) return false;
    }
    return false;
  }

  std::string Furthest() const {
    std::string text = std::to_string(furthest_.count) + " of " +
                       std::to_string(operations_.size()) + " operations could be put in order";
    for (const size_t i : Candidates(furthest_)) {
      Model model = furthest_.model;
      const Answer* told = operations_[i].answer ? &*operations_[i].answer : nullptr;
      const Model::Done done = model.Do(operations_[i].request, told);
      text += "\n  " + ToText(operations_[i]) + "; then due: " + ToText(done.answer);
    }
    return text;
  }

  const uint64_t most_;
  uint64_t looked_at_ = 0;
  History operations_;  // by call
  std::unordered_set<Digests, FirstOf> seen_;
  Configuration furthest_;
};

}  // namespace

Verdict Check(const History& history, uint64_t most) { return Search(history, most).Run(); }

}  // namespace keymast::linear
