// SPDX-License-Identifier: Apache-2.0
// keymastctl members ...
#pragma once

#include "cli/batch.h"

namespace keymast::cli {

struct MemberOptions {
  std::string channel;
  std::string subscriber;
  std::string msk_endpoint;
  std::string from, until;  // entitlement window, RFC 3339; `none` opens an end
  bool join = false;
  bool validate_only = false;
};

Outcome<void> AddMember(Context& context, const MemberOptions& options);
// BatchAddMembers reads lines `SUBSCRIBER,MSK_ENDPOINT`; each 1000 are one atomic request.
Outcome<void> BatchAddMembers(Context& context, const std::string& channel, const CsvOptions& csv,
                              bool join);
// UpdateMember changes what is given and leaves the rest as it is.
Outcome<void> UpdateMember(Context& context, const MemberOptions& options);
Outcome<void> GetMember(Context& context, const std::string& channel,
                        const std::string& subscriber);
Outcome<void> ListMembers(Context& context, const std::string& channel, const PageOptions& page);
Outcome<void> JoinChannel(Context& context, const std::string& channel,
                          const std::string& subscriber);
Outcome<void> LeaveChannel(Context& context, const std::string& channel,
                           const std::string& subscriber);
Outcome<void> ExpelMembers(Context& context, const std::string& channel,
                           const std::vector<std::string>& subscribers);

}  // namespace keymast::cli
