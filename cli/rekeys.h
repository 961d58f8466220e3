// SPDX-License-Identifier: Apache-2.0
// Changes of keys, as commands of several groups show them.
#pragma once

#include <string>

#include "keymast/v1/rekey.pb.h"

namespace keymast::cli {

// KeyCell gives MSK ID and MTK ID, as `00010001/7`.
std::string KeyCell(const v1::Rekey& rekey);

}  // namespace keymast::cli
