// SPDX-License-Identifier: Apache-2.0
#include "receiver/counter_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/receiver/counter_folder.h"

namespace keymast::receiver {
namespace {

class Counters : public CounterFolder {
 protected:
  static SenderCounter Count(std::string_view idi, uint32_t highest) {
    return {Octets<255>(AsBytes(idi)), highest};
  }
  std::string Read() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void Write(const std::string& text) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
  }
};

TEST_F(Counters, AFileThatIsNotThereIsEmpty) {
  EXPECT_TRUE(Open().counters().empty());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Counters, WhatWasSavedComesBack) {
  const std::vector<SenderCounter> saved = {Count("a", 7), Count("b \"quoted\"", 0xffffffff)};
  ASSERT_TRUE(Open().Save(saved));
  const auto back = Open().counters();
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].idi, saved[0].idi);
  EXPECT_EQ(back[0].highest, 7u);
  EXPECT_EQ(back[1].highest, 0xffffffffu);
}

TEST_F(Counters, UserKeysAreKeptApartAndFoundAgain) {
  ASSERT_TRUE(Open(1).Save(std::vector{Count("a", 7)}));
  EXPECT_TRUE(Open(2).counters().empty());
  ASSERT_TRUE(Open(2).Save(std::vector{Count("a", 3)}));
  EXPECT_EQ(Open(1).counters().at(0).highest, 7u);
  EXPECT_EQ(Open(2).counters().at(0).highest, 3u);
}

TEST_F(Counters, OneReceiverAFile) {
  CounterFile first = Open(1);
  for (const uint8_t key : {uint8_t{1}, uint8_t{2}}) {
    const auto second = CounterFile::Open(path_, KeyOf(key));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error, Error::kInUse);
    EXPECT_NE(second.error().message.find(path_), std::string::npos);
  }
  // Under another name it is the same file.
  const std::string link = folder_ + "/link";
  std::filesystem::create_symlink(path_, link);
  EXPECT_TRUE(first.Save(std::vector{Count("a", 7)}));
  const auto by_link = CounterFile::Open(link, KeyOf(1));
  ASSERT_FALSE(by_link);
  EXPECT_EQ(by_link.error().error, Error::kInUse);

  const auto look = CounterFile::Read(path_, KeyOf(1));
  ASSERT_TRUE(look);
  EXPECT_EQ(look->counters().at(0).highest, 7u);
}

TEST_F(Counters, AFolderThatIsNotThereIsNamed) {
  const auto file = CounterFile::Open(folder_ + "/none/state", KeyOf(1));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, Error::kNotFound);
  EXPECT_NE(file.error().message.find("/none/state"), std::string::npos);
}

TEST_F(Counters, OnlyTheOwnerMayRead) {
  ASSERT_TRUE(Open().Save(std::vector{Count("a", 7)}));
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Counters, TheUserKeyIsNotInTheFile) {
  ASSERT_TRUE(Open(0x41).Save(std::vector{Count("a", 7)}));
  EXPECT_EQ(Read().find(ToHex(KeyOf(0x41).view()).substr(0, 12)), std::string::npos);
  EXPECT_EQ(Read().find("AAAA"), std::string::npos);
}

TEST_F(Counters, EveryFlippedBitAndEveryPrefixIsRefused) {
  ASSERT_TRUE(Open().Save(std::vector{Count("a", 7)}));
  const std::string good = Read();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    Write(bad);
    EXPECT_FALSE(CounterFile::Open(path_, KeyOf(1))) << "bit " << bit;
  }
  for (size_t length = 0; length < good.size(); ++length) {
    Write(good.substr(0, length));
    EXPECT_FALSE(CounterFile::Open(path_, KeyOf(1))) << length;
  }
  Write(good + "\n");
  EXPECT_FALSE(CounterFile::Open(path_, KeyOf(1)));
}

TEST_F(Counters, ANewerFormatIsNamed) {
  Write("keymast-receiver counters 2\n");
  const auto file = CounterFile::Open(path_, KeyOf(1));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, Error::kNewerFormat);
  EXPECT_NE(file.error().message.find(path_), std::string::npos);
}

TEST_F(Counters, AFailedSaveLeavesTheOldFile) {
  CounterFile file = Open();
  ASSERT_TRUE(file.Save(std::vector{Count("a", 7)}));
  const std::string before = Read();
  ASSERT_EQ(mkdir((path_ + ".new").c_str(), 0700), 0);  // the new file cannot be made
  EXPECT_EQ(file.Save(std::vector{Count("a", 8)}).error(), Error::kIo);
  EXPECT_EQ(Read(), before);
}

// A box that is switched through the channels with one file.
TEST_F(Counters, GroupsOfLongAgoMakeRoom) {
  CounterFile file = Open();
  ASSERT_TRUE(file.Save(std::vector{Count("a", 7)}));
  const auto uri = [](uint32_t i) { return "mikey://example.org/" + std::to_string(i); };
  for (uint32_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(file.SaveMember(uri(i), {i, i})) << i;
    ASSERT_TRUE(file.SaveMember(uri(1), {i, i})) << "which is followed beside";
  }
  const auto kept = CounterFile::Read(path_, KeyOf(1));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->counters().at(0).highest, 7u);
  EXPECT_EQ(kept->member(uri(100)), (MemberTs{100, 100}));
  EXPECT_EQ(kept->member(uri(72)), (MemberTs{72, 72}));
  EXPECT_EQ(kept->member(uri(1)), (MemberTs{100, 100}));
  EXPECT_EQ(kept->member(uri(2)), MemberTs{});
}

TEST_F(Counters, NoCounterOfASenderMakesRoom) {
  std::vector<SenderCounter> counters;
  for (const char* name : {"a", "b", "c", "d"}) counters.push_back(Count(name, 7));
  for (uint8_t key = 1; key <= 16; ++key) ASSERT_TRUE(Open(key).Save(counters));
  EXPECT_EQ(Open(17).SaveMember("mikey://example.org/one", {1, 1}).error(), Error::kNoSpace);
  EXPECT_EQ(Open(17).Save(counters).error(), Error::kNoSpace);
  EXPECT_EQ(Open(1).counters().size(), 4u);
}

TEST_F(Counters, AReplayAfterARestartIsRefused) {
  KeyServer server;
  const Bytes message = server.MskMessage(Msk(1));
  {
    CounterFile file = Open();
    Core core = server.MakeCore(file.counters());
    ASSERT_TRUE(GiveMsk(core, message));
    ASSERT_TRUE(file.Save(core.keyring().counters()));
  }
  Core core = server.MakeCore(Open().counters());
  EXPECT_EQ(GiveMsk(core, message).error(), Error::kReplayed);
  EXPECT_TRUE(GiveMsk(core, server.MskMessage(Msk(1))));
}

}  // namespace
}  // namespace keymast::receiver
