// SPDX-License-Identifier: Apache-2.0
// The inputs of the server's targets still mean what they were made to mean: the MACs and tickets
// in them are of what the server draws at random, and a draw more or less makes strangers of them
// all.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/fuzz/keying_world.h"
#include "tests/fuzz/verification_world.h"

namespace keymast::controller {
namespace {

const std::filesystem::path kCorpus = KEYMAST_SOURCE_DIR "/tests/fuzz/corpus";

Bytes Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Seeds, OfBothMembersAnAnswerIsBelieved) {
  Waiting waiting;
  Instant now = kNow;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus / "controller_verification"))
    waiting.server.OnDatagram({}, Read(entry.path()), now += std::chrono::seconds(1));
  EXPECT_EQ(waiting.server.counters().msk_verifications, 2U)
      << "make them anew: make_verification_seeds tests/fuzz/corpus/controller_verification";
}

class KeyingSeeds : public testing::TestWithParam<int> {};

TEST_P(KeyingSeeds, OfTheModeJoinByKeyOrCertificateAndByTicket) {
  const Bytes input =
      Read(kCorpus / "controller_keying" / ("mode_" + std::to_string(GetParam()) + "_ticket"));
  ASSERT_FALSE(input.empty());
  KeyingWorld world(input[0]);
  Play(world, ByteView(input).subspan(1), [&](ByteView datagram) { world.Take(datagram); });
  EXPECT_EQ(world.members.joined, 2U)
      << "make them anew: make_keying_seeds tests/fuzz/corpus/controller_keying";
}

INSTANTIATE_TEST_SUITE_P(EachMode, KeyingSeeds, testing::Values(1, 3, 4, 5, 6));

}  // namespace
}  // namespace keymast::controller
