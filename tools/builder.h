// SPDX-License-Identifier: Apache-2.0
// Makes messages from descriptions: every payload in every order, right or wrong, with MACs and
// encryption under named keys. docs/keymast-mikey.md describes the form.
#pragma once

#include "crypto/primitives.h"
#include "tools/description.h"
#include "tools/key_file.h"

namespace keymast::tools {

// ParseDescriptions reads JSON: one description, a list of them, or what `decode --json` prints.
// kMalformed, with the place.
tl::expected<std::vector<Json>, Failure> ParseDescriptions(std::string_view text);

// BuildMessages makes the messages of the descriptions, in order: what an earlier one tells (RAND,
// identities, T of a CSB ID) is what a later one's MAC is made with, where it says nothing else.
// kInvalidArgument, with the place in the description.
tl::expected<std::vector<Bytes>, Failure> BuildMessages(const std::vector<Json>& descriptions,
                                                        const Keys& keys,
                                                        const crypto::Suite& suite);

}  // namespace keymast::tools
