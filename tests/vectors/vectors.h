// SPDX-License-Identifier: Apache-2.0
// Vectors lie beside the project, in ../shared/vectors, or where KEYMAST_VECTORS points. Under CI
// their absence fails a test; otherwise it is skipped with a line that says what was left out,
// whose numbers ./test adds up.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace keymast::vectors {

std::filesystem::path Folder();

// Load reads `name` under the folder; a null value when it is not there.
nlohmann::json Load(const std::string& name);

// MayLeaveOut tells a test what to do about absent vectors.
testing::AssertionResult MayLeaveOut(const std::string& name);

// CasesOf `name`, also where it is not at hand; those of all of "peers" are messages.
size_t CasesOf(const std::string& name);

// LeftOut says so of `name`: "LEFT OUT: 170 vectors of ...".
std::string LeftOut(const std::string& name);

// HexIn reads a hexadecimal member, Hex a text.
Bytes HexIn(const nlohmann::json& text);
Bytes Hex(std::string_view text);

}  // namespace keymast::vectors

// KEYMAST_LOAD_VECTORS declares `variable` or ends the test.
#define KEYMAST_LOAD_VECTORS(variable, name)                      \
  const nlohmann::json variable = ::keymast::vectors::Load(name); \
  if (variable.is_null()) {                                       \
    ASSERT_TRUE(::keymast::vectors::MayLeaveOut(name));           \
    GTEST_SKIP() << ::keymast::vectors::LeftOut(name);            \
  }                                                               \
  static_assert(true)
