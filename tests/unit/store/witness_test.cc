// SPDX-License-Identifier: Apache-2.0
#include "store/witness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/primitives.h"
#include "store/witness_file.h"
#include "temp_dir.h"

namespace keymast::store {
namespace {

class WitnessTest : public ::testing::Test {
 protected:
  std::unique_ptr<Witness> MustCreate(uint64_t incarnation = 1) {
    auto witness = Witness::Create(path_, incarnation, "boot one");
    EXPECT_TRUE(witness) << ErrorName(witness.error());
    return std::move(*witness);
  }
  WitnessRecord Read(const std::string& boot = "boot one") {
    const auto witness = Witness::Open(path_, boot);
    EXPECT_TRUE(witness) << ErrorName(witness.error());
    return witness ? (*witness)->record() : WitnessRecord{};
  }
  Bytes File() const {
    std::ifstream file(path_, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }
  void SetFile(ByteView octets) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file << AsText(octets);
  }

  TempDir directory_;
  const std::string path_ = directory_.path() + "/witness";
};

TEST_F(WitnessTest, ANewOneHasNoCommit) {
  EXPECT_EQ(MustCreate(7)->record(), (WitnessRecord{7, 0, 0, 0, true, false}));
  EXPECT_EQ(Read(), (WitnessRecord{7, 0, 0, 0, true, false}));
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
}

// A block that has no room of its own, as on a file system that never writes in place.
TEST_F(WitnessTest, WithoutRoomItIsTriedAgain) {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "needs root and a mount namespace";
  }
  {
    const auto witness = MustCreate();
    const int file = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kWitnessBlock,
                        kWitnessSize - kWitnessBlock),
              0);
    close(file);
    const std::string ballast = directory_.path() + "/ballast";
    const int filler = open(ballast.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const Bytes page(4096);
    while (write(filler, page.data(), page.size()) > 0) {
    }
    close(filler);
    EXPECT_EQ(witness->Reserve(64).error(), Error::kNoSpace);
    EXPECT_EQ(witness->Reserve(64).error(), Error::kNoSpace);
    EXPECT_EQ(witness->record().reserved, 0U);
    ASSERT_EQ(unlink(ballast.c_str()), 0);
    EXPECT_TRUE(witness->Reserve(64));
    EXPECT_TRUE(witness->Note(3));
    EXPECT_EQ(Witness::Open(path_, "boot one").error(), Error::kInUse);
  }
  EXPECT_EQ(Read(), (WitnessRecord{1, 64, 0, 3, true, false}));
  EXPECT_EQ(umount2(directory_.path().c_str(), MNT_DETACH), 0);
}

TEST_F(WitnessTest, CreateNeverReplacesAndOpenNeverMakes) {
  EXPECT_EQ(Witness::Open(path_).error(), Error::kNotFound);
  EXPECT_EQ(Witness::Create(directory_.path() + "/no/witness", 1).error(), Error::kNotFound);
  MustCreate();
  EXPECT_EQ(Witness::Create(path_, 2).error(), Error::kAlreadyExists);
  EXPECT_EQ(Read().incarnation, 1u);
}

TEST_F(WitnessTest, WhatACutCreationLeftIsOverwritten) {
  std::ofstream(path_ + ".new") << std::string(20000, 'x');
  MustCreate(3);
  EXPECT_EQ(Read().incarnation, 3u);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(WitnessTest, OneProcessAtATime) {
  const auto witness = MustCreate();
  EXPECT_EQ(Witness::Open(path_).error(), Error::kInUse);
}

TEST_F(WitnessTest, AKilledProcessLeavesTheExactLastCommit) {
  {
    const auto witness = MustCreate();
    ASSERT_TRUE(witness->Reserve(100));
    ASSERT_TRUE(witness->Note(1));
    ASSERT_TRUE(witness->Note(42));
    EXPECT_EQ(witness->record(), (WitnessRecord{1, 100, 0, 42, true, false}));
  }
  EXPECT_EQ(Read("boot one"), (WitnessRecord{1, 100, 0, 42, true, false}));
  EXPECT_EQ(Read("boot two"), (WitnessRecord{1, 100, 0, 42, false, false}));
  EXPECT_EQ(Read(""), (WitnessRecord{1, 100, 0, 42, false, false}));
}

TEST_F(WitnessTest, ReservingConfirmsWhatWasNoted) {
  const auto witness = MustCreate();
  ASSERT_TRUE(witness->Reserve(10));
  ASSERT_TRUE(witness->Note(9));
  ASSERT_TRUE(witness->Reserve(20));
  EXPECT_EQ(witness->record(), (WitnessRecord{1, 20, 9, 9, true, false}));
}

TEST_F(WitnessTest, ABlockWhoseNoteWasLostIsNotExactAndKnowsWhatWasConfirmed) {
  {
    const auto witness = MustCreate();
    ASSERT_TRUE(witness->Reserve(10));
    ASSERT_TRUE(witness->Note(9));
    ASSERT_TRUE(witness->Reserve(20));
    ASSERT_TRUE(witness->Note(15));
  }
  Bytes file = File();
  std::fill(file.begin() + kWitnessNote * kWitnessBlock, file.end(), uint8_t{0});
  SetFile(file);
  EXPECT_EQ(Read(), (WitnessRecord{1, 20, 9, 9, false, false}));
}

TEST_F(WitnessTest, WhatIsNotExactDoesNotBecomeSoByReserving) {
  {
    const auto witness = MustCreate();
    ASSERT_TRUE(witness->Reserve(10));
    ASSERT_TRUE(witness->Note(4));
  }
  {
    const auto witness = *Witness::Open(path_, "boot two");
    ASSERT_TRUE(witness->Reserve(30));
    EXPECT_FALSE(witness->record().last_is_exact);
  }
  EXPECT_EQ(Read("boot two"), (WitnessRecord{1, 30, 4, 4, false, false}));
  {
    const auto witness = *Witness::Open(path_, "boot two");
    ASSERT_TRUE(witness->Note(11));
  }
  EXPECT_EQ(Read("boot two"), (WitnessRecord{1, 30, 4, 11, true, false}));
}

TEST_F(WitnessTest, ACleanStopIsExactOnAnyBoot) {
  {
    const auto witness = MustCreate();
    ASSERT_TRUE(witness->Reserve(10));
    ASSERT_TRUE(witness->CloseClean(6));
    EXPECT_EQ(witness->Note(7).error(), Error::kStoreClosed);
    EXPECT_EQ(witness->Reserve(20).error(), Error::kStoreClosed);
    EXPECT_EQ(witness->Renew(2).error(), Error::kStoreClosed);
    EXPECT_EQ(witness->CloseClean(8).error(), Error::kStoreClosed);
  }
  EXPECT_EQ(Read("boot two"), (WitnessRecord{1, 10, 6, 6, true, true}));
}

TEST_F(WitnessTest, TheFirstNoteAfterACleanStopIsSynced) {
  {
    const auto witness = MustCreate();
    ASSERT_TRUE(witness->Reserve(10));
    ASSERT_TRUE(witness->CloseClean(6));
  }
  const Bytes clean = File();
  {
    const auto witness = *Witness::Open(path_, "boot one");
    ASSERT_TRUE(witness->Note(7));
    EXPECT_FALSE(witness->record().clean);
  }
  // Power fails: the unsynced note is as it was, the synced slots are not.
  Bytes file = File();
  const auto note = static_cast<ptrdiff_t>(kWitnessNote * kWitnessBlock);
  std::copy(clean.begin() + note, clean.end(), file.begin() + note);
  SetFile(file);
  EXPECT_EQ(Read("boot two"), (WitnessRecord{1, 10, 6, 6, false, false}));
}

TEST_F(WitnessTest, RenewingGoesOnBehindWhatWasReserved) {
  {
    const auto witness = MustCreate();
    ASSERT_TRUE(witness->Reserve(10));
    ASSERT_TRUE(witness->Note(9));
    ASSERT_TRUE(witness->Renew(2));
  }
  EXPECT_EQ(Read("boot two"), (WitnessRecord{2, 10, 0, 0, false, false}));
  EXPECT_EQ(Read("boot one"), (WitnessRecord{2, 10, 0, 0, true, false}));
}

TEST_F(WitnessTest, ANewerFormatIsNamed) {
  MustCreate();
  Bytes file = File();
  constexpr size_t kLastOctetOfFormat = 19;
  constexpr size_t kFields = 77;
  file[kLastOctetOfFormat] = 2;
  SetFile(file);  // with a wrong checksum it is damage, not a version
  EXPECT_EQ(Witness::Open(path_).error(), Error::kCorrupt);
  const auto sum = crypto::Sha256(ByteView(file).first(kFields));
  std::copy(sum.begin(), sum.end(), file.begin() + kFields);
  SetFile(file);
  EXPECT_EQ(Witness::Open(path_).error(), Error::kNewerFormat);
}

class WitnessDamage : public WitnessTest {
 protected:
  // A damaged file tells nothing newer than was written, and nothing older than the slot before.
  static void ExpectInBounds(const WitnessRecord& record, const WitnessRecord& truth,
                             const WitnessRecord& older) {
    EXPECT_LE(record.confirmed, truth.confirmed);
    EXPECT_LE(record.last, truth.last);
    EXPECT_GE(record.last, older.confirmed);
    EXPECT_TRUE(!record.last_is_exact || record.last == truth.last);
    EXPECT_TRUE(!record.clean || truth.clean);
  }
};

TEST_F(WitnessDamage, AnyOneFlippedBitLosesNoReservation) {
  const auto witness = MustCreate();
  ASSERT_TRUE(witness->Reserve(10));
  ASSERT_TRUE(witness->Note(9));
  ASSERT_TRUE(witness->Reserve(20));
  ASSERT_TRUE(witness->Note(15));
  const WitnessRecord truth = witness->record();
  for (const bool clean : {false, true}) {
    ASSERT_TRUE(!clean || witness->CloseClean(15));
    Bytes file = File();
    for (size_t bit = 0; bit < file.size() * 8; ++bit) {
      const auto flip = static_cast<uint8_t>(1u << bit % 8);
      file[bit / 8] ^= flip;
      const auto state = ReadWitness(file, DigestOfBoot("boot one"));
      ASSERT_TRUE(state) << bit;
      ASSERT_EQ(state->record.reserved, 20u) << bit;
      ExpectInBounds(state->record, witness->record(), truth);
      file[bit / 8] ^= flip;
    }
  }
}

TEST_F(WitnessDamage, EveryPrefixIsRefused) {
  MustCreate();
  const Bytes file = File();
  ASSERT_EQ(file.size(), kWitnessSize);
  for (size_t size = 0; size < file.size(); ++size) {
    ASSERT_EQ(ReadWitness(ByteView(file).first(size), {}).error(), Error::kCorrupt) << size;
  }
  Bytes longer = file;
  longer.push_back(0);
  SetFile(longer);
  EXPECT_EQ(Witness::Open(path_).error(), Error::kCorrupt);
}

TEST_F(WitnessDamage, ATornWriteLeavesTheOlderSlot) {
  const auto witness = MustCreate();
  WitnessRecord before = witness->record();
  Bytes file = File();
  for (uint64_t step = 1; step <= 4; ++step) {
    ASSERT_TRUE(witness->Reserve(step * 10));
    const Bytes next = File();
    // The synced write comes first, and the note is still the one before.
    const size_t slot = step % 2 * kWitnessBlock;
    for (size_t torn = 0; torn <= 512; ++torn) {
      Bytes damaged = file;
      std::copy_n(next.begin() + static_cast<ptrdiff_t>(slot), torn,
                  damaged.begin() + static_cast<ptrdiff_t>(slot));
      const auto state = ReadWitness(damaged, DigestOfBoot("boot one"));
      ASSERT_TRUE(state);
      const bool whole = Equal(ByteView(damaged).subspan(slot, kWitnessBlock),
                               ByteView(next).subspan(slot, kWitnessBlock));
      EXPECT_EQ(state->record.reserved, whole ? step * 10 : before.reserved);
      EXPECT_EQ(state->record.last, before.last);
      EXPECT_TRUE(state->record.last_is_exact);
    }
    ASSERT_TRUE(witness->Note(step * 10 - 1));
    before = witness->record();
    file = File();
  }
}

}  // namespace
}  // namespace keymast::store
