// SPDX-License-Identifier: Apache-2.0
#include "framing/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "private/core.pb.h"

namespace keymast::framing {
namespace {

core::CoreRequest Request(uint64_t call, size_t padding = 0) {
  core::CoreRequest request;
  request.set_call(call);
  request.set_principal(std::string(padding, 'p'));
  return request;
}

// Feeds `octets` in pieces of `piece` and gives the calls of the frames that come out.
std::vector<uint64_t> CallsOf(std::string_view octets, size_t piece, FrameReader& frames) {
  std::vector<uint64_t> calls;
  while (!octets.empty()) {
    const size_t count = std::min(piece, octets.size());
    const MutableBytes room = frames.Room();
    const size_t fits = std::min(count, room.size());
    std::copy_n(octets.begin(), fits, room.begin());
    frames.Filled(fits);
    octets.remove_prefix(fits);
    while (const auto frame = frames.Next()) {
      core::CoreRequest request;
      EXPECT_TRUE(request.ParseFromArray(frame->data(), static_cast<int>(frame->size())));
      calls.push_back(request.call());
    }
  }
  return calls;
}

TEST(Frame, ComesOutWholeWhateverThePieces) {
  std::string stream;
  std::vector<uint64_t> expected;
  for (uint64_t call = 1; call <= 40; ++call) {
    ASSERT_TRUE(AppendFrame(Request(call, call * call * 7), stream));
    expected.push_back(call);
  }
  for (const size_t piece : {1UL, 2UL, 3UL, 7UL, 100UL, 4096UL, 1000000UL}) {
    FrameReader frames;
    EXPECT_EQ(CallsOf(stream, piece, frames), expected) << piece;
  }
}

TEST(Frame, HasItsLengthInFrontInNetworkOrder) {
  std::string stream = "before";
  ASSERT_TRUE(AppendFrame(Request(5), stream));
  EXPECT_EQ(stream, std::string("before") + std::string("\0\0\0\2\x08\x05", 6));
}

TEST(Frame, OfAMebibyteIsTheLongest) {
  std::string stream;
  core::CoreRequest request = Request(1, kMaxFrame);
  request.mutable_principal()->resize(2 * kMaxFrame - request.ByteSizeLong());
  ASSERT_EQ(request.ByteSizeLong(), kMaxFrame);
  ASSERT_TRUE(AppendFrame(request, stream));
  FrameReader frames;
  EXPECT_EQ(CallsOf(stream, 65536, frames), std::vector<uint64_t>{1});
  request.mutable_principal()->push_back('p');
  std::string untouched = "x";
  EXPECT_EQ(AppendFrame(request, untouched).error(), Error::kTooLong);
  EXPECT_EQ(untouched, "x");
}

TEST(Frame, ThatIsLongerIsRefusedByItsHeaderAlone) {
  FrameReader frames;
  const std::string header("\0\x10\0\1", 4);
  EXPECT_TRUE(CallsOf(header, 4, frames).empty());
  EXPECT_EQ(frames.Next().error(), Error::kTooLong);
}

TEST(Frame, EveryPrefixWaitsForTheRest) {
  std::string stream;
  ASSERT_TRUE(AppendFrame(Request(9, 20), stream));
  for (size_t size = 0; size < stream.size(); ++size) {
    FrameReader frames;
    EXPECT_TRUE(CallsOf(std::string_view(stream).substr(0, size), 5, frames).empty());
    EXPECT_EQ(frames.Next().error(), Error::kTruncated);
  }
}

}  // namespace
}  // namespace keymast::framing
