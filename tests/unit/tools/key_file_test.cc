// SPDX-License-Identifier: Apache-2.0
#include "tools/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace keymast::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

tl::expected<Keys, Failure> Read(std::string_view text) { return ReadKeys(AsBytes(text)); }

TEST(KeyFile, ALineIsAKeyWithOrWithoutName) {
  const auto keys = Read("# keys\n 00ff # first\n\nmsk-1\t 0A0b \r\n");
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].name, "");
  EXPECT_EQ(ToHex((*keys)[0].octets), "00ff");
  ASSERT_NE(FindKey(*keys, "msk-1"), nullptr);
  EXPECT_EQ(ToHex(FindKey(*keys, "msk-1")->octets), "0a0b");
  EXPECT_EQ(FindKey(*keys, "msk-2"), nullptr);
}

TEST(KeyFile, WhatIsWrongIsToldWithoutTheLine) {
  for (const char* text : {"00112233445566778", "secret 00x1", "a!b 00", "00 11 22", "a 00\na 11",
                           "name", "name ", "00112233 44556677", "# nothing"}) {
    const auto keys = Read(text);
    ASSERT_FALSE(keys) << text;
    EXPECT_EQ(keys.error().error, Error::kMalformed);
    EXPECT_THAT(keys.error().message, Not(HasSubstr(text)));
    EXPECT_THAT(keys.error().message, Not(HasSubstr("00")));
  }
}

TEST(KeyFile, LimitsHold) {
  EXPECT_TRUE(Read(std::string(2048, '0')));
  EXPECT_FALSE(Read(std::string(2050, '0')));
  std::string many;
  for (size_t i = 0; i <= kMaxKeys; ++i) many += "00\n";
  EXPECT_FALSE(Read(many));
}

class KeyFileOnDisk : public testing::Test {
 protected:
  KeyFileOnDisk() : path_(testing::TempDir() + "keymast-keys-" + std::to_string(getpid())) {
    std::ofstream(path_) << "muk 000102030405060708090a0b0c0d0e0f\n";
  }
  ~KeyFileOnDisk() override { std::filesystem::remove(path_); }
  const std::string path_;
};

TEST_F(KeyFileOnDisk, OnlyItsOwnerMayReadIt) {
  chmod(path_.c_str(), 0644);
  const auto refused = LoadKeys(path_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("chmod 600"));
  chmod(path_.c_str(), 0600);
  const auto keys = LoadKeys(path_);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), 1u);
}

TEST_F(KeyFileOnDisk, ADescriptorIsReadToItsEnd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "a 00\nb 11", 9), 9);
  close(ends[1]);
  const auto keys = LoadKeys("/dev/fd/" + std::to_string(ends[0]));
  close(ends[0]);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), 2u);
  EXPECT_FALSE(LoadKeys("/dev/fd/-1"));
  EXPECT_FALSE(LoadKeys(path_ + ".none"));
}

TEST(KeyFile, AKeyInPlaceOfAFileIsNotSaidAgain) {
  const auto refused = LoadKeys("000102030405060708090a0b0c0d0e0f");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("0001")));
}

TEST(KeyFile, AFingerprintIsTheBeginningOfSha256) {
  EXPECT_EQ(Fingerprint(AsBytes("abc")), "ba7816bf8f01cfea");  // FIPS 180-4's first example
}

}  // namespace
}  // namespace keymast::tools
