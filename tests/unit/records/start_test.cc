// SPDX-License-Identifier: Apache-2.0
// What starts find and do: numbers, counters and Key Numbers are never given out twice.
#include "records/start.h"

#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

using store::WitnessRecord;

const Places kPlaces{"DATA", "WITNESS"};

WitnessRecord Known(uint64_t confirmed, uint64_t last, uint64_t reserved, bool exact, bool clean) {
  return {1, reserved, confirmed, last, exact, clean};
}

TEST(DecideStart, CleanGoesOnWhereItWas) {
  const auto start = DecideStart({1, 70}, Known(70, 70, 128, true, true), false, kPlaces);
  ASSERT_TRUE(start.has_value());
  EXPECT_TRUE(start->clean);
  EXPECT_EQ(start->next, 71U);
  EXPECT_EQ(start->lost, 0U);
}

TEST(DecideStart, KilledOnThisBootLosesNothing) {
  for (const uint64_t last : {70U, 71U, 128U}) {
    const auto start = DecideStart({1, last}, Known(64, 70, 128, true, false), false, kPlaces);
    ASSERT_TRUE(start.has_value());
    EXPECT_FALSE(start->clean);
    EXPECT_EQ(start->next, 129U);
    EXPECT_EQ(start->lost, 0U);
  }
}

TEST(DecideStart, AfterAnotherBootTheRestOfTheBlockMayBeLost) {
  const auto start = DecideStart({1, 75}, Known(64, 70, 128, false, false), false, kPlaces);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->next, 129U);
  EXPECT_EQ(start->lost, 53U);
}

TEST(DecideStart, DataBehindWhatIsCertainAreRefused) {
  const WitnessRecord witnesses[] = {
      Known(64, 70, 128, true, false),   // killed
      Known(64, 70, 128, false, false),  // another boot: `last` never runs ahead
      Known(70, 70, 128, true, true),    // clean
      Known(70, 64, 128, false, false),
  };
  for (const WitnessRecord& witness : witnesses) {
    const auto start = DecideStart({1, 69}, witness, false, kPlaces);
    ASSERT_FALSE(start.has_value());
    EXPECT_EQ(start.error().error, Error::kRolledBack);
    for (const char* word : {"DATA", "WITNESS", "commit 69", "commit 70", "--accept-rollback"}) {
      EXPECT_NE(start.error().message.find(word), std::string::npos) << start.error().message;
    }
  }
}

TEST(DecideStart, AWitnessThatIsMissingOrBehindIsRefused) {
  EXPECT_EQ(DecideStart({1, 70}, std::nullopt, false, kPlaces).error().error, Error::kRolledBack);
  EXPECT_EQ(DecideStart({1, 129}, Known(64, 70, 128, true, true), false, kPlaces).error().error,
            Error::kRolledBack);
  EXPECT_EQ(DecideStart({2, 70}, Known(70, 70, 128, true, true), false, kPlaces).error().error,
            Error::kRolledBack);
}

TEST(DecideStart, AnAcceptedRollbackBeginsAnIncarnationAboveBoth) {
  WitnessRecord witness = Known(1000, 1000, 1064, true, true);
  witness.incarnation = 4;
  const auto behind = DecideStart({3, 70}, witness, true, kPlaces);
  ASSERT_TRUE(behind.has_value());
  EXPECT_TRUE(behind->new_incarnation);
  EXPECT_EQ(behind->incarnation, 5U);
  EXPECT_EQ(behind->next, 1065U);
  EXPECT_EQ(behind->lost, 994U);
  const auto ahead = DecideStart({1, 2000}, Known(64, 70, 128, true, true), true, kPlaces);
  EXPECT_EQ(ahead->incarnation, 2U);
  EXPECT_EQ(ahead->next, 2001U);
  EXPECT_FALSE(ahead->lost.has_value());
  const auto missing = DecideStart({1, 70}, std::nullopt, true, kPlaces);
  EXPECT_EQ(missing->incarnation, 2U);
  EXPECT_FALSE(missing->lost.has_value());
}

TEST(DecideStart, AcceptingWhatDidNotHappenChangesNothing) {
  const auto start = DecideStart({1, 70}, Known(70, 70, 128, true, true), true, kPlaces);
  EXPECT_TRUE(start->clean);
  EXPECT_FALSE(start->new_incarnation);
}

const ChannelId kNews{"news"};

// Given is what a server handed out: the ends of everything it reserved and made.
struct Given {
  uint64_t commit = 0;
  uint64_t user = 0;
  uint64_t mtk = 0;
  uint64_t epoch = 0;
  uint16_t number = 0;
};

// Server spends as much as one step can.
class Server {
 public:
  explicit Server(Site& site) : site_(site) {}

  void Start(bool accept_rollback = false) {
    opened_.repository.reset();
    opened_ = site_.Start(accept_rollback);
    if (opened_.start.new_incarnation || given.commit == 0) return;
    const rekey::ChannelState& channel = opened_.state.channels.at(kNews);
    EXPECT_GE(opened_.state.muk_counter.end, given.user);
    EXPECT_GE(channel.ladder.msk->counter.end, given.mtk);
    EXPECT_GE(channel.ladder.epoch, given.epoch);
    EXPECT_GE(channel.ladder.last_key_number.value, given.number);
  }
  void Kill() { opened_.repository.reset(); }
  void Stop() {
    EXPECT_TRUE(opened_.repository->CloseClean().has_value());
    Kill();
  }
  void Spend(int steps) {
    for (int i = 0; i < steps; ++i) SpendOne();
  }
  void UseAndLoseWitness() {
    Start();
    Spend(5);
    Stop();
    std::filesystem::remove(site_.witness);
  }
  const Repository::Opened& opened() const { return opened_; }
  const rekey::State& state() const { return opened_.state; }

  Given given;

 private:
  void SpendOne() {
    std::vector<rekey::Change> changes;
    if (!opened_.state.channels.contains(kNews)) {
      groups::Channel channel;
      channel.id = kNews;
      changes.push_back(rekey::ChannelPut{channel});
      rekey::Apply(opened_.state, changes.back());
    }
    rekey::Ladder ladder = opened_.state.channels.at(kNews).ladder;
    if (!ladder.msk) ladder.msk.emplace();
    ladder.msk->counter.end += rekey::kMtkCounterBlock;
    ++ladder.epoch;
    ++ladder.last_key_number.value;
    changes.push_back(rekey::LadderPut{kNews, ladder});
    const uint64_t user = opened_.state.muk_counter.end + rekey::kMukCounterBlock;
    changes.push_back(rekey::MukCounterReserved{user});
    const Result<uint64_t> number = opened_.repository->Commit(changes);
    ASSERT_TRUE(number.has_value()) << ErrorName(number.error());
    for (const rekey::Change& change : changes) rekey::Apply(opened_.state, change);
    EXPECT_GT(*number, given.commit);
    EXPECT_GT(user, given.user);
    EXPECT_GT(ladder.msk->counter.end, given.mtk);
    EXPECT_GT(ladder.last_key_number.value, given.number);
    EXPECT_GT(ladder.epoch, given.epoch);
    given = {*number, user, ladder.msk->counter.end, ladder.epoch, ladder.last_key_number.value};
  }

  Site& site_;
  Repository::Opened opened_;
};

TEST(Start, CleanStopsSkipNothing) {
  Site site;
  Server server(site);
  for (int i = 0; i < 5; ++i) {
    server.Start();
    EXPECT_TRUE(server.opened().start.clean);
    EXPECT_EQ(server.opened().start.next, server.opened().repository->revision() + 1);
    server.Spend(3);
    server.Stop();
  }
  EXPECT_EQ(server.given.number, 15);
}

TEST(Start, KillsOnOneBootSkipCommitNumbersOnly) {
  Site site;
  Server server(site);
  for (int i = 0; i < 5; ++i) {
    server.Start();
    server.Spend(3);
    server.Kill();
  }
  EXPECT_EQ(server.given.number, 15);
  EXPECT_GT(server.given.commit, 15U);
}

TEST(Start, AfterAPowerCutSkipsWhatTheBlockCouldHaveGivenOut) {
  Site site;
  Server server(site);
  for (int i = 0; i < 5; ++i) {
    server.Start();
    server.Spend(3);
    server.Kill();
    site.boot += "+";
  }
  server.Start();
  EXPECT_GT(*server.opened().start.lost, 0U);
  EXPECT_GT(server.state().channels.at(kNews).ladder.last_key_number.value, 15);
  // The skip is durable and is not taken twice.
  const auto loaded = server.opened().repository->Load();
  EXPECT_EQ(Difference(*loaded, server.state()), "");
  const rekey::State before = server.state();
  server.Kill();
  server.Start();
  EXPECT_EQ(server.opened().start.lost, 0U);
  EXPECT_EQ(Difference(server.state(), before), "");
}

// The disk lost acknowledged commits that the witness, stale after a power cut, does not know of:
// all within one block of numbers.
TEST(Start, ATailThatIsLostWithinABlockRepeatsNothing) {
  for (int kept = 1; kept <= 40; kept += 3) {
    Site site;
    Server server(site);
    server.Start();
    server.Spend(kept);
    const auto disk = Copy(*site.running);
    const std::string witness = site.SaveWitness();
    const uint64_t last = server.given.commit;
    server.Spend(20);
    server.Kill();
    site.disk = disk;
    site.RestoreWitness(witness);
    site.boot = "another";
    server.Start();
    EXPECT_EQ(server.opened().start.lost, 65 - last);
    server.Spend(3);
  }
}

TEST(Start, DataPutBackAreRefusedUntilAccepted) {
  Site site;
  Server server(site);
  server.Start();
  server.Spend(2);
  server.Stop();
  const std::vector<store::Entry> backup = site.Entries();
  server.Start();
  server.Spend(100);
  server.Stop();
  site.disk = DiskOf(backup);
  const Failure failure = site.Failed();
  EXPECT_EQ(failure.error, Error::kRolledBack);
  EXPECT_NE(failure.message.find(site.witness), std::string::npos) << failure.message;
  EXPECT_EQ(EntriesOf(*store::OpenMemoryStore(site.disk)).size(), backup.size());

  server.Start(true);
  EXPECT_TRUE(server.opened().start.new_incarnation);
  EXPECT_EQ(server.opened().start.incarnation, 2U);
  // Nothing that the lost commits gave out is given out again.
  server.Spend(3);
  server.Kill();
  server.Start();
  EXPECT_EQ(server.opened().start.incarnation, 2U);
  EXPECT_FALSE(server.opened().start.new_incarnation);
  server.Stop();
  server.Start();
  EXPECT_TRUE(server.opened().start.clean);
}

TEST(Start, AMissingWitnessIsMadeAnewOnceAccepted) {
  Site site;
  Server server(site);
  server.UseAndLoseWitness();
  EXPECT_EQ(site.Failed().error, Error::kRolledBack);
  server.Start(true);
  EXPECT_EQ(server.opened().start.incarnation, 2U);
  server.Spend(5);
  server.Stop();
  server.Start();
  EXPECT_TRUE(server.opened().start.clean);
}

TEST(Start, AnOldWitnessIsRefused) {
  Site site;
  const std::string old = site.SaveWitness();
  Server server(site);
  server.Start();
  server.Spend(100);
  server.Stop();
  site.RestoreWitness(old);
  EXPECT_EQ(site.Failed().error, Error::kRolledBack);
  server.Start(true);
  EXPECT_EQ(server.opened().start.incarnation, 2U);
  server.Spend(3);
}

// Killed between the two files: the start says so and is repeated.
TEST(Start, AnIncarnationThatWasCutShortIsBegunAgain) {
  Site site;
  Server server(site);
  server.UseAndLoseWitness();
  site.fault = {1, false, Error::kNoSpace};
  EXPECT_EQ(site.Failed(true).error, Error::kNoSpace);
  EXPECT_EQ(site.Failed().error, Error::kRolledBack);
  server.Start(true);
  EXPECT_EQ(server.opened().start.incarnation, 3U);
  server.Spend(3);
}

// Killed before the server's first step, which makes the new MSKs: the next start is as the first.
TEST(Start, AnIncarnationInWhichNothingWasDoneIsLeftToTheNextStart) {
  Site site;
  Server server(site);
  server.UseAndLoseWitness();
  server.Start(true);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(server.opened().start.new_incarnation);
    EXPECT_EQ(server.opened().start.incarnation, 2U);
    server.Start();
  }
  server.Spend(3);
  server.Start();
  EXPECT_FALSE(server.opened().start.new_incarnation);
}

TEST(Start, AnotherMasterKeyIsNamed) {
  Site site;
  const crypto::LocalMasterKey right = site.master_key;
  site.master_key = MasterKeyOf(8);
  const Failure failure = site.Failed();
  EXPECT_EQ(failure.error, Error::kWrongMasterKey);
  for (const std::string& words :
       {std::string("another master key"), right.id(), site.master_key.id()}) {
    EXPECT_NE(failure.message.find(words), std::string::npos) << failure.message;
  }
  site.master_key = right;
  site.Start();
}

TEST(Start, AnEmptyStoreWantsAnInit) {
  Site site;
  site.disk = store::MakeMemoryDisk();
  EXPECT_EQ(site.Failed().error, Error::kNotFound);
}

TEST(Start, TheImportKeyStaysTheSame) {
  Site site;
  const crypto::KeyPair first = site.Start().import_key;
  const crypto::KeyPair second = site.Start().import_key;
  EXPECT_EQ(first.public_key, second.public_key);
  EXPECT_TRUE(first.private_key == second.private_key);
  EXPECT_EQ(first.public_key, crypto::PublicKeyOf(first.private_key));
}

}  // namespace
}  // namespace keymast::records
