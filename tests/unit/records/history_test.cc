// SPDX-License-Identifier: Apache-2.0
// Random histories, held against the plain fold of their changes.
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

const int kHistories = std::getenv("KEYMAST_LONG") != nullptr ? 20000 : 600;

using Changes = std::vector<rekey::Change>;

Changes Step(Dice& dice) {
  Changes changes;
  const size_t most = dice.OneIn(8) ? 60 : 6;
  for (size_t i = 1 + dice.Below(most); i > 0; --i) changes.push_back(dice.Event());
  return changes;
}

void ApplyAll(rekey::State& state, const Changes& changes) {
  for (const rekey::Change& change : changes) rekey::Apply(state, change);
}

// History is a run of commits with starts and reloads in between.
class History {
 public:
  explicit History(uint64_t seed) : dice_(seed) { Open(); }

  void Go() {
    if (dice_.OneIn(12)) return Reopen();
    if (dice_.OneIn(12)) return Reload();
    const Changes changes = Step(dice_);
    const uint64_t before = opened_.repository->revision();
    const Result<uint64_t> number = opened_.repository->Commit(changes);
    ASSERT_TRUE(number.has_value()) << ErrorName(number.error());
    EXPECT_GT(*number, before);
    ApplyAll(model_, changes);
    clean_ = false;
    pages_ = std::max(pages_, opened_.repository->writer().pages().size());
    longest_ = std::max(longest_, opened_.repository->writer().journal_records());
  }
  void Reopen() {
    const bool closes = dice_.OneIn(2);
    if (closes) clean_ = true;
    if (closes) {
      ASSERT_TRUE(opened_.repository->CloseClean().has_value());
    }
    opened_.repository.reset();
    Open();
  }
  void Reload() {
    const auto state = opened_.repository->Load();
    ASSERT_TRUE(state.has_value()) << state.error().message;
    EXPECT_EQ(Difference(*state, model_), "");
  }
  size_t pages() const { return pages_; }
  size_t longest() const { return longest_; }

 private:
  void Open() {
    opened_ = site_.Start();
    EXPECT_EQ(opened_.start.clean, clean_);
    EXPECT_EQ(opened_.start.lost, 0U);
    clean_ = opened_.start.clean;
    EXPECT_EQ(Difference(opened_.state, model_), "");
  }

  Dice dice_;
  Site site_;
  rekey::State model_;
  Repository::Opened opened_;
  bool clean_ = true;  // nothing was committed since the store was closed
  size_t pages_ = 0;
  size_t longest_ = 0;
};

TEST(History, EveryStartFindsTheFoldOfWhatWasCommitted) {
  size_t pages = 0;
  size_t longest = 0;
  for (int seed = 0; seed < kHistories && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(static_cast<uint64_t>(seed));
    for (int step = 0; step < 60 && !testing::Test::HasFatalFailure(); ++step) history.Go();
    history.Reopen();
    pages = std::max(pages, history.pages());
    longest = std::max(longest, history.longest());
  }
  // Pages were split, and the journal did not grow without end.
  EXPECT_GT(pages, 20U);
  EXPECT_LT(longest, 100U);
}

}  // namespace
}  // namespace keymast::records
