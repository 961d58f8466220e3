// SPDX-License-Identifier: Apache-2.0
#include "crypto/authority.h"

#include <algorithm>

namespace keymast::crypto {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHostOctets =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
constexpr std::string_view kAddressOctets = "0123456789abcdefABCDEF:.";
constexpr std::string_view kSchemeOctets =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";

constexpr std::string_view kUserOctets =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:%";

bool IsOf(std::string_view text, std::string_view octets) {
  return !text.empty() && text.find_first_not_of(octets) == std::string_view::npos;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool IsHost(std::string_view host) {
  const bool is_literal = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return is_literal ? IsOf(host.substr(1, host.size() - 2), kAddressOctets)
                    : IsOf(host, kHostOctets);
}

// AuthorityText is what stands between `//` and the path; nothing where there is none.
std::optional<std::string_view> AuthorityText(std::string_view uri) {
  const size_t colon = uri.find(':');
  if (colon == std::string_view::npos || !IsOf(uri.substr(0, colon), kSchemeOctets)) return {};
  const std::string_view rest = uri.substr(colon + 1);
  if (!rest.starts_with("//")) return {};
  return rest.substr(2, rest.find_first_of("/?#", 2) - 2);
}

}  // namespace

std::optional<Authority> AuthorityOf(std::string_view uri) {
  std::optional<std::string_view> text = AuthorityText(uri);
  if (!text) return {};
  const size_t at = text->find('@');  // a second one is no octet of a host
  if (at != std::string_view::npos) {
    if (!IsOf(text->substr(0, at), kUserOctets)) return {};
    text->remove_prefix(at + 1);
  }
  // The colons of an address of version 6 are in its brackets.
  const size_t bracket = text->find(']');
  const size_t colon = text->find(':', bracket == std::string_view::npos ? 0 : bracket);
  Authority authority;
  authority.host = text->substr(0, colon);
  if (colon != std::string_view::npos) authority.port = text->substr(colon + 1);
  const bool is_port =
      authority.port.empty() || (authority.port.size() <= 5 && IsOf(authority.port, kDigits));
  if (!is_port || !IsHost(authority.host)) return {};
  return authority;
}

bool IsSameHost(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

bool IsAddress(std::string_view host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace keymast::crypto
