// SPDX-License-Identifier: Apache-2.0
#include "tools/commands.h"

namespace keymast::tools {

int Build(const BuildOptions&) { return Refuse("build: not here yet"); }
int WriteVectors(const VectorsOptions&) { return Refuse("vectors: not here yet"); }

}  // namespace keymast::tools
