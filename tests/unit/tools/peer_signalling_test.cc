// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_signalling.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sdp/description.h"

namespace keymast::tools {
namespace {

namespace fs = std::filesystem;

class PeerSignalling : public testing::Test {
 protected:
  PeerSignalling() {
    folder_ = fs::temp_directory_path() / ("keymast-signalling-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  ~PeerSignalling() override { fs::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

TEST_F(PeerSignalling, AFileIsReadWhenItIsThere) {
  DescriptionSource source(Path("offer"));
  EXPECT_FALSE(*source.Poll());
  std::ofstream(Path("offer")).flush();
  EXPECT_FALSE(*source.Poll());  // empty: somebody is about to write
  EXPECT_TRUE(*WriteDescription(Path("offer"), "v=0\r\n"));
  const auto text = source.Poll();
  ASSERT_TRUE(text && *text);
  EXPECT_EQ(**text, "v=0\r\n");
}

TEST_F(PeerSignalling, APipeNeedsBothEnds) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(*WriteDescription(Path("pipe"), "v=0\r\n"));  // nobody reads
  DescriptionSource source(Path("pipe"));
  EXPECT_FALSE(*source.Poll());
  EXPECT_TRUE(*WriteDescription(Path("pipe"), "v=0\r\n"));
  const auto text = source.Poll();
  ASSERT_TRUE(text && *text);
  EXPECT_EQ(**text, "v=0\r\n");
}

TEST_F(PeerSignalling, WhatIsTooLongIsNotKept) {
  std::ofstream(Path("offer")) << std::string(sdp::kMaxText + 1, 'x');
  EXPECT_EQ(DescriptionSource(Path("offer")).Poll().error(), Error::kTooLong);
}

TEST_F(PeerSignalling, WhatCannotBeReadOrWritten) {
  EXPECT_EQ(DescriptionSource(Path("")).Poll().error(), Error::kIo);  // a folder
  EXPECT_FALSE(WriteDescription(Path("none/offer"), "v=0\r\n"));
}

}  // namespace
}  // namespace keymast::tools
