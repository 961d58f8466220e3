// SPDX-License-Identifier: Apache-2.0
// Datagrams that wait for a commit, so that none which is sent later goes ahead of them: COUNTERs
// rise on air (TS 33.246 §6.4.3), those of MTK messages under an MSK and of MSK messages to a user.
#pragma once

#include <map>
#include <vector>

#include "base/check.h"
#include "controller/controller.h"
#include "server/pipeline.h"

namespace keymast::server {

class Held {
 public:
  using Place = Pipeline::Place;

  // Last is where the last one waits that `datagram` would overtake if it were sent now. What
  // members are sent unasked is kept in one order, since a user's COUNTER is of all channels; what
  // answers a datagram is in none.
  std::optional<Place> Last(const controller::Datagram& datagram) const {
    if (!datagram.to.IsMulticast()) {
      return IsAnswer(datagram) || unicast_.count == 0 ? std::nullopt
                                                       : std::optional(unicast_.last);
    }
    const auto channel = channels_.find(datagram.channel);
    return channel == channels_.end() ? std::nullopt : std::optional(channel->second.last);
  }

  // Add: `place` is at least that of the last one.
  void Add(const controller::Datagram& datagram, Place place) {
    if (datagram.to.IsMulticast()) {
      channels_[datagram.channel].Add(place);
    } else if (!IsAnswer(datagram)) {
      unicast_.Add(place);
    }
  }

  void Remove(const std::vector<controller::Datagram>& datagrams) {
    for (const controller::Datagram& datagram : datagrams) {
      if (datagram.to.IsMulticast()) {
        const auto channel = channels_.find(datagram.channel);
        KEYMAST_CHECK(channel != channels_.end());
        if (--channel->second.count == 0) channels_.erase(channel);
      } else if (!IsAnswer(datagram)) {
        --unicast_.count;
      }
    }
  }

 private:
  struct Waiting {
    size_t count = 0;
    Place last = 0;
    void Add(Place place) {
      ++count;
      last = place;
    }
  };
  static bool IsAnswer(const controller::Datagram& datagram) { return datagram.due == Instant{}; }

  std::map<ChannelId, Waiting> channels_;  // multicast, by channel
  Waiting unicast_;
};

}  // namespace keymast::server
