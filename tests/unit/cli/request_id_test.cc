// SPDX-License-Identifier: Apache-2.0
#include "cli/request_id.h"

#include <gtest/gtest.h>

#include <set>

namespace keymast::cli {
namespace {

constexpr const char* kId = "0f0e0d0c-0b0a-4908-8706-050403020100";

TEST(RequestId, NewOnesAreRandomUuids) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = NewRequestId();
    EXPECT_TRUE(IsUuid(id)) << id;
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100U);
}

// By Python: sha256(id.encode() + part.to_bytes(8, "big")), version and variant put over it.
TEST(RequestId, PartsFollowFromTheWhole) {
  EXPECT_EQ(PartRequestId(kId, 0), "9777d8d4-0bf2-8879-9598-fd322a33dfcd");
  EXPECT_EQ(PartRequestId("0F0E0D0C-0B0A-4908-8706-050403020100", 1),
            "c7829243-7708-8d0b-acd4-bd364d5c26d1");
}

TEST(RequestId, WhatIsNoUuidIsNone) {
  EXPECT_TRUE(IsUuid(kId));
  for (const char* text :
       {"", "0f0e0d0c0b0a49088706050403020100", "0f0e0d0c-0b0a-4908-8706-05040302010",
        "0f0e0d0c-0b0a-4908-8706-0504030201000", "0g0e0d0c-0b0a-4908-8706-050403020100",
        "0f0e0d0c+0b0a-4908-8706-050403020100", "{f0e0d0c-0b0a-4908-8706-05040302010}"}) {
    EXPECT_FALSE(IsUuid(text)) << text;
  }
}

TEST(RequestId, AdviceIsForWhatIsNotKnown) {
  Problem problem;
  AdviseRepetition(kId, problem);
  EXPECT_EQ(problem.advice, "");
  problem.is_outcome_known = false;
  AdviseRepetition(kId, problem);
  EXPECT_NE(problem.advice.find(std::string("--request-id ") + kId), std::string::npos);
}

}  // namespace
}  // namespace keymast::cli
