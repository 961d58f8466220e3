// SPDX-License-Identifier: Apache-2.0
// keymastctl channels ...
#pragma once

#include "cli/command.h"

namespace keymast::cli {

// KeyPolicyOptions: durations as typed; empty or zero leaves a field alone.
struct KeyPolicyOptions {
  std::string mtk_period, mtk_lead, mtk_repetition;
  std::string msk_period, msk_lead, msk_give_up;
  std::string exclusion_lead, batch_window;
  std::string leave_policy;  // immediate, batched, next-msk
  uint32_t mtk_ids_per_msk = 0;
  uint32_t max_datagram = 0;
  uint32_t msk_pacing_rate = 0;
};

struct ChannelOptions {
  std::string id;
  std::string file;  // protobuf JSON of a Channel; options come on top
  std::string display_name;
  std::string group, interface_address;
  uint32_t mtk_port = 0;
  int64_t ttl = -1, dscp = -1;       // below 0: not given
  std::vector<std::string> streams;  // media:port:ssrc:payload type:rtpmap[:fmtp]
  std::string key_domain;
  uint32_t key_group = 0;
  std::string profile;
  KeyPolicyOptions policy;
  bool validate_only = false;
};

Outcome<void> CreateChannel(Context& context, const ChannelOptions& options);
// UpdateChannel changes what is given and leaves the rest as it is. A file's name must be the
// channel's; its etag, that of the state that was edited, must still be.
Outcome<void> UpdateChannel(Context& context, const ChannelOptions& options);
Outcome<void> GetChannel(Context& context, const std::string& channel);
Outcome<void> ListChannels(Context& context, const PageOptions& page);
Outcome<void> DeleteChannel(Context& context, const std::string& channel, bool force);
// PrintSdp writes the channel's SDP as it is, in either format.
Outcome<void> PrintSdp(Context& context, const std::string& channel);

}  // namespace keymast::cli
