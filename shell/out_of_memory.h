// SPDX-License-Identifier: Apache-2.0
// What a program does when there is no memory left.
#pragma once

namespace keymast::shell {

// The exit status then, EX_OSERR of <sysexits.h>: systemd shows it as 71/OSERR.
inline constexpr int kOutOfMemory = 71;

// EndWhenOutOfMemory ends the process at the first `new` that is given nothing, whatever it is for
// and whichever thread asks: one line in the log, `out_of_memory`, and status kOutOfMemory. No
// exception leaves a change half made behind it; what was acknowledged is what the next start
// finds. `program` is named in the line and outlives all threads. Call first thing in main.
void EndWhenOutOfMemory(const char* program);

}  // namespace keymast::shell
