// SPDX-License-Identifier: Apache-2.0
#include "api/frame.h"

#include <gtest/gtest.h>

#include "private/core.pb.h"

namespace keymast::api {
namespace {

void Feed(FrameReader& reader, std::string_view octets) {
  while (!octets.empty()) {
    const MutableBytes room = reader.Room();
    const size_t count = std::min(room.size(), octets.size());
    std::copy_n(octets.begin(), count, room.begin());
    reader.Filled(count);
    octets.remove_prefix(count);
  }
}

core::CoreReply Reply(uint64_t call, size_t padding = 0) {
  core::CoreReply reply;
  reply.set_call(call);
  reply.mutable_error()->set_message(std::string(padding, 'x'));
  return reply;
}

TEST(Frame, WritesLengthAndMessage) {
  std::string out = "before";
  ASSERT_TRUE(AppendFrame(Reply(5), out));
  core::CoreReply expected = Reply(5);
  const std::string message = expected.SerializeAsString();
  const std::string header = {0, 0, 0, static_cast<char>(message.size())};
  EXPECT_EQ(out, "before" + header + message);
}

TEST(Frame, ReadsFramesHoweverTheyAreCut) {
  std::string stream;
  for (uint64_t call = 1; call <= 3; ++call) ASSERT_TRUE(AppendFrame(Reply(call, 300), stream));
  for (size_t piece = 1; piece <= stream.size(); piece += 7) {
    FrameReader reader;
    uint64_t next = 1;
    for (size_t at = 0; at < stream.size(); at += piece) {
      Feed(reader, std::string_view(stream).substr(at, piece));
      for (auto frame = reader.Next(); frame; frame = reader.Next()) {
        core::CoreReply reply;
        ASSERT_TRUE(reply.ParseFromArray(frame->data(), static_cast<int>(frame->size())));
        EXPECT_EQ(reply.call(), next++);
      }
    }
    EXPECT_EQ(next, 4U) << "cut into " << piece;
  }
}

TEST(Frame, EveryPrefixOfAFrameIsTruncated) {
  std::string stream;
  ASSERT_TRUE(AppendFrame(Reply(1, 20), stream));
  for (size_t size = 0; size < stream.size(); ++size) {
    FrameReader reader;
    Feed(reader, std::string_view(stream).substr(0, size));
    ASSERT_FALSE(reader.Next());
    EXPECT_EQ(reader.Next().error(), Error::kTruncated);
  }
}

TEST(Frame, TakesOneMebibyteAndNoMore) {
  core::CoreReply reply = Reply(1);
  reply.mutable_error()->set_message(std::string(kMaxFrame - reply.ByteSizeLong() - 6, 'x'));
  while (reply.ByteSizeLong() < kMaxFrame) reply.mutable_error()->mutable_message()->push_back('x');
  ASSERT_EQ(reply.ByteSizeLong(), kMaxFrame);
  std::string out;
  ASSERT_TRUE(AppendFrame(reply, out));
  FrameReader reader;
  Feed(reader, out);
  EXPECT_EQ(reader.Next().value().size(), kMaxFrame);

  reply.mutable_error()->mutable_message()->push_back('x');
  const size_t before = out.size();
  EXPECT_EQ(AppendFrame(reply, out).error(), Error::kTooLong);
  EXPECT_EQ(out.size(), before);
}

TEST(Frame, RefusesALengthBeyondTheLimitAtOnce) {
  FrameReader reader;
  Feed(reader, std::string_view("\x00\x10\x00\x01", 4));
  EXPECT_EQ(reader.Next().error(), Error::kTooLong);
}

}  // namespace
}  // namespace keymast::api
