// SPDX-License-Identifier: Apache-2.0
// What a join offers (MIKEYv2 §3.3), by what table and member have.
#pragma once

#include "include/keymast/receiver.h"
#include "mikey/v2/party.h"

namespace keymast::receiver::library {

// Features (MIKEYv2 §10).
inline constexpr uint32_t kMskMessages = 1u << 5;  // MSKs by the messages of 3GPP
inline constexpr uint32_t kReports = 1u << 6;

void SetJoinPolicy(mikey::v2::Policy& policy, const keymast_crypto& crypto,
                   const keymast_member& member);

}  // namespace keymast::receiver::library
