// SPDX-License-Identifier: Apache-2.0
// Who may call what. Checked before a request is looked at (AIP-211).
#pragma once

#include <cstdint>
#include <string_view>

namespace keymast::api {

// A viewer sees channels and keys' ids; an auditor also sees who subscribes; an operator may do all
// but what a headend does; a headend may fetch its traffic keys and nothing else.
enum class Role : uint8_t { kOperator, kViewer, kAuditor, kHeadend };
inline constexpr Role kRoles[] = {Role::kOperator, Role::kViewer, Role::kAuditor, Role::kHeadend};

// RoleName gives `operator`, `viewer`, `auditor` or `headend`, as in configuration and socket
// names.
std::string_view RoleName(Role role);

// RoleBit gives the bit of a role in a set of them.
constexpr unsigned RoleBit(Role role) { return 1U << static_cast<unsigned>(role); }

// MayCall says whether `role` may call a method, named as `Channels.CreateChannel`. A method that
// the table does not have may be called by nobody.
bool MayCall(Role role, std::string_view method);

}  // namespace keymast::api
