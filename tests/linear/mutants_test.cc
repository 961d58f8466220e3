// SPDX-License-Identifier: Apache-2.0
#include "mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "checker.h"
#include "mix.h"
#include "mixing.h"
#include "model.h"

namespace keymast::linear {
namespace {

// Played is a history as a server gives it that does one thing after the other, of clients whose
// calls overlap.
History Played(uint64_t seed) {
  Model model;
  Dice dice(seed);
  History history;
  const auto mix = MixOf(seed, false);
  for (int i = 0; i < kEach; ++i) {
    for (int client = 0; client < kClients; ++client) {
      Operation operation;
      operation.request = mix[static_cast<size_t>(client)][static_cast<size_t>(i)];
      if (operation.request.revision == kLastSeen) operation.request.revision = 1;
      const int64_t at = 100 * (kClients * i + client);
      operation.client = client;
      operation.called = at - dice.Below(300);
      operation.answered = at + dice.Below(300);
      operation.answer = model.Do(operation.request).answer;
      history.push_back(operation);
    }
  }
  // As clients do at their end.
  Operation list;
  list.request.verb = Verb::kListSubscribers;
  list.called = 100 * kClients * kEach + 1000;
  list.answered = list.called + 1;
  list.answer = model.Do(list.request).answer;
  history.push_back(list);
  return history;
}

TEST(Mutants, OfGoodHistoriesAreAllRefused) {
  std::set<std::string> kinds;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const History history = Played(seed);
    const Verdict verdict = Check(history);
    ASSERT_EQ(verdict.kind, Verdict::Kind::kLinearizable) << "seed " << seed << ' ' << verdict.why;
    for (const Mutant& mutant : MutantsOf(history)) {
      kinds.insert(mutant.what);
      EXPECT_EQ(Check(mutant.history).kind, Verdict::Kind::kRefused)
          << "seed " << seed << ", " << mutant.what;
    }
  }
  EXPECT_EQ(kinds.size(), 4U);
}

TEST(Mix, IsTheSameForTheSameSeedAndHasEverything) {
  EXPECT_EQ(MixOf(7, false), MixOf(7, false));
  EXPECT_NE(MixOf(7, false), MixOf(8, false));
  std::set<Verb> verbs;
  size_t checks = 0;
  size_t with_id = 0;
  size_t with_etag = 0;
  for (const auto& requests : MixOf(7, false)) {
    EXPECT_EQ(requests.size(), static_cast<size_t>(kEach));
    for (const Request& request : requests) {
      verbs.insert(request.verb);
      checks += size_t{request.validate_only};
      with_id += size_t{request.request_id != 0};
      with_etag += size_t{request.revision != 0};
    }
  }
  EXPECT_EQ(verbs.size(), 18U);
  EXPECT_GT(checks, 5U);
  EXPECT_GT(with_id, 50U);
  EXPECT_GT(with_etag, 20U);
}

}  // namespace
}  // namespace keymast::linear
