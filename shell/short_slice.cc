// SPDX-License-Identifier: Apache-2.0
#include "shell/short_slice.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace keymast::shell {
namespace {

constexpr __u64 kSlice = 100'000;  // ns, the least that Linux takes; a tick takes less

}  // namespace

// Best effort: keys are sent without it too, and the C library has no function for it.
void AskForShortSlice() {
  sched_attr attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.sched_policy != SCHED_NORMAL) return;
  attributes.sched_runtime = kSlice;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace keymast::shell
