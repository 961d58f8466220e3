// SPDX-License-Identifier: Apache-2.0
#include "net/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>

#include "net/socket_address.h"

namespace keymast::net {

std::vector<InterfaceAddress> UpAddresses() {
  std::vector<InterfaceAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const sa_family_t family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const auto* address = reinterpret_cast<const SocketAddress*>(entry->ifa_addr);
    addresses.push_back(
        {if_nametoindex(entry->ifa_name), entry->ifa_name, FromSocketAddress(*address)});
  }
  freeifaddrs(list);
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

Result<uint32_t> FindInterface(const std::string& address) {
  const Result<Endpoint> wanted = ParseAddress(address);
  if (!wanted) return Err(Error::kNoInterface);
  for (const InterfaceAddress& entry : UpAddresses()) {
    // Index 0: it went away between the two questions.
    if (entry.address == *wanted && entry.index != 0) return entry.index;
  }
  return Err(Error::kNoInterface);
}

}  // namespace keymast::net
