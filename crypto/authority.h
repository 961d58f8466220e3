// SPDX-License-Identifier: Apache-2.0
// The authority of a URI (RFC 3986 §3.2).
#pragma once

#include <optional>
#include <string_view>

namespace keymast::crypto {

// Authority borrows from the URI. The host of an address of version 6 has its brackets; the port is
// empty where there is none.
struct Authority {
  std::string_view host;
  std::string_view port;
};

// AuthorityOf is nothing for a URI without one, and for one with a host or port that is not taken:
// see Certificate::NamesAuthorityOf.
std::optional<Authority> AuthorityOf(std::string_view uri);

// IsSameHost tells letters' case not apart.
bool IsSameHost(std::string_view a, std::string_view b);

// IsAddress: an address in brackets, or what can be one of version 4.
bool IsAddress(std::string_view host);

}  // namespace keymast::crypto
