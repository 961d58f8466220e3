// SPDX-License-Identifier: Apache-2.0
#include "tools/hex_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keymast::tools {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Read(std::string_view text) {
  const auto messages = ReadHexText(text);
  if (!messages) return {"refused: " + messages.error().message};
  std::vector<std::string> hex;
  for (const Bytes& octets : *messages) hex.push_back(ToHex(octets));
  return hex;
}

TEST(HexText, LinesBelongTogetherUntilOneIsEmpty) {
  EXPECT_THAT(Read("0100\n0203\n\n04"), ElementsAre("01000203", "04"));
  EXPECT_THAT(Read("\r\n0100\r\n02 03\r\n \t\r\n04\r\n"), ElementsAre("01000203", "04"));
}

TEST(HexText, CommentsColonsAndSpaceAreNoDigits) {
  EXPECT_THAT(Read("# one\n01:00 # two\n# three\n 0a 0B"), ElementsAre("01000a0b"));
}

TEST(HexText, NamesTheLineThatIsNoHexadecimal) {
  EXPECT_THAT(Read("01\n0x"), ElementsAre("refused: line 2: not hexadecimal digits, two an octet"));
  EXPECT_THAT(Read("01\n\n012"),
              ElementsAre("refused: line 3: not hexadecimal digits, two an octet"));
}

TEST(HexText, NothingIsNoMessage) {
  for (const char* text : {"", "\n\n", "# only this"}) {
    EXPECT_THAT(Read(text), ElementsAre("refused: there is no message in it")) << text;
  }
}

TEST(HexText, AMessageAsItIsIsNoText) {
  EXPECT_TRUE(IsText(AsBytes("01 00\n# a\tb")));
  EXPECT_FALSE(IsText(AsBytes(std::string_view("\x01\x00", 2))));
  EXPECT_FALSE(IsText(AsBytes("\xc3\xa9")));
}

}  // namespace
}  // namespace keymast::tools
