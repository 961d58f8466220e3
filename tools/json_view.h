// SPDX-License-Identifier: Apache-2.0
// Messages for programs: everything that the text shows, nothing folded or left out.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/decoder.h"
#include "tools/input.h"

namespace keymast::tools {

using Json = nlohmann::ordered_json;

// JsonOfTree lists groups and fields with offset, length, value, meaning and clause. A secret is a
// fingerprint unless `reveal`: what is revealed is on its way out and no secret any more.
Json JsonOfTree(const std::vector<Node>& tree, bool reveal);

// JsonOf gives one message with its verdict, its description (docs/keymast-mikey.md) and its
// fields.
Json JsonOf(const Decoded& decoded, const Found& found, size_t number, bool reveal);

// JsonOfKeys lists derived keys.
Json JsonOfKeys(const DerivedKeys& keys, bool reveal);

}  // namespace keymast::tools
