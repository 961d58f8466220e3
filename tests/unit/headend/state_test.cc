// SPDX-License-Identifier: Apache-2.0
#include "headend/state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "crypto/rng.h"
#include "headend/index_range.h"
#include "headend/saver.h"

namespace keymast::headend {
namespace {

namespace fs = std::filesystem;

State Sample() {
  State state;
  state.ends[{ChannelId("one"), Ssrc(1)}] = {5, PacketIndex(65536)};
  state.ends[{ChannelId("one"), Ssrc(0xffffffff)}] = {5, PacketIndex(uint64_t{1} << 48)};
  state.ends[{ChannelId("two"), Ssrc(1)}] = {6, PacketIndex(0)};
  state.claims[ChannelId("one")] = {1'700'000'000'000'000'000,
                                    {MskId::FromValue(0xffff0001), MtkId(65535)}};
  return state;
}

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/state-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/headend.state";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string folder_;
  std::string path_;
};

TEST(StateText, RoundTrip) {
  EXPECT_EQ(StateFromText(ToText(Sample())), Sample());
  EXPECT_EQ(StateFromText(ToText(State())), State());
}

TEST(StateText, EveryTruncationAndFlipIsRefused) {
  const std::string text = ToText(Sample());
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(StateFromText(text.substr(0, length))) << length;
  }
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(StateFromText(flipped)) << bit;
  }
}

TEST(StateText, ANewerFormatIsToldApart) {
  EXPECT_EQ(StateFromText("keymast-headend state 2\n").error(), Error::kNewerFormat);
  EXPECT_EQ(StateFromText("something else\n").error(), Error::kCorrupt);
  EXPECT_EQ(StateFromText("").error(), Error::kCorrupt);
}

TEST_F(File, WhatIsSavedIsLoaded) {
  {
    auto file = StateFile::Open(path_);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->loaded(), State());
    ASSERT_TRUE(file->Save(Sample()));
  }
  const auto again = StateFile::Open(path_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->loaded(), Sample());
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
}

TEST_F(File, TwoHeadendsWithOneFileAreRefused) {
  const auto first = StateFile::Open(path_);
  ASSERT_TRUE(first);
  const auto second = StateFile::Open(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error, Error::kInUse);
}

TEST_F(File, ADamagedFileIsNotTakenForAnEmptyOne) {
  std::ofstream(path_) << "keymast-headend state 1\nindex one 5 1 5\n";
  const auto file = StateFile::Open(path_);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, Error::kCorrupt);
  EXPECT_NE(file.error().message.find("fresh MTK"), std::string::npos);
}

TEST_F(File, AFailedSaveLeavesTheOldState) {
  auto file = StateFile::Open(path_);
  ASSERT_TRUE(file && file->Save(Sample()));
  fs::create_directory(path_ + ".new");  // in the way of the new file
  State newer = Sample();
  newer.ends[{ChannelId("two"), Ssrc(1)}] = {6, PacketIndex(77)};
  EXPECT_FALSE(file->Save(newer));
  std::ifstream stream(path_);
  EXPECT_EQ(StateFromText(std::string(std::istreambuf_iterator<char>(stream), {})), Sample());
}

TEST_F(File, TheSaverSavesBeside) {
  auto file = StateFile::Open(path_);
  ASSERT_TRUE(file);
  Saver saver(*file);
  for (uint64_t i = 1; i <= 20; ++i) {
    State state;
    state.ends[{ChannelId("one"), Ssrc(1)}] = {5, PacketIndex(i)};
    saver.Begin(state);
    std::optional<Status> saved;
    while (!saved) saved = saver.Take();
    EXPECT_TRUE(*saved);
  }
  std::ifstream stream(path_);
  const auto last = StateFromText(std::string(std::istreambuf_iterator<char>(stream), {}));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->ends.at({ChannelId("one"), Ssrc(1)}).index, PacketIndex(20));
}

TEST(Range, GrowsWithUseUpToItsLimit) {
  IndexRange range(PacketIndex(100));
  EXPECT_EQ(range.end(), PacketIndex(100)) << "nothing is reserved yet";
  PacketIndex next(100);
  uint64_t largest = 0;
  for (int i = 0; i < 20; ++i) {
    const auto wanted = range.Wanted(next);
    ASSERT_TRUE(wanted);
    largest = std::max(largest, wanted->value - next.value);
    range.Durable(*wanted);
    EXPECT_EQ(range.Wanted(next), std::nullopt);
    next = PacketIndex(range.end().value - 1);
  }
  EXPECT_EQ(largest, IndexRange::kMaxAhead);
  EXPECT_LT(IndexRange::kMaxAhead, uint64_t{1} << 15);
}

TEST(Range, EndsWithTheIndexes) {
  const uint64_t last = (uint64_t{1} << 48) - 10;
  IndexRange range{PacketIndex(last)};
  EXPECT_EQ(range.Wanted(PacketIndex(last)), PacketIndex(uint64_t{1} << 48));
  range.Durable(PacketIndex(uint64_t{1} << 48));
  EXPECT_EQ(range.Wanted(PacketIndex(last + 5)), std::nullopt);
}

// A life of a headend whose disk is slow, fails and dies: each step sends packets, begins a save,
// ends one well or badly, or kills the process. What is durable is what a save ended well with, or
// at a kill perhaps the one under way.
TEST(Range, NoIndexTwiceOverAThousandCrashes) {
  crypto::SeededRng rng(11);
  const auto draw = [&](uint32_t below) {
    std::array<uint8_t, 4> octets{};
    rng.Fill(octets);
    uint32_t value = 0;
    for (const uint8_t octet : octets) value = value << 8 | octet;
    return value % below;
  };
  uint64_t durable = 5;
  uint64_t lowest_unused = 0;
  uint64_t largest_jump = 0;
  int crashes = 0;
  while (crashes < 1000) {
    IndexRange range{PacketIndex(durable)};
    PacketIndex next(durable);
    EXPECT_GE(next.value, lowest_unused) << "crash " << crashes;
    std::optional<PacketIndex> saving;
    bool sent = false;
    for (bool alive = true; alive;) {
      if (!saving) saving = range.Wanted(next);
      const uint32_t what = draw(100);
      if (what < 60) {  // packets, as far as they are reserved
        for (uint32_t left = draw(3000); left > 0 && next < range.end(); --left) {
          if (!sent && lowest_unused != 0) {
            largest_jump = std::max(largest_jump, next.value - lowest_unused);
          }
          sent = true;
          next = PacketIndex(next.value + 1);
        }
        lowest_unused = std::max(lowest_unused, sent ? next.value : 0);
      } else if (what < 85 && saving) {
        durable = saving->value;
        range.Durable(*saving);
        saving.reset();
      } else if (what < 95) {
        saving.reset();  // it failed
      } else {
        if (saving && what < 98) durable = saving->value;
        alive = false;
        ++crashes;
      }
    }
  }
  EXPECT_GT(lowest_unused, 1'000'000u);
  EXPECT_GT(largest_jump, 0u);
}

}  // namespace
}  // namespace keymast::headend
