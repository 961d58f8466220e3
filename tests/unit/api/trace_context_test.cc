// SPDX-License-Identifier: Apache-2.0
#include "api/trace_context.h"

#include <gtest/gtest.h>

namespace keymast::api {
namespace {

// From the standard, §3.2.3 and §3.2.2.4.
constexpr const char* kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, IsReadAndWritten) {
  const auto context = ParseTraceparent(kGood);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id[0], 0x4b);
  EXPECT_EQ(context->trace_id[15], 0x36);
  EXPECT_EQ(context->span_id[1], 0xf0);
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(context->ToString(), kGood);
  const auto not_sampled =
      ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  ASSERT_TRUE(not_sampled);
  EXPECT_FALSE(not_sampled->sampled);
  // Flags that version 00 does not know count for nothing.
  EXPECT_TRUE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff")->sampled);
}

TEST(Traceparent, OfALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  EXPECT_TRUE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what"));
  EXPECT_FALSE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"));
}

TEST(Traceparent, OtherTextsAreIgnored) {
  for (const char* text : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
                           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                           "0G-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bg-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
                           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01"}) {
    EXPECT_FALSE(ParseTraceparent(text)) << text;
  }
}

TEST(SpanTest, GoesOnUnderItsParentOrBeginsATrace) {
  const auto parent = ParseTraceparent(kGood);
  const Span child = BeginSpan(parent, false);
  EXPECT_EQ(child.context.trace_id, parent->trace_id);
  EXPECT_EQ(child.parent_id, parent->span_id);
  EXPECT_NE(child.context.span_id, parent->span_id);
  EXPECT_TRUE(child.context.sampled) << "as its parent";
  const Span first = BeginSpan(std::nullopt, true);
  EXPECT_TRUE(first.context.sampled);
  EXPECT_EQ(first.parent_id, decltype(first.parent_id){});
  EXPECT_NE(first.context.trace_id, BeginSpan(std::nullopt, true).context.trace_id);
  EXPECT_TRUE(ParseTraceparent(first.context.ToString()));
}

}  // namespace
}  // namespace keymast::api
