// SPDX-License-Identifier: Apache-2.0
// How often the program has asked for memory, whoever asked: malloc itself is counted.
#pragma once

#include <cstddef>

namespace keymast::receiver::library {

size_t HeapCalls();

}  // namespace keymast::receiver::library
