// SPDX-License-Identifier: Apache-2.0
// Messages for people: one line a field, with place, value, meaning and clause.
#pragma once

#include <iosfwd>

#include "tools/decoder.h"
#include "tools/input.h"

namespace keymast::tools {

struct TextOptions {
  bool color = false;
  bool reveal = false;  // keys in clear; otherwise their fingerprints
};

// WriteText writes one message. Only printable ASCII and, in colour, SGR sequences are written,
// beside the names and clauses that are ours.
void WriteText(const Decoded& decoded, const Found& found, size_t number,
               const TextOptions& options, std::ostream& out);

}  // namespace keymast::tools
