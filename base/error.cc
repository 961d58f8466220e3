// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <array>

namespace keymast {
namespace {

constexpr std::array<std::string_view, kErrorCount> kLabels = {
#define KEYMAST_ERROR_LABEL(name, label) label,
    KEYMAST_ERRORS(KEYMAST_ERROR_LABEL)
#undef KEYMAST_ERROR_LABEL
};

}  // namespace

std::string_view ErrorName(Error error) { return kLabels[static_cast<size_t>(error)]; }

bool ErrorFromName(std::string_view label, Error& error) {
  for (size_t i = 0; i < kLabels.size(); ++i) {
    if (kLabels[i] == label) {
      error = static_cast<Error>(i);
      return true;
    }
  }
  return false;
}

}  // namespace keymast
