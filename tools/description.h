// SPDX-License-Identifier: Apache-2.0
// A message as JSON that can be edited and built again: DescriptionOf and Build (builder.h) are
// each other's inverse on every message. docs/keymast-mikey.md describes the form.
#pragma once

#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace keymast::tools {

using Json = nlohmann::ordered_json;

// DescriptionOf gives header, map and payloads; of octets that are no message, `raw`.
Json DescriptionOf(ByteView octets);

}  // namespace keymast::tools
