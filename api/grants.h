// SPDX-License-Identifier: Apache-2.0
// What configuration gives a principal: roles, each for all of the server or for some channels, and
// limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/roles.h"

namespace keymast::api {

// ChannelSet is channels by their ids, or by how their ids begin.
class ChannelSet {
 public:
  // Add takes `one`, or with a `*` at the end every channel whose id begins with what is before it;
  // false, and takes nothing, when no id can be so.
  bool Add(std::string_view pattern);
  void Add(const ChannelSet& other);
  bool Has(std::string_view id) const;
  // patterns gives what was added, each once, in order.
  const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  std::vector<std::string> patterns_;
};

// Grant is a role for `channels`; without them for all channels, and for what belongs to none.
struct Grant {
  Role role = Role::kViewer;
  std::optional<ChannelSet> channels = {};
};

// Limits are of all that a principal does, under whichever role; 0: none.
struct Limits {
  uint64_t channels = 0;  // these two are counted by keymastd
  uint64_t members = 0;
  uint64_t watches = 0;  // under way at once
  uint64_t requests_per_second = 0;
  uint64_t burst = 0;  // requests at once after a pause; with requests_per_second alone
};

struct Rights {
  std::vector<Grant> grants;
  Limits limits = {};
};

// RoleForAll is a role without limits.
inline Rights RoleForAll(Role role) { return {{{role}}, {}}; }

// IsChannelId says whether a channel may have this id: 1 to 63 of [a-z0-9-], a letter first.
bool IsChannelId(std::string_view id);

}  // namespace keymast::api
