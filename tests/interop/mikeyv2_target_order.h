// SPDX-License-Identifier: Apache-2.0
// Orders to mikeyv2_target: what stands in many of them.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "mikey/v2/group_contents.h"
#include "tests/interop/credentials_json.h"
#include "tests/interop/loopback.h"

namespace keymast::mikey::v2 {

using Json = nlohmann::json;

inline Instant NowOf(const Json& order) {
  return FromUnixNanos(static_cast<int64_t>(order.at("now").get<double>() * 1e6) * 1000);
}

inline GroupName GroupOf(const Json& order) {
  GroupName group;
  const Bytes domain = Unhex(order.at("domain"));
  std::copy(domain.begin(), domain.end(), group.domain.octets.begin());
  group.key_group = KeyGroup(order.at("key_group").get<uint16_t>());
  group.csb_id = CsbId(order.at("csb_id").get<uint32_t>());
  group.encr = static_cast<EncrAlg>(order.at("encr").get<int>());
  return group;
}

inline std::string_view NameOf(const Status& status) {
  return status ? "ok" : ErrorName(status.error());
}

// TakeDatagram waits for the one that an order is about.
inline Bytes TakeDatagram(const LoopbackSocket& socket, uint16_t& from) {
  return socket.Take(std::chrono::seconds(5), from);
}

}  // namespace keymast::mikey::v2
