// SPDX-License-Identifier: Apache-2.0
// Preloaded in front of libfaketime, which moves every absolute timer with the wall clock, also one
// of CLOCK_BOOTTIME: the kernel's own call instead.
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern "C" int timerfd_settime(int fd, int flags, const itimerspec* value,
                               itimerspec* old) noexcept {
  return static_cast<int>(syscall(SYS_timerfd_settime, fd, flags, value, old));
}
