// SPDX-License-Identifier: Apache-2.0
#include "shell/failpoints.h"

#ifdef KEYMAST_FAILPOINTS
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "base/failpoint.h"
#endif

namespace keymast::shell {

#ifdef KEYMAST_FAILPOINTS
namespace {

std::string_view armed;
std::atomic<int> passes_left{1};

void KillAtArmed(const char* name) {
  if (name == armed && --passes_left == 0) std::raise(SIGKILL);
}

}  // namespace

void ArmFailpoint() {
  const char* named = std::getenv("KEYMAST_FAILPOINT");
  if (named == nullptr) return;
  armed = named;
  if (const size_t colon = armed.find(':'); colon != std::string_view::npos) {
    int count = 1;
    std::from_chars(armed.data() + colon + 1, armed.data() + armed.size(), count);
    passes_left = count;
    armed = armed.substr(0, colon);
  }
  on_failpoint = KillAtArmed;
}
#else
void ArmFailpoint() {}
#endif

}  // namespace keymast::shell
