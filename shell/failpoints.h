// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keymast::shell {

// ArmFailpoint lets KEYMAST_FAILPOINT=NAME:N kill this process at the N-th pass of base's failpoint
// NAME (N: 1 without it). Only builds with tests read it. Call before any thread starts.
void ArmFailpoint();

}  // namespace keymast::shell
