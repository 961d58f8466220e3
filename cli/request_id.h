// SPDX-License-Identifier: Apache-2.0
// Ids of requests: one that is repeated under its id is done once.
#pragma once

#include <string>
#include <vector>

#include "cli/problem.h"

namespace keymast::cli {

// NewRequestId gives a random UUID (RFC 4122, version 4).
std::string NewRequestId();

// PartRequestId gives the UUID (version 8, RFC 9562 §5.8) of a part of a request that is sent in
// parts: the front of SHA-256 over the id in lower case and, each behind a line feed, the names of
// what the part is about. Another part that is about the same is a repetition of it.
std::string PartRequestId(const std::string& id, const std::vector<std::string>& names);

// IsUuid says whether `text` has the form 8-4-4-4-12 of hexadecimal digits.
bool IsUuid(const std::string& text);

// AdviseRepetition adds, to a problem that leaves open what was done, how to find out.
void AdviseRepetition(const std::string& request_id, Problem& problem);

}  // namespace keymast::cli
