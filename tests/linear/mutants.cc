// SPDX-License-Identifier: Apache-2.0
#include "mutants.h"

#include <algorithm>

namespace keymast::linear {
namespace {

constexpr uint32_t kNeverWritten = 999'999;

bool IsOk(const Operation& operation) { return operation.answer && !operation.answer->error; }

bool ShowsChannel(const Operation& operation) {
  return operation.request.verb == Verb::kGetChannel && IsOk(operation);
}

// The display names of channels are each written by one request alone, however often it comes.
bool Writes(const Operation& operation, const View& view) {
  const Verb verb = operation.request.verb;
  const bool may = verb == Verb::kCreateChannel || verb == Verb::kUpdateChannel;
  return may && operation.request.first == view.first;
}

// Two reads with their answers swapped, of which the earlier now shows what nobody had asked for
// until it was answered.
std::optional<History> SwappedReads(const History& history) {
  for (size_t early = 0; early < history.size(); ++early) {
    if (!ShowsChannel(history[early])) continue;
    for (size_t late = 0; late < history.size(); ++late) {
      if (!ShowsChannel(history[late]) || history[late].called <= history[early].answered ||
          history[late].request.channel != history[early].request.channel) {
        continue;
      }
      const bool was_known =
          std::any_of(history.begin(), history.end(), [&](const Operation& operation) {
            return Writes(operation, history[late].answer->views[0]) &&
                   operation.called <= history[early].answered;
          });
      if (was_known) continue;
      History mutant = history;
      std::swap(mutant[early].answer, mutant[late].answer);
      return mutant;
    }
  }
  return std::nullopt;
}

// A read of what nobody wrote.
std::optional<History> Phantom(const History& history) {
  for (size_t i = history.size(); i-- > 0;) {
    if (!IsRead(history[i].request.verb) || !IsOk(history[i])) continue;
    if (history[i].answer->views.empty()) continue;
    History mutant = history;
    mutant[i].answer->views[0].first = kNeverWritten;
    return mutant;
  }
  return std::nullopt;
}

// A write that was read, and was never made.
std::optional<History> LostWrite(const History& history) {
  for (const Operation& read : history) {
    if (!ShowsChannel(read)) continue;
    History mutant = history;
    std::erase_if(mutant, [&](const Operation& operation) {
      return Writes(operation, read.answer->views[0]);
    });
    return mutant;
  }
  return std::nullopt;
}

// A resource that is in the last list of all and cannot be found behind it.
std::optional<History> Vanished(const History& history) {
  const auto last =
      std::max_element(history.begin(), history.end(),
                       [](const Operation& a, const Operation& b) { return a.called < b.called; });
  if (last == history.end()) return std::nullopt;
  for (const Operation& list : history) {
    const bool is_last = std::none_of(history.begin(), history.end(), [&](const Operation& other) {
      return !IsRead(other.request.verb) && (!other.answer || other.answered >= list.called);
    });
    if (list.request.verb != Verb::kListSubscribers || !is_last || !IsOk(list)) continue;
    if (list.answer->views.empty()) continue;
    History mutant = history;
    Operation read;
    read.request.verb = Verb::kGetSubscriber;
    read.request.subscribers = {list.answer->views[0].id};
    read.called = std::max(last->called, last->answer ? last->answered : last->called) + 1;
    read.answered = read.called + 1;
    read.answer = Answer{Error::kNotFound};
    mutant.push_back(read);
    return mutant;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Mutant> MutantsOf(const History& history) {
  std::vector<Mutant> mutants;
  const auto add = [&mutants](const char* what, std::optional<History> mutant) {
    if (mutant) mutants.push_back({what, std::move(*mutant)});
  };
  add("two answers swapped", SwappedReads(history));
  add("a read of what was never written", Phantom(history));
  add("a write that was read and is not there", LostWrite(history));
  add("what was listed is not found", Vanished(history));
  return mutants;
}

}  // namespace keymast::linear
