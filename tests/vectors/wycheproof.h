// SPDX-License-Identifier: Apache-2.0
// How files of C2SP Wycheproof are laid out.
#pragma once

#include "tests/vectors/vectors.h"

namespace keymast::vectors {

// ForEach runs `check(group, test)` over a file and fails if it was empty.
template <class Check>
void ForEach(const nlohmann::json& file, Check check) {
  size_t count = 0;
  for (const nlohmann::json& group : file["testGroups"]) {
    for (const nlohmann::json& test : group["tests"]) {
      SCOPED_TRACE(test["tcId"].get<int>());
      check(group, test);
      ++count;
    }
  }
  EXPECT_EQ(count, file["numberOfTests"].get<size_t>());
}

inline bool IsValid(const nlohmann::json& test) { return test["result"] == "valid"; }

}  // namespace keymast::vectors
