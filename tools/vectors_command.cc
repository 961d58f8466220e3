// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tools/commands.h"
#include "tools/vectors.h"

namespace keymast::tools {

int WriteVectors(const VectorsOptions& options) {
  const std::filesystem::path folder(options.folder);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return Refuse("vectors: " + options.folder + ": " + problem.message());
  for (const VectorKind& kind : VectorKinds()) {
    const std::string text = VectorText(kind);
    std::ofstream file(folder / kind.file, std::ios::binary | std::ios::trunc);
    if (!(file << text).flush()) {
      return Refuse("vectors: " + (folder / kind.file).string() + ": cannot be written");
    }
  }
  return 0;
}

}  // namespace keymast::tools
