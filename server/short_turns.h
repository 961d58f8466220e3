// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keymast::server {

// AskForShortTurns has the scheduler run this process soon after its timer fires, ahead of those
// that use a processor in long turns: Linux 6.12 and later; before that nothing comes of it. Of the
// calling thread, and of those that it starts. Without effect where an administrator chose another
// policy.
void AskForShortTurns();

}  // namespace keymast::server
