// SPDX-License-Identifier: Apache-2.0
// Which state of which resource: what an etag says.
#pragma once

#include <optional>

#include "base/time.h"

namespace keymast::groups {

// Version tells a state of a resource from its other states, and by the instant at which it was
// made from those of another resource that has its name.
struct Version {
  uint64_t revision = 0;  // from 1
  Instant created{};
  friend bool operator==(const Version&, const Version&) = default;
};

template <class Resource>
Version VersionOf(const Resource& resource) {
  return {resource.revision, resource.created};
}

// IsAnother: the resource is not what was expected; anything is, where nothing was.
template <class Resource>
bool IsAnother(const std::optional<Version>& expected, const Resource& resource) {
  return expected && *expected != VersionOf(resource);
}

}  // namespace keymast::groups
