// SPDX-License-Identifier: Apache-2.0
#include "api/grants.h"

#include <algorithm>

namespace keymast::api {
namespace {

constexpr size_t kLongestId = 63;

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

bool IsChannelId(std::string_view id) {
  const auto belongs = [](char c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !id.empty() && id.size() <= kLongestId && IsLetter(id[0]) &&
         std::all_of(id.begin(), id.end(), belongs);
}

bool ChannelSet::Add(std::string_view pattern) {
  const bool open = pattern.ends_with('*');
  const std::string_view id = pattern.substr(0, pattern.size() - (open ? 1 : 0));
  if (!IsChannelId(id) && !(open && id.empty())) return false;
  const auto place = std::lower_bound(patterns_.begin(), patterns_.end(), pattern);
  if (place == patterns_.end() || *place != pattern) patterns_.emplace(place, pattern);
  return true;
}

void ChannelSet::Add(const ChannelSet& other) {
  for (const std::string& pattern : other.patterns_) Add(pattern);
}

bool ChannelSet::Has(std::string_view id) const {
  if (!IsChannelId(id)) return false;
  return std::any_of(patterns_.begin(), patterns_.end(), [id](std::string_view pattern) {
    return pattern.ends_with('*') ? id.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : id == pattern;
  });
}

}  // namespace keymast::api
