// SPDX-License-Identifier: Apache-2.0
// The text of /metrics: what keymastd counts and what keymast-api counts, by prometheus-cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/request_metrics.h"
#include "private/core.pb.h"

namespace keymast::api {

struct ApiState {
  bool core_up = false;
  uint64_t core_connections = 0;
  uint64_t core_calls = 0;                                   // under way
  std::map<std::string, uint64_t> calls = {};                // under way, by share
  std::map<std::string, uint64_t> unread = {};               // octets answered, not read, by share
  std::map<std::string, uint64_t> calls_refused = {};        // by share
  std::map<std::string, uint64_t> connections = {};          // open, by listener
  std::map<std::string, uint64_t> connections_refused = {};  // by listener
  std::map<std::string, uint64_t> http_cut = {};             // by reason
  uint64_t spans_dropped = 0;
  std::vector<std::string> not_ready = {};  // as /readyz
};

// Exposition gives the text format 0.0.4. A metric of the snapshot whose name or labels Prometheus
// would refuse is left out.
std::string Exposition(const core::MetricsSnapshot& snapshot, const RequestMetrics& requests,
                       const ApiState& state);

}  // namespace keymast::api
