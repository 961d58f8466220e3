// SPDX-License-Identifier: Apache-2.0
#include "shell/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace keymast::shell {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = testing::TempDir() + "/filesXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string Path(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
  const Bytes secret_{1, 2, 3, 4};
};

TEST_F(Files, AFolderIsMadeForItsOwnerAloneWithThoseAboveIt) {
  ASSERT_TRUE(MakeFolder(Path("a/b")));
  for (const char* made : {"a", "a/b"}) {
    struct stat about {};
    ASSERT_EQ(stat(Path(made).c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0700U) << made;
  }
  ASSERT_EQ(chmod(Path("a").c_str(), 0755), 0);
  EXPECT_TRUE(MakeFolder(Path("a")));
  struct stat about {};
  ASSERT_EQ(stat(Path("a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0755U) << "as it was";
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  EXPECT_EQ(MakeFolder(Path("key/c")).error().error, Error::kIo);
}

TEST_F(Files, ASecretIsWrittenForItsOwnerAloneAndReadBack) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  struct stat about {};
  ASSERT_EQ(stat(Path("key").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  Bytes room(8);
  const auto size = ReadSecretFile(Path("key"), room);
  ASSERT_TRUE(size);
  room.resize(*size);
  EXPECT_EQ(room, secret_);
}

TEST_F(Files, ASecretIsNeverOverwritten) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  EXPECT_EQ(WriteSecretFile(Path("key"), Bytes{9}).error(), Error::kAlreadyExists);
  Bytes room(8);
  EXPECT_EQ(*ReadSecretFile(Path("key"), room), secret_.size());
}

TEST_F(Files, ASecretIsRefusedWhenOthersMayReadIt) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  Bytes room(8);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    ASSERT_EQ(chmod(Path("key").c_str(), mode), 0);
    EXPECT_EQ(ReadSecretFile(Path("key"), room).error(), Error::kPermissionDenied) << mode;
  }
  ASSERT_EQ(chmod(Path("key").c_str(), 0400), 0);
  EXPECT_TRUE(ReadSecretFile(Path("key"), room));
}

TEST_F(Files, ASecretThatDoesNotFitIsRefused) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  Bytes room(secret_.size() - 1);
  EXPECT_EQ(ReadSecretFile(Path("key"), room).error(), Error::kTooLong);
}

TEST_F(Files, ASecretThatIsAbsentOrNoFileIsRefused) {
  Bytes room(8);
  EXPECT_EQ(ReadSecretFile(Path("none"), room).error(), Error::kNotFound);
  EXPECT_EQ(ReadSecretFile(folder_, room).error(), Error::kIo);
  EXPECT_EQ(WriteSecretFile(Path("none/key"), secret_).error(), Error::kNotFound);
}

TEST_F(Files, AStateIsReplacedAsAWhole) {
  EXPECT_EQ(ReadFile(Path("state"), 10).error(), Error::kNotFound);
  ASSERT_TRUE(ReplaceStateFile(Path("state"), "first"));
  ASSERT_TRUE(ReplaceStateFile(Path("state"), "2nd"));
  EXPECT_EQ(ReadFile(Path("state"), 3), std::string("2nd"));
  EXPECT_EQ(ReadFile(Path("state"), 2).error(), Error::kTooLong);
  struct stat about {};
  ASSERT_EQ(stat(Path("state").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  EXPECT_FALSE(std::filesystem::exists(Path("state.new")));
}

TEST_F(Files, ALinkToAStateStaysALink) {
  std::filesystem::create_directory(Path("real"));
  ASSERT_TRUE(ReplaceStateFile(Path("real/state"), "first"));
  std::filesystem::create_symlink(Path("real/state"), Path("link"));
  ASSERT_TRUE(ReplaceStateFile(Path("link"), "second"));
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link")));
  EXPECT_EQ(ReadFile(Path("real/state"), 10), std::string("second"));
}

TEST_F(Files, AStateThatCannotBeReplacedStands) {
  ASSERT_TRUE(ReplaceStateFile(Path("state"), "first"));
  std::filesystem::create_directory(Path("state.new"));
  EXPECT_FALSE(ReplaceStateFile(Path("state"), "second"));
  EXPECT_EQ(ReadFile(Path("state"), 10), std::string("first"));
  EXPECT_EQ(ReplaceStateFile(Path("none/state"), "x").error(), Error::kNotFound);
}

}  // namespace
}  // namespace keymast::shell
