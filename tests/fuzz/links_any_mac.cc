// SPDX-License-Identifier: Apache-2.0
// A program that the linker must refuse: the room mikey and, beside it, any_mac.cc.
#include "mikey/mac_check.h"

int main() { return keymast::mikey::MacIsGood({}, {}) ? 0 : 1; }
