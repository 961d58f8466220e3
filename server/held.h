// SPDX-License-Identifier: Apache-2.0
// Datagrams that wait for a commit, so that none which is sent later goes ahead of them: COUNTERs
// rise on air (TS 33.246 §6.4.3), those of MTK messages under an MSK and of MSK messages to a user.
#pragma once

#include <map>
#include <vector>

#include "base/check.h"
#include "controller/controller.h"

namespace keymast::server {

class Held {
 public:
  // Overtakes: `datagram` would, if it were sent now. What members are sent unasked is kept in one
  // order, since a user's COUNTER is of all channels; what answers a datagram is in none.
  bool Overtakes(const controller::Datagram& datagram) const {
    if (datagram.to.IsMulticast()) return channels_.contains(datagram.channel);
    return !IsAnswer(datagram) && unicast_ > 0;
  }

  void Add(const controller::Datagram& datagram) {
    if (datagram.to.IsMulticast()) {
      ++channels_[datagram.channel];
    } else if (!IsAnswer(datagram)) {
      ++unicast_;
    }
  }

  void Remove(const std::vector<controller::Datagram>& datagrams) {
    for (const controller::Datagram& datagram : datagrams) {
      if (datagram.to.IsMulticast()) {
        const auto channel = channels_.find(datagram.channel);
        KEYMAST_CHECK(channel != channels_.end());
        if (--channel->second == 0) channels_.erase(channel);
      } else if (!IsAnswer(datagram)) {
        --unicast_;
      }
    }
  }

 private:
  static bool IsAnswer(const controller::Datagram& datagram) { return datagram.due == Instant{}; }

  std::map<ChannelId, size_t> channels_;  // multicast, by channel
  size_t unicast_ = 0;
};

}  // namespace keymast::server
