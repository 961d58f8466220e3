// SPDX-License-Identifier: Apache-2.0
#include "base/endpoint.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace keymast {

bool Endpoint::IsMulticast() const {
  if (family == Family::kIpv4) return (address[0] & 0xf0) == 0xe0;  // RFC 1112 §4
  return address[0] == 0xff;                                        // RFC 4291 §2.7
}

Result<Endpoint> ParseAddress(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return Err(Error::kMalformed);
  Endpoint endpoint;
  if (inet_pton(AF_INET, copy.c_str(), endpoint.address.data()) == 1) return endpoint;
  endpoint.address.fill(0);
  endpoint.family = Endpoint::Family::kIpv6;
  if (inet_pton(AF_INET6, copy.c_str(), endpoint.address.data()) == 1) return endpoint;
  return Err(Error::kMalformed);
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Err(Error::kMalformed);
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const auto [end, failure] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (failure != std::errc() || end != port_text.data() + port_text.size() || port == 0) {
    return Err(Error::kMalformed);
  }
  Result<Endpoint> endpoint = ParseAddress(host);
  if (!endpoint) return endpoint;
  if (bracketed != (endpoint->family == Endpoint::Family::kIpv6)) return Err(Error::kMalformed);
  endpoint->port = port;
  return endpoint;
}

Result<Endpoint> ParseEndpoint(std::string_view text, uint16_t port) {
  Result<Endpoint> endpoint = ParseAddress(text);
  if (!endpoint) return ParseEndpoint(text);
  endpoint->port = port;
  return endpoint;
}

std::string AddressToString(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = endpoint.family == Endpoint::Family::kIpv4 ? AF_INET : AF_INET6;
  inet_ntop(family, endpoint.address.data(), text, sizeof text);
  return text;
}

std::string ToString(const Endpoint& endpoint) {
  const std::string address = AddressToString(endpoint);
  const std::string port = std::to_string(endpoint.port);
  if (endpoint.family == Endpoint::Family::kIpv6) return "[" + address + "]:" + port;
  return address + ":" + port;
}

}  // namespace keymast
