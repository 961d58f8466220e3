// SPDX-License-Identifier: Apache-2.0
#include "server/master_key.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keymast::server {
namespace {

class MasterKeyTest : public testing::Test {
 protected:
  MasterKeyTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    unsetenv("CREDENTIALS_DIRECTORY");
  }
  ~MasterKeyTest() override {
    unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(folder_);
  }
  std::string Write(const std::string& name, const std::string& octets, mode_t mode = 0600) {
    const std::string file = folder_ + "/" + name;
    std::ofstream(file, std::ios::binary) << octets;
    EXPECT_EQ(chmod(file.c_str(), mode), 0);
    return file;
  }
  // FromPipe gives a descriptor that will be read to its end.
  static int FromPipe(const std::string& octets) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    EXPECT_EQ(write(ends[1], octets.data(), octets.size()), static_cast<ssize_t>(octets.size()));
    close(ends[1]);
    return ends[0];
  }
  static std::string Octets(const tl::expected<crypto::SecretKey<32>, Failure>& key) {
    return key ? std::string(AsText(key->view())) : key.error().message;
  }
  const std::string key_ = std::string(32, 'k');
  std::string folder_ = "/tmp/keymast-key-XXXXXX";
};

TEST_F(MasterKeyTest, ComesFromAFileOfItsOwner) {
  EXPECT_EQ(Octets(ReadMasterKey({-1, Write("key", key_)}, "")), key_);
  EXPECT_EQ(Octets(ReadMasterKey({-1, Write("read-only", key_, 0400)}, "")), key_);
}

TEST_F(MasterKeyTest, AFileThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0640U, 0604U, 0610U, 0666U}) {
    const auto key = ReadMasterKey({-1, Write("key", key_, mode)}, "");
    ASSERT_FALSE(key) << mode;
    EXPECT_EQ(key.error().error, Error::kPermissionDenied);
    EXPECT_NE(key.error().message.find("0600"), std::string::npos);
  }
}

TEST_F(MasterKeyTest, HasExactly32Octets) {
  for (const size_t size : {0U, 1U, 31U, 33U, 34U, 4096U}) {
    const std::string octets(size, 'k');
    const auto file = ReadMasterKey({-1, Write("key", octets)}, "");
    ASSERT_FALSE(file) << size;
    EXPECT_NE(file.error().message.find("32 octets"), std::string::npos) << file.error().message;
    const auto piped = ReadMasterKey({FromPipe(octets), ""}, "");
    ASSERT_FALSE(piped) << size;
    EXPECT_EQ(piped.error().error, Error::kMalformed);
  }
}

TEST_F(MasterKeyTest, ADescriptorComesBeforeEverythingAndIsClosed) {
  const int fd = FromPipe(key_);
  EXPECT_EQ(Octets(ReadMasterKey({fd, Write("key", std::string(32, 'x'))}, "")), key_);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST_F(MasterKeyTest, ADescriptorThatCannotBeReadIsRefused) {
  const auto key = ReadMasterKey({9999, ""}, "");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().error, Error::kIo);
}

TEST_F(MasterKeyTest, TheCredentialComesBeforeTheDefaultFile) {
  setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  const std::string fallback = Write("default", std::string(32, 'd'));
  EXPECT_EQ(Octets(ReadMasterKey({}, fallback)), std::string(32, 'd'));  // no such credential
  Write("keymast-master-key", key_, 0400);
  EXPECT_EQ(Octets(ReadMasterKey({}, fallback)), key_);
  const std::string configured = Write("configured", std::string(32, 'c'));
  EXPECT_EQ(Octets(ReadMasterKey({-1, configured}, fallback)), std::string(32, 'c'));
}

TEST_F(MasterKeyTest, ItsGroupMayReadACredentialAndNobodyElse) {
  setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  EXPECT_EQ(Octets(ReadMasterKey({-1, ""}, Write("keymast-master-key", key_, 0440))), key_);
  for (const mode_t mode : {0444U, 0460U, 0404U}) {
    Write("keymast-master-key", key_, mode);
    const auto key = ReadMasterKey({}, "");
    ASSERT_FALSE(key) << mode;
    EXPECT_EQ(key.error().error, Error::kPermissionDenied);
  }
}

TEST_F(MasterKeyTest, IsNotThereUntilItIsMade) {
  const std::string file = folder_ + "/key";
  const auto none = ReadMasterKey({}, file);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().error, Error::kNotFound);
  EXPECT_EQ(none.error().message, "master key " + file + ": not there");
  ASSERT_TRUE(MakeMasterKey(file).value_or(false));
  struct stat about {};
  ASSERT_EQ(stat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  EXPECT_EQ(about.st_size, 32);
  const std::string made = Octets(ReadMasterKey({}, file));
  EXPECT_NE(made, std::string(32, '\0'));
  // Once more changes nothing.
  EXPECT_EQ(MakeMasterKey(file), false);
  EXPECT_EQ(Octets(ReadMasterKey({}, file)), made);
}

TEST_F(MasterKeyTest, WhereNothingCanBeWrittenNoneIsMade) {
  const std::string file = Write("file", "no folder") + "/key";
  const auto made = MakeMasterKey(file);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find(file), std::string::npos);
}

// No failure tells what is in the file.
TEST_F(MasterKeyTest, FailuresHoldNoKey) {
  const auto key = ReadMasterKey({-1, Write("key", std::string(31, 'k'))}, "");
  EXPECT_EQ(key.error().message.find("kkkk"), std::string::npos);
}

}  // namespace
}  // namespace keymast::server
