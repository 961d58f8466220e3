// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "crypto/primitives.h"

namespace keymast::crypto {

void HardenProcess() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // Locking succeeds only within RLIMIT_MEMLOCK; without it keys may reach swap, which
  // docs/operator.md says to encrypt or switch off.
  mlockall(MCL_CURRENT);
}

}  // namespace keymast::crypto
