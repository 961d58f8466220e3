// SPDX-License-Identifier: Apache-2.0
// keymastctl: the API of keymast on the command line.
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "cli/run.h"
#include "crypto/primitives.h"
#include "shell/process.h"

namespace {

bool IsOutClosed() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  keymast::crypto::HardenProcess();  // it reads user keys
  if (!keymast::crypto::SelfTest()) {
    std::cerr << "keymastctl: the installed OpenSSL or libsodium gives wrong answers\n";
    return 1;
  }
  const keymast::shell::SystemClock clock;
  keymast::cli::Surroundings around{
      std::cin,
      std::cout,
      std::cerr,
      isatty(STDOUT_FILENO) == 1,
      isatty(STDERR_FILENO) == 1,
      [&] { return clock.Now(); },
      [](keymast::Duration duration) { std::this_thread::sleep_for(duration); },
      IsOutClosed};
  return keymast::cli::Run(argc, argv, keymast::cli::Connect, around);
}
