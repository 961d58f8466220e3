// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keymast::shell {

// AskForShortSlice has the scheduler run this process soon after its timer fires, ahead of those
// that use a processor in long slices: Linux 6.12 and later; before that nothing comes of it. Of
// the calling thread, and of those that it starts. Without effect where an administrator chose
// another policy.
void AskForShortSlice();

}  // namespace keymast::shell
