// SPDX-License-Identifier: Apache-2.0
// Ids of requests: one that is repeated under its id is done once.
#pragma once

#include <cstdint>
#include <string>

#include "cli/problem.h"

namespace keymast::cli {

// NewRequestId gives a random UUID (RFC 4122, version 4).
std::string NewRequestId();

// PartRequestId gives the UUID (version 8, RFC 9562 §5.8) of part `part` of a request that is sent
// in parts: the front of SHA-256 over the id in lower case and the part's number, 8 octets. A
// repetition of the whole has the same parts.
std::string PartRequestId(const std::string& id, uint64_t part);

// IsUuid says whether `text` has the form 8-4-4-4-12 of hexadecimal digits.
bool IsUuid(const std::string& text);

// AdviseRepetition adds, to a problem that leaves open what was done, how to find out.
void AdviseRepetition(const std::string& request_id, Problem& problem);

}  // namespace keymast::cli
