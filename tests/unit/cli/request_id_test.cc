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

// By Python: sha256("\n".join([id, *names])), version and variant put over it.
TEST(RequestId, PartsFollowFromTheWholeAndTheirNames) {
  EXPECT_EQ(PartRequestId(kId, {"alice", "bob"}), "de329f8d-051a-83fd-b12d-f70179b4e13f");
  EXPECT_EQ(PartRequestId("0F0E0D0C-0B0A-4908-8706-050403020100", {"carol"}),
            "4c50636e-ea84-8339-b04f-be0332b018bf");
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
