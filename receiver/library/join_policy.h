// SPDX-License-Identifier: Apache-2.0
// What a join offers (MIKEYv2 §3.3), by what table and member have.
#pragma once

#include "include/keymast/receiver.h"
#include "mikey/v2/party.h"

namespace keymast::receiver::library {

inline constexpr uint32_t kReports = 1u << 6;  // feature 6 (MIKEYv2 §10)

void SetJoinPolicy(mikey::v2::Policy& policy, const keymast_crypto& crypto,
                   const keymast_member& member);

}  // namespace keymast::receiver::library
