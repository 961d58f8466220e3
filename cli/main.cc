// SPDX-License-Identifier: Apache-2.0
// keymastctl: the API of keymast on the command line.
#include <iostream>

#include "cli/run.h"
#include "crypto/primitives.h"

int main(int argc, char** argv) {
  keymast::crypto::HardenProcess();  // it reads user keys
  if (!keymast::crypto::SelfTest()) {
    std::cerr << "keymastctl: the installed OpenSSL or libsodium gives wrong answers\n";
    return 1;
  }
  return keymast::cli::Run(argc, argv, keymast::cli::Connect, std::cout, std::cerr);
}
