// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace keymast::crypto {

inline Bytes Hex(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(FromHex(text, octets)) << text;
  return octets;
}

}  // namespace keymast::crypto
