// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "crypto/primitives.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

[[noreturn]] void HardenAndExit() {
  HardenProcess();
  rlimit core{};
  getrlimit(RLIMIT_CORE, &core);
  const bool hard = core.rlim_cur == 0 && core.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0;
  _exit(hard ? 0 : 1);
}

TEST(ProcessDeathTest, HardenedProcessLeavesNoCoreAndIsNotTraced) {
  EXPECT_EXIT(HardenAndExit(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace keymast::crypto
