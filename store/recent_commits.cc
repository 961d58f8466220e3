// SPDX-License-Identifier: Apache-2.0
#include "store/recent_commits.h"

namespace keymast::store {
namespace {

size_t OctetsOf(const std::vector<WatchEvent>& events) {
  size_t octets = 0;
  for (const WatchEvent& event : events) {
    octets += event.key.size() + (event.value ? event.value->size() : 0);
  }
  return octets;
}

}  // namespace

void RecentCommits::Add(std::vector<WatchEvent> events) {
  const size_t octets = OctetsOf(events);
  commits_.push_back({std::move(events), octets});
  octets_ += octets;
  ++newest_;
  while (commits_.size() > 1 && (commits_.size() > kCommits || octets_ > kOctets)) {
    octets_ -= commits_.front().octets;
    commits_.pop_front();
    ++oldest_;
  }
}

Status RecentCommits::Find(Revision revision) const {
  if (revision < oldest_) return Err(Error::kCompacted);
  if (revision > newest_) return Err(Error::kInvalidArgument);
  return {};
}

Result<std::vector<WatchEvent>> RecentCommits::Since(std::string_view prefix, Revision from,
                                                     size_t limit) const {
  if (const Status found = Find(from); !found) return Err(found.error());
  std::vector<WatchEvent> since;
  for (size_t i = from - oldest_; i < commits_.size(); ++i) {
    const size_t before = since.size();
    for (const WatchEvent& event : commits_[i].events) {
      if (event.key.starts_with(prefix)) since.push_back(event);
    }
    if (since.size() > limit && before > 0) {
      since.resize(before);
      break;
    }
  }
  return since;
}

}  // namespace keymast::store
