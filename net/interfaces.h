// SPDX-License-Identifier: Apache-2.0
// The machine's interfaces, as they are now.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "base/endpoint.h"

namespace keymast::net {

// InterfaceAddress is one address of an interface that is up. An interface that was removed and
// made again has another index, also under its old name.
struct InterfaceAddress {
  uint32_t index = 0;
  std::string name;
  Endpoint address;  // port 0
  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// UpAddresses is sorted; empty when the kernel does not tell.
std::vector<InterfaceAddress> UpAddresses();

// FindInterface gives the index of the interface that is up and has `address`. kNoInterface.
Result<uint32_t> FindInterface(const std::string& address);

}  // namespace keymast::net
