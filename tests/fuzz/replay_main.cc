// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over corpora without libFuzzer: every file of the folders given. Fails for a
// folder that is missing or empty, so that no corpus is lost unnoticed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool RunFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::vector<char> octets{std::istreambuf_iterator<char>(file), {}};
  // A copy of just the size, so that the sanitizer sees a read past its end.
  const std::vector<uint8_t> input(octets.begin(), octets.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

bool RunFolder(const fs::path& folder) {
  const std::vector<fs::path> files = FilesOf(folder);
  if (files.empty()) {
    std::fprintf(stderr, "no corpus in %s\n", folder.c_str());
    return false;
  }
  const bool all = std::all_of(files.begin(), files.end(), RunFile);
  std::printf("%zu inputs of %s\n", files.size(), folder.c_str());
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<fs::path> folders(argv + 1, argv + argc);
    if (folders.empty()) std::fprintf(stderr, "usage: %s CORPUS...\n", argv[0]);
    const bool all = !folders.empty() && std::all_of(folders.begin(), folders.end(), RunFolder);
    return all ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
