// SPDX-License-Identifier: Apache-2.0
// Included in front of every source of libkeymast-receiver: the standard library's own checks stay,
// but a broken one ends the program without the text that says which, 40 KiB of them.
#pragma once

#include <cstddef>  // has the library's configuration

#undef __glibcxx_assert_impl
#define __glibcxx_assert_impl(condition) \
  do {                                   \
    if (!bool(condition)) {              \
      __builtin_trap();                  \
    }                                    \
  } while (false)
