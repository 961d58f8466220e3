// SPDX-License-Identifier: Apache-2.0
// Every prefix of every vector is refused; every flipped bit is refused or read as it stands.
#include "mikey/message.h"
#include "tests/vectors/vectors.h"

namespace keymast::mikey {
namespace {

std::vector<Bytes> AllMessages() {
  std::vector<Bytes> messages;
  const auto folder = vectors::Folder() / "peers";
  if (!std::filesystem::exists(folder)) return messages;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto file = vectors::Load("peers/" + entry.path().filename().string());
    for (const auto& message : file["messages"]) messages.push_back(vectors::HexIn(message["hex"]));
  }
  const auto worked = vectors::Load("mikey-worked.json");
  for (const auto& entry : worked["worked_by_us"]) {
    const auto line = entry.get<std::string>();
    if (line.find("MESSAGE") == std::string::npos && line.find("W3 msg") == std::string::npos) {
      continue;
    }
    messages.push_back(vectors::Hex(line.substr(line.rfind(' ') + 1)));
  }
  return messages;
}

class Mutation : public testing::Test {
 protected:
  void SetUp() override {
    messages_ = AllMessages();
    if (!messages_.empty()) return;
    ASSERT_TRUE(vectors::MayLeaveOut("peers"));
    GTEST_SKIP() << "LEFT OUT: no messages to mutate in " << vectors::Folder().string();
  }
  std::vector<Bytes> messages_;
};

// IsRefusedOrReadAsItStands: what parses must write back to the same octets.
bool IsRefusedOrReadAsItStands(const Bytes& octets) {
  Message message;
  if (!ParseMessage(octets, message)) return true;
  Bytes out(octets.size());
  return WriteMessage(message, out) == Result<size_t>(out.size()) && out == octets;
}

TEST_F(Mutation, WholeMessagesAreRefusedOrReadAsTheyStand) {
  EXPECT_EQ(messages_.size(), 44u + 3u);
  for (const Bytes& message : messages_) EXPECT_TRUE(IsRefusedOrReadAsItStands(message));
}

TEST_F(Mutation, EveryPrefixIsRefused) {
  for (const Bytes& octets : messages_) {
    for (size_t size = 0; size < octets.size(); ++size) {
      Message message;
      ASSERT_FALSE(ParseMessage(ByteView(octets).first(size), message)) << ToHex(octets) << size;
    }
  }
}

TEST_F(Mutation, EveryFlippedBitIsRefusedOrReadAsItStands) {
  for (const Bytes& octets : messages_) {
    Bytes other = octets;
    for (size_t bit = 0; bit < 8 * octets.size(); ++bit) {
      const auto mask = static_cast<uint8_t>(1 << (bit % 8));
      other[bit / 8] ^= mask;
      ASSERT_TRUE(IsRefusedOrReadAsItStands(other)) << ToHex(other);
      other[bit / 8] ^= mask;
    }
  }
}

TEST_F(Mutation, TrailingOctetsAreRefused) {
  for (Bytes octets : messages_) {
    octets.push_back(0);
    Message message;
    EXPECT_FALSE(ParseMessage(octets, message));
  }
}

}  // namespace
}  // namespace keymast::mikey
