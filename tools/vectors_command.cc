// SPDX-License-Identifier: Apache-2.0
#include "tools/commands.h"

namespace keymast::tools {

int WriteVectors(const VectorsOptions&) { return Refuse("vectors: not here yet"); }

}  // namespace keymast::tools
