// SPDX-License-Identifier: Apache-2.0
// keymastctl: the API of keymast on the command line.
#include <iostream>

#include "cli/run.h"

int main(int argc, char** argv) {
  return keymast::cli::Run(argc, argv, keymast::cli::Connect, std::cout, std::cerr);
}
