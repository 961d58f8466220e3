// SPDX-License-Identifier: Apache-2.0
// Memory ends at the n-th allocation of everything a server can be asked for, n = 1, 2, ... until
// it goes through: the server ends there, at once and in order, and what its store then has is a
// state between two steps, with all that was promised in it, from which a start sends nothing
// twice. KEYMAST_LONG=1 takes every n; otherwise all of the first and last, and some between.
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <set>

#include "rekey/calendar.h"
#include "rekey/ladder.h"
#include "server/open_store.h"
#include "shell/out_of_memory.h"
#include "tests/unit/oom/operation.h"

#if defined(__SANITIZE_ADDRESS__)
// What was freed is held back for a while; of 256 MiB of that each fork would take half its time.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=8"; }
#endif

namespace keymast::oom {
namespace {

using testing::TestWithParam;

const bool kLong = std::getenv("KEYMAST_LONG") != nullptr;
constexpr uint64_t kFirst = 6;
constexpr uint64_t kLast = 4;
constexpr uint64_t kBetween = 12;

// StrikesOf chooses allocations out of `count` and one more, which may be there or not.
std::set<uint64_t> StrikesOf(uint64_t count) {
  std::set<uint64_t> strikes;
  const uint64_t stride = kLong ? 1 : std::max<uint64_t>(1, count / kBetween);
  for (uint64_t n = 1; n <= count + 1; n += stride) strikes.insert(n);
  for (uint64_t n = 1; n <= std::min(kFirst, count); ++n) strikes.insert(n);
  for (uint64_t n = count + 1; n > 0 && n + kLast > count; --n) strikes.insert(n);
  return strikes;
}

std::string HashOf(const rekey::State& state) { return ToHex(server::StateHashOf(state)); }

// Spent are the COUNTERs that were on the way under each key.
class Spent {
 public:
  void Add(const Endpoint& to, ByteView octets) {
    if (const auto at = PlaceOf(to, octets))
      highest_[at->first] = std::max(highest_[at->first], at->second);
  }
  // Follows is what leaves later: above all of these. False for what has no COUNTER.
  bool Follows(const Endpoint& to, ByteView octets) {
    const auto at = PlaceOf(to, octets);
    if (!at) return false;
    EXPECT_GT(at->second, highest_[at->first]) << "a COUNTER comes again to " << ToString(to);
    Add(to, octets);
    return true;
  }

 private:
  // MSK messages are under the key of whom they go to, MTK messages under that of their MSK.
  static std::optional<std::pair<std::string, uint32_t>> PlaceOf(const Endpoint& to,
                                                                 ByteView octets) {
    if (octets.empty() || octets[0] == mikey::kVersion2) return std::nullopt;
    const auto seen = mikey::Inspect(octets);
    EXPECT_TRUE(seen.has_value());
    if (!seen) return std::nullopt;
    const bool is_mtk = seen->kind == mikey::MessageKind::kMtk;
    return std::pair(is_mtk ? std::to_string(seen->ids.msk.value()) : ToString(to), seen->counter);
  }
  std::map<std::string, uint32_t> highest_;
};

// End is what a server left behind, and what had left it by then.
struct End {
  Bytes commits;
  std::string witness;
  auto operator<=>(const End&) const = default;
};
using Ends = std::map<End, std::vector<Post>>;

// Whole is a life in which memory does not end.
struct Whole {
  uint64_t allocations = 0;
  std::string before;
  std::string after;
  Bytes begun;  // commits
  Bytes done;
  std::optional<size_t> promised;
  Instant begin{};  // by the server's clock
  Instant end{};
};

const House& TheHouse() {
  static const House house;
  return house;
}

class OutOfMemory : public TestWithParam<Operation> {
 protected:
  const Operation& operation() const { return GetParam(); }

  Whole Live() {
    Trial trial(TheHouse(), 0);
    const Operation::Act act = operation().begin(trial);
    Whole whole;
    whole.before = trial.StateHash();
    whole.begin = trial.now();
    whole.begun = trial.Commits();
    trial.Light();
    act(trial);
    EXPECT_TRUE(trial.Settle()) << trial.Log();
    trial.Quench();
    whole.allocations = trial.burnt();
    whole.done = trial.Commits();
    whole.promised = trial.promised();
    whole.after = trial.StateHash();
    whole.end = trial.now();
    trial.End();
    Note(trial);
    return whole;
  }

  // Strike ends the memory of one life; false when it was over before.
  bool Strike(const Whole& whole, uint64_t n) {
    Trial trial(TheHouse(), n);
    const Operation::Act act = operation().begin(trial);
    trial.StateHash();  // as in the whole life
    trial.Light();
    act(trial);
    trial.Settle();
    if (!trial.HasStruck()) return false;
    const int status = trial.End();
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status) << "\n" << trial.Log();
    EXPECT_EQ(WEXITSTATUS(status), shell::kOutOfMemory) << trial.Log();
    const std::string log = trial.Log();
    EXPECT_EQ(log.find("\"out_of_memory\""), log.rfind("\"out_of_memory\"")) << log;
    EXPECT_TRUE(log.ends_with("started again\"}\n")) << log;
    const Bytes commits = trial.Commits();
    EXPECT_GE(commits.size(), whole.begun.size());
    EXPECT_LE(commits.size(), whole.done.size());
    EXPECT_TRUE(std::equal(commits.begin(), commits.end(), whole.done.begin()))
        << "it did something else than the whole life";
    EXPECT_GE(commits.size(), trial.promised() ? whole.promised.value_or(0) : 0) << "of a promise";
    Note(trial);
    return true;
  }

  void Note(const Trial& trial) {
    std::vector<Post>& sent = ends_[{trial.Commits(), trial.house().Witness()}];
    sent.insert(sent.end(), trial.sent().begin(), trial.sent().end());
  }

  // HashAt is that of `state` by the clock: a switch whose instant has come needs no commit, but
  // for a headend that is asked first.
  static std::string HashAt(rekey::State state, Instant now) {
    for (auto& [id, channel] : state.channels) {
      rekey::Ladder ladder = channel.ladder;
      if (id == controller::kNews || !rekey::ShouldActivate(ladder, now)) continue;
      rekey::Activate(ladder);
      rekey::Replan(channel, ladder, ladder.active->switch_at);
      rekey::Apply(state, rekey::LadderPut{id, std::move(ladder)});
    }
    return HashOf(state);
  }

  // Resume starts from what was left, and lets half a minute pass.
  void Resume(const Whole& whole, const End& end, const std::vector<Post>& sent) {
    auto recovered = TheHouse().Recover(end.commits, end.witness);
    ASSERT_TRUE(recovered.opened.has_value()) << recovered.opened.error().message;
    const rekey::State& state = recovered.opened->state;
    if (end.commits == whole.begun) {
      EXPECT_EQ(HashAt(state, whole.begin), whole.before) << "it is not what it was";
    }
    if (end.commits == whole.done) {
      EXPECT_EQ(HashAt(state, whole.end), whole.after) << "what was done is not there";
    }
    Spent spent;
    for (const Post& post : sent) spent.Add(post.at, post.octets);
    crypto::SeededRng rng(1234);
    controller::Controller next(TheHouse().config(), state, rng, crypto::DefaultSuite());
    Instant now = whole.end;
    size_t compared = 0;
    const auto deliver = [&](const controller::Step& step) {
      for (const auto& one : step.datagrams)
        compared += spent.Follows(one.to, one.octets) ? 1U : 0U;
    };
    deliver(next.Start(now, false));
    for (const Instant last = now + std::chrono::seconds(30); next.NextDeadline() <= last;) {
      now = std::max(now, next.NextDeadline());
      deliver(next.Tick(now));
    }
    EXPECT_GT(compared, 0U);
  }

  Ends ends_;
};

TEST_P(OutOfMemory, EndsTheProcessAndLosesNothing) {
  const Whole whole = Live();
  ASSERT_GT(whole.allocations, 0U);
  uint64_t struck = 0;
  for (const uint64_t n : StrikesOf(whole.allocations)) {
    struck += Strike(whole, n) ? 1U : 0U;
    if (HasFailure()) FAIL() << "allocation " << n << " of " << whole.allocations;
  }
  EXPECT_GT(struck, 0U);
  for (const auto& [end, sent] : ends_) Resume(whole, end, sent);
  RecordProperty("allocations", static_cast<int>(whole.allocations));
  std::printf("%s: %d allocations, struck at %d, %d ends\n", operation().name.c_str(),
              static_cast<int>(whole.allocations), static_cast<int>(struck),
              static_cast<int>(ends_.size()));
}

std::string NameOf(const testing::TestParamInfo<Operation>& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Requests, OutOfMemory, testing::ValuesIn(Requests(TheHouse())), NameOf);
INSTANTIATE_TEST_SUITE_P(Streams, OutOfMemory, testing::ValuesIn(Streams(TheHouse())), NameOf);
INSTANTIATE_TEST_SUITE_P(Datagrams, OutOfMemory, testing::ValuesIn(Datagrams(TheHouse())), NameOf);
INSTANTIATE_TEST_SUITE_P(Instants, OutOfMemory, testing::ValuesIn(Instants(TheHouse())), NameOf);

// A request of the private protocol that nobody listed here would be a gap.
TEST(OutOfMemoryList, HasEveryRequest) {
  std::set<std::string> listed;
  for (const auto& list : {Requests(TheHouse()), Streams(TheHouse())}) {
    for (const Operation& one : list) listed.insert(one.name.substr(0, one.name.find(' ')));
  }
  const auto* requests = core::CoreRequest::descriptor()->FindOneofByName("request");
  for (int i = 0; i < requests->field_count(); ++i) {
    EXPECT_TRUE(listed.contains(requests->field(i)->name())) << requests->field(i)->name();
  }
}

}  // namespace
}  // namespace keymast::oom
