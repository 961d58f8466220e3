// SPDX-License-Identifier: Apache-2.0
// Messages as people pass them around: hexadecimal digits with white space, colons and comments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::tools {

// IsText is true for printable ASCII with white space: no MIKEY message is, since it begins with
// its version, 1 (RFC 3830 §6.1).
bool IsText(ByteView octets);

// ReadHexText reads messages: a message may fill several lines, an empty line ends it, `#` begins a
// comment. kMalformed with the number of the line; kNotFound when there is none.
tl::expected<std::vector<Bytes>, Failure> ReadHexText(std::string_view text);

// TakeLine cuts the first line off `text`, without its line feed.
std::string_view TakeLine(std::string_view& text);
// WithoutComment ends a line at its `#`.
std::string_view WithoutComment(std::string_view line);
// Trimmed is a text without white space around it.
std::string_view Trimmed(std::string_view text);

}  // namespace keymast::tools
