// SPDX-License-Identifier: Apache-2.0
// One commit of the store fails, the first, the second and so on until none does: what is found
// afterwards is what was acknowledged, and at most the step in flight.
#include "records/split.h"
#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

using Changes = std::vector<rekey::Change>;

constexpr int kSteps = 24;

// Some steps are so large that they take several records.
std::vector<Changes> Script() {
  Dice dice(11);
  std::vector<Changes> steps(kSteps);
  for (int i = 0; i < kSteps; ++i) {
    const size_t count = i % 6 == 5 ? 70 : 5;
    for (size_t k = 0; k < count; ++k) steps[static_cast<size_t>(i)].push_back(dice.Event());
  }
  return steps;
}

void ApplyAll(rekey::State& state, const Changes& changes) {
  for (const rekey::Change& change : changes) rekey::Apply(state, change);
}

// ExpectOneOf takes the state over that was found: `model`, or what the step in flight makes of it.
void ExpectOneOf(const rekey::State& found, rekey::State& model, const Changes& in_flight) {
  if (Difference(found, model).empty()) return;
  ApplyAll(model, in_flight);
  EXPECT_EQ(Difference(found, model), "");
}

enum class Then { kLoad, kStart };

// Run goes through the script with a fault in its way; true when it struck.
bool Run(const Fault& fault, Then then) {
  Site site;
  rekey::State model;
  Repository::Opened opened = site.Start();
  site.fault = fault;
  bool struck = false;
  for (const Changes& changes : Script()) {
    const Result<uint64_t> number = opened.repository->Commit(changes);
    if (number) {
      ApplyAll(model, changes);
      continue;
    }
    EXPECT_FALSE(struck) << "a second failure: " << ErrorName(number.error());
    EXPECT_EQ(number.error(), fault.error);
    struck = true;
    if (then == Then::kLoad) {
      const auto state = opened.repository->Load();
      if (!state) ADD_FAILURE() << state.error().message;
      if (state) ExpectOneOf(*state, model, changes);
    } else {
      opened.repository.reset();
      opened = site.Start();
      ExpectOneOf(opened.state, model, changes);
    }
  }
  // It may also strike while the store is closed.
  const bool pending = site.fault.at > 0;
  const Status closed = opened.repository->CloseClean();
  struck = struck || (pending && site.fault.at == 0);
  site.fault = {};
  opened.repository.reset();
  opened = site.Start();
  EXPECT_EQ(opened.start.clean, closed.has_value());
  EXPECT_TRUE(closed.has_value() || struck);
  EXPECT_EQ(Difference(opened.state, model), "");
  return struck;
}

void AtEveryCommit(Fault fault, Then then) {
  for (uint64_t at = 1;; ++at) {
    SCOPED_TRACE("commit " + std::to_string(at) + " from the start");
    fault.at = at;
    if (!Run(fault, then)) {
      EXPECT_GT(at, uint64_t{kSteps});
      return;
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Fault, NoSpaceLeavesEverythingAsItWas) {
  AtEveryCommit({0, false, Error::kNoSpace}, Then::kLoad);
}

TEST(Fault, OutcomeUnknownAndNothingHappened) {
  AtEveryCommit({0, false, Error::kOutcomeUnknown}, Then::kLoad);
}

TEST(Fault, OutcomeUnknownAndItHappened) {
  AtEveryCommit({0, true, Error::kOutcomeUnknown}, Then::kLoad);
}

TEST(Fault, KilledBeforeACommit) { AtEveryCommit({0, false, Error::kStoreClosed}, Then::kStart); }

TEST(Fault, KilledBehindACommit) { AtEveryCommit({0, true, Error::kStoreClosed}, Then::kStart); }

// Between a failed commit of one record and the next one nothing needs to be loaded.
TEST(Fault, GoesOnAfterNoSpaceWithoutALoad) {
  Site site;
  Repository::Opened opened = site.Start();
  rekey::State model;
  Dice dice(3);
  for (uint64_t i = 0; i < 40; ++i) {
    site.fault = {i % 2, false, Error::kNoSpace};
    const Changes changes = {dice.Event(), rekey::MukCounterReserved{i}};
    const Result<uint64_t> number = opened.repository->Commit(changes);
    ASSERT_EQ(number.has_value(), i % 2 == 0);
    if (number) ApplyAll(model, changes);
  }
  opened.repository.reset();
  EXPECT_EQ(Difference(site.Start().state, model), "");
}

TEST(Fault, NothingIsCommittedWhileAnOutcomeIsOpen) {
  Site site;
  Repository::Opened opened = site.Start();
  site.fault = {1, true, Error::kOutcomeUnknown};
  const Changes changes = {rekey::MukCounterReserved{300}};
  EXPECT_EQ(opened.repository->Commit(changes).error(), Error::kOutcomeUnknown);
  EXPECT_EQ(opened.repository->Commit(changes).error(), Error::kOutcomeUnknown);
  EXPECT_EQ(opened.repository->CloseClean().error(), Error::kOutcomeUnknown);
  EXPECT_EQ(opened.repository->Load()->muk_counter.end, 300U);
  EXPECT_TRUE(opened.repository->Commit(changes).has_value());
}

TEST(Fault, AClosedStoreStaysClosed) {
  Site site;
  Repository::Opened opened = site.Start();
  site.fault = {1, false, Error::kStoreClosed};
  const Changes changes = {rekey::MukCounterReserved{300}};
  EXPECT_EQ(opened.repository->Commit(changes).error(), Error::kStoreClosed);
  EXPECT_TRUE(opened.repository->Load().has_value());
  EXPECT_EQ(opened.repository->Commit(changes).error(), Error::kStoreClosed);
  EXPECT_EQ(opened.repository->CloseClean().error(), Error::kStoreClosed);
}

TEST(Fault, AnotherWriterIsNoticed) {
  Site site;
  Repository::Opened opened = site.Start();
  const auto other = store::OpenMemoryStore(site.disk);
  EXPECT_EQ(opened.repository->Commit({rekey::MukCounterReserved{300}}).error(), Error::kFenced);
}

TEST(Fault, AChangeThatNoRecordCanHoldIsRefused) {
  Site site;
  Repository::Opened opened = site.Start();
  groups::Headend headend;
  headend.id = HeadendId("wide");
  headend.channels.assign(400, ChannelId("a-channel"));
  EXPECT_EQ(opened.repository->Commit({rekey::HeadendPut{headend}}).error(), Error::kBatchTooLarge);
  EXPECT_TRUE(opened.repository->Commit({rekey::MukCounterReserved{300}}).has_value());
}

}  // namespace
}  // namespace keymast::records
