// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "crypto/primitives.h"

namespace keymast::crypto {

bool HardenProcess() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // Under a finite limit the locking of memory to come would make allocations fail later.
  rlimit lockable{};
  getrlimit(RLIMIT_MEMLOCK, &lockable);
  lockable.rlim_cur = lockable.rlim_max;
  const bool is_endless = lockable.rlim_max == RLIM_INFINITY;
  return is_endless && setrlimit(RLIMIT_MEMLOCK, &lockable) == 0 &&
         mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

}  // namespace keymast::crypto
