// SPDX-License-Identifier: Apache-2.0
// How a server speaks MIKEYv2 (docs/operator.md, `mikeyv2.*`).
#pragma once

#include <string>

#include "base/endpoint.h"
#include "controller/rates.h"
#include "groups/group.h"
#include "mikey/profile3gpp.h"
#include "mikey/v2/party.h"

namespace keymast::controller {

struct KeyingConfig {
  mikey::v2::Policy policy;  // without modes version 2 is not spoken
  std::string authority;     // of the URIs of groups: mikey://AUTHORITY/CHANNEL
  Endpoint place;            // where receivers reach this server; unset: they are not told
  size_t exchanges = 49152;  // remembered at once; some 3 KiB each
  size_t waiting = 4096;     // CAPs of strangers that wait for members to be served first
  // From here on strangers need a cookie.
  Rate strangers{500, std::chrono::milliseconds(1)};
  Rate address{50, std::chrono::milliseconds(20)};
  Rate identity{8, std::chrono::seconds(1)};
  // Diffie-Hellman values of each group that are made ahead when there is nothing else to do.
  size_t made_ahead = 256;
  // Members whose certificates are kept from their last join, so that the next one may name them by
  // hash (MIKEYv2 §6 rule 4); those of 1,024 octets at most.
  size_t kept_certificates = 16384;
  // Of tickets (MIKEYv2 §11), at most mikey::v2::kTicketLife; 0: none are given or taken.
  Duration ticket_life = std::chrono::hours(24);
  Duration ticket_key_period = std::chrono::hours(24);  // how long a key seals them
};

// IsSpoken: version 2 is.
inline bool IsSpoken(const KeyingConfig& config) { return !config.policy.modes.empty(); }

inline bool GivesTickets(const KeyingConfig& config) { return config.ticket_life > Duration(0); }

// GroupUri is IDR(2) of a join of the channel (MIKEYv2 §3.4); ChannelOf its inverse, empty for what
// is no group's of this authority.
std::string GroupUri(const KeyingConfig& config, const ChannelId& channel);
ChannelId ChannelOf(const KeyingConfig& config, std::string_view uri);

// JoinPlace is what a description says of how the channel is joined (MIKEYv2 §12, mikeyv2-join);
// empty where it is not.
std::string JoinPlace(const KeyingConfig& config, const mikey::Profile3gpp& profile,
                      const groups::Channel& channel);

}  // namespace keymast::controller
