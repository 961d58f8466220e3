// SPDX-License-Identifier: Apache-2.0
// The master key changes under a server in use: nothing is lost at any moment, and what the old key
// opens is over with the first commit.
#include <set>

#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

using Changes = std::vector<rekey::Change>;

const crypto::LocalMasterKey kOld = MasterKeyOf(7);
const crypto::LocalMasterKey kNew = MasterKeyOf(8);

// Lived is a store in use, with the state that it should hold.
class Lived {
 public:
  explicit Lived(uint64_t seed = 5) : dice_(seed) {
    opened = site.Start();
    Live(40);
  }

  void Live(int steps) {
    for (int i = 0; i < steps; ++i) {
      Changes changes;
      for (int k = 0; k < 3; ++k) changes.push_back(dice_.Event());
      const auto number = opened.repository->Commit(changes);
      ASSERT_TRUE(number.has_value()) << ErrorName(number.error());
      for (const rekey::Change& change : changes) rekey::Apply(model, change);
    }
  }
  // Restart kills it and starts again, with these keys.
  void Restart(const crypto::LocalMasterKey& key,
               std::optional<crypto::LocalMasterKey> beside = std::nullopt) {
    opened.repository.reset();
    site.master_key = key;
    site.next_master_key = std::move(beside);
    opened = site.Start();
    EXPECT_EQ(Difference(opened.state, model), "");
  }
  Repository& repository() { return *opened.repository; }
  std::set<uint32_t> RecordKeysInUse() {
    std::set<uint32_t> numbers;
    for (const store::Entry& entry : EntriesOf(*site.running)) {
      if (entry.key != kMetaKey) numbers.insert(RecordKeyOf(entry.value));
    }
    return numbers;
  }
  void Finish() {
    for (int i = 0; repository().rotation().IsRunning(); ++i) {
      ASSERT_LT(i, 1000);
      const auto progress = repository().RotationStep();
      ASSERT_TRUE(progress.has_value()) << ErrorName(progress.error());
    }
  }

  Site site;
  rekey::State model;
  Repository::Opened opened;

 private:
  Dice dice_;
};

TEST(Rotation, SealsEverythingAnewAndForgetsTheOldKey) {
  Lived lived;
  EXPECT_EQ(lived.repository().master_key_id(), kOld.id());
  EXPECT_EQ(lived.RecordKeysInUse(), std::set<uint32_t>{1});
  EXPECT_FALSE(lived.repository().rotation().IsRunning());
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  RotationProgress before = lived.repository().rotation();
  EXPECT_EQ(before.old_key_id, kOld.id());
  EXPECT_EQ(before.new_key_id, kNew.id());
  EXPECT_EQ(before.done, 0U);
  EXPECT_GT(before.total, 20U);
  int steps = 0;
  for (; lived.repository().rotation().IsRunning(); ++steps) {
    ASSERT_LT(steps, 1000);
    const auto progress = lived.repository().RotationStep();
    ASSERT_TRUE(progress.has_value());
    EXPECT_GE(progress->done, before.done);
    EXPECT_LE(progress->done, progress->total);
    before = *progress;
  }
  EXPECT_GT(steps, 3) << "a few values at a time";
  EXPECT_EQ(before.done, before.total);
  EXPECT_EQ(lived.repository().master_key_id(), kNew.id());
  EXPECT_EQ(lived.RecordKeysInUse(), std::set<uint32_t>{2});
  const auto loaded = lived.repository().Load();
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  EXPECT_EQ(Difference(*loaded, lived.model), "");
  lived.Restart(kNew);
  lived.Restart(kOld, kNew);  // a configuration that has not followed yet
  lived.opened.repository.reset();
  lived.site.next_master_key.reset();
  EXPECT_EQ(lived.site.Failed().error, Error::kWrongMasterKey);
}

TEST(Rotation, ChangesGoOnBesideIt) {
  Lived lived;
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  for (int i = 0; lived.repository().rotation().IsRunning(); ++i) {
    ASSERT_LT(i, 1000);
    ASSERT_TRUE(lived.repository().RotationStep().has_value());
    lived.Live(2);
  }
  EXPECT_EQ(lived.RecordKeysInUse(), std::set<uint32_t>{2});
  lived.Restart(kNew);
}

// What is written from the first commit on is not for whoever has the old key and the disk.
TEST(Rotation, TheOldKeyOpensNothingFromItsBeginningOn) {
  Lived lived;
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  lived.Live(3);
  lived.opened.repository.reset();
  const Failure failure = lived.site.Failed();
  EXPECT_EQ(failure.error, Error::kWrongMasterKey);
  for (const std::string& id : {kOld.id(), kNew.id()}) {
    EXPECT_NE(failure.message.find(id), std::string::npos) << failure.message;
  }
  lived.Restart(kNew);
  lived.Restart(kOld, kNew);
}

TEST(Rotation, ResumesWhereAKillLeftIt) {
  Lived lived;
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  uint64_t left = UINT64_MAX;
  for (int i = 0; lived.repository().rotation().IsRunning(); ++i) {
    ASSERT_LT(i, 1000);
    const auto progress = lived.repository().RotationStep();
    ASSERT_TRUE(progress.has_value());
    EXPECT_LE(progress->total - progress->done, left);
    left = progress->total - progress->done;
    lived.Restart(kOld, kNew);
    EXPECT_EQ(lived.repository().rotation().IsRunning(), progress->IsRunning());
  }
  lived.Restart(kNew);
  EXPECT_EQ(lived.RecordKeysInUse(), std::set<uint32_t>{2});
}

TEST(Rotation, CancelledItStaysWithTheOldKey) {
  Lived lived;
  EXPECT_EQ(lived.repository().CancelRotation().error(), Error::kFailedPrecondition);
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  lived.Live(3);
  ASSERT_TRUE(lived.repository().RotationStep().has_value());
  // Also when the old key was not given since a restart.
  lived.Restart(kNew);
  ASSERT_TRUE(lived.repository().CancelRotation().has_value());
  EXPECT_EQ(lived.repository().master_key_id(), kOld.id());
  EXPECT_FALSE(lived.repository().rotation().IsRunning());
  lived.Live(3);
  lived.opened.repository.reset();
  EXPECT_EQ(lived.site.Failed().error, Error::kWrongMasterKey);
  lived.Restart(kOld);
  // Begun again it ends as if nothing had been.
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  lived.Finish();
  EXPECT_EQ(lived.RecordKeysInUse(), std::set<uint32_t>{3});
  lived.Restart(kNew);
}

TEST(Rotation, RefusesWhatItCannotDo) {
  Lived lived;
  const auto same = lived.repository().BeginRotation(kOld);
  ASSERT_FALSE(same.has_value());
  EXPECT_EQ(same.error().error, Error::kInvalidArgument);
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  const auto twice = lived.repository().BeginRotation(MasterKeyOf(9));
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().error, Error::kFailedPrecondition);
  lived.Finish();
  // Without a rotation a step changes nothing.
  const auto entries = EntriesOf(*lived.site.running);
  ASSERT_TRUE(lived.repository().RotationStep().has_value());
  EXPECT_EQ(EntriesOf(*lived.site.running).size(), entries.size());
}

// ForgetfulKey wraps and cannot unwrap, as a token's key without that right.
class ForgetfulKey final : public crypto::MasterKey {
 public:
  const std::string& id() const override { return id_; }
  tl::expected<Bytes, Failure> Wrap(const crypto::SecretKey<32>& key,
                                    crypto::Rng& rng) const override {
    return kNew.Wrap(key, rng);
  }
  tl::expected<crypto::SecretKey<32>, Failure> Unwrap(ByteView) const override {
    return Fail(Error::kPermissionDenied, "token says no");
  }

 private:
  std::string id_ = "f0";
};

TEST(Rotation, AKeyThatDoesNotOpenWhatItWrapsIsRefusedBeforeAnythingIsWritten) {
  Lived lived;
  const auto begun = lived.repository().BeginRotation(ForgetfulKey());
  ASSERT_FALSE(begun.has_value());
  EXPECT_NE(begun.error().message.find("token says no"), std::string::npos);
  EXPECT_FALSE(lived.repository().rotation().IsRunning());
  lived.Restart(kOld);
}

enum class Then { kLoad, kStart };

// Rotate goes through a whole rotation with a fault in its way; true when it struck.
bool Rotate(const Fault& fault, Then then) {
  Lived lived;
  lived.site.fault = fault;
  bool struck = false;
  bool begun = false;
  for (int i = 0; !begun || lived.repository().rotation().IsRunning(); ++i) {
    if (i > 1000) ADD_FAILURE() << "no end";
    if (i > 1000) return false;
    Error error{};
    if (begun) {
      const auto step = lived.repository().RotationStep();
      if (step) continue;
      error = step.error();
    } else {
      const auto started = lived.repository().BeginRotation(kNew);
      begun = started.has_value();
      if (begun) continue;
      error = started.error().error;
    }
    EXPECT_FALSE(struck) << "a second failure: " << ErrorName(error);
    EXPECT_EQ(error, fault.error);
    struck = true;
    if (then == Then::kStart) {
      lived.Restart(kOld, kNew);
    } else {
      const auto state = lived.repository().Load();
      EXPECT_TRUE(state.has_value() && Difference(*state, lived.model).empty());
    }
    begun = lived.repository().master_key_id() == kNew.id();
  }
  EXPECT_EQ(lived.RecordKeysInUse(), std::set<uint32_t>{2});
  lived.site.fault = {};
  lived.Live(2);
  lived.Restart(kNew);
  return struck;
}

void AtEveryCommit(Fault fault, Then then) {
  for (fault.at = 1; Rotate(fault, then); ++fault.at) {
    SCOPED_TRACE("commit " + std::to_string(fault.at) + " of the rotation");
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(fault.at, 4U);
}

TEST(Rotation, KilledBeforeEachCommit) {
  AtEveryCommit({0, false, Error::kStoreClosed}, Then::kStart);
}
TEST(Rotation, KilledBehindEachCommit) {
  AtEveryCommit({0, true, Error::kStoreClosed}, Then::kStart);
}
TEST(Rotation, OutcomeOfEachCommitUnknownAndNothingHappened) {
  AtEveryCommit({0, false, Error::kOutcomeUnknown}, Then::kLoad);
}
TEST(Rotation, OutcomeOfEachCommitUnknownAndItHappened) {
  AtEveryCommit({0, true, Error::kOutcomeUnknown}, Then::kLoad);
}
TEST(Rotation, NoSpaceAtEachCommit) { AtEveryCommit({0, false, Error::kNoSpace}, Then::kLoad); }

TEST(Rotation, EveryOctetOfTheMetaEntryMattersWhileItGoesOn) {
  Lived lived;
  ASSERT_TRUE(lived.repository().BeginRotation(kNew).has_value());
  lived.opened.repository.reset();
  lived.site.master_key = kNew;
  const auto entries = lived.site.Entries();
  const std::string witness = lived.site.SaveWitness();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].key != kMetaKey) continue;
    for (size_t at = 0; at < entries[i].value.size(); ++at) {
      auto damaged = entries;
      damaged[i].value[at] ^= 1;
      lived.site.disk = DiskOf(damaged);
      lived.site.RestoreWitness(witness);
      const Failure failure = lived.site.Failed();
      EXPECT_TRUE(failure.error == Error::kCorrupt || failure.error == Error::kNewerFormat ||
                  failure.error == Error::kWrongMasterKey)
          << failure.message;
    }
  }
}

}  // namespace
}  // namespace keymast::records
