// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace keymast::cli {

// YamlOf gives a JSON text as a YAML document with the same values: what is text in it is text for
// readers of YAML 1.1 and 1.2, as "0123" and "yes". The text is one that was made here.
std::string YamlOf(const std::string& json);

}  // namespace keymast::cli
